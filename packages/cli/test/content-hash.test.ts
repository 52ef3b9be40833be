// What lies at a path, as a hash: bytes and names count, not times or places; voxels beside a header count with it.

import { cp, mkdir, mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { contentHash } from "../src/data/content-hash.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-content-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a file: other bytes of the same size and time are another content; another place is not", async () => {
  const [a, b] = [join(folder, "a.nii"), join(folder, "b.nii")];
  const time = new Date(1e12);
  await writeFile(a, "one");
  await utimes(a, time, time);
  const one = await contentHash(a);
  await writeFile(a, "two");
  await utimes(a, time, time);
  expect(await contentHash(a)).not.toBe(one);
  await writeFile(b, "one");
  expect(await contentHash(b)).toBe(one);
});

test("a folder: files within folders, their names, and one more", async () => {
  const series = join(folder, "series");
  await mkdir(join(series, "deep"), { recursive: true });
  await writeFile(join(series, "1"), "x");
  await writeFile(join(series, "deep/2"), "y");
  const first = await contentHash(series);
  await cp(series, join(folder, "copy"), { recursive: true });
  expect(await contentHash(join(folder, "copy"))).toBe(first);
  await writeFile(join(series, "3"), "");
  expect(await contentHash(series)).not.toBe(first);
  await rm(join(series, "3"));
  await rename(join(series, "deep/2"), join(series, "deep/4"));
  expect(await contentHash(series)).not.toBe(first);
});

test.each([
  ["scan.nhdr", "NRRD0004\ndata file: voxels.raw\n", "voxels.raw"],
  ["scan.nhdr", "NRRD0004\ndata file: sub/voxels.raw\n", "sub/voxels.raw"],
  ["scan.nhdr", "NRRD0004\ndata file: LIST\nsub/v1.raw\nsub/v2.raw\n", "sub/v2.raw"],
  ["scan.nhdr", "NRRD0004\ndata file: v%03d.raw 1 2 1\n", "v002.raw"],
  ["scan.mhd", "NDims = 3\nElementDataFile = voxels.raw\n", "voxels.raw"],
  ["scan.hdr", "\0\0\0\0", "scan.img"],
])("a header %s of %j: the voxels in %s count, another file beside it does not", async (name, text, voxels) => {
  const place = await mkdtemp(join(folder, "header-"));
  await mkdir(join(place, "sub"));
  await writeFile(join(place, name), text);
  await writeFile(join(place, voxels), "voxels");
  const first = await contentHash(join(place, name));
  if (!text.includes("%")) await writeFile(join(place, "other.txt"), "other");
  expect(await contentHash(join(place, name))).toBe(first);
  await writeFile(join(place, voxels), "Voxels");
  expect(await contentHash(join(place, name))).not.toBe(first);
});
