// anymc3d inspect --png and convert, as a user runs them. Runs the built program.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Volume } from "@anymc3d/core";
import { readVolume, writeVolume } from "@anymc3d/io";
import { slice } from "@anymc3d/testkit/dicom";
import { decode } from "fast-png";
import { afterAll, beforeAll, expect, test } from "vitest";

const bin = fileURLToPath(new URL("../bin/anymc3d.js", import.meta.url));
process.env.NO_COLOR = "1";
const anymc3d = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile("node", [bin, ...args], { encoding: "utf8" }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }));
  });

let folder: string;
let path: (name: string) => string;
/** 40×40×3 voxels of 1×1×3 mm, x toward left, y toward the front, one bright block toward left and front in the lowest slice. */
const shape = [40, 40, 3] as const;
const volume: Volume = {
  shape,
  affine: [-1, 0, 0, 100, 0, 1, 0, -50, 0, 0, 3, 7, 0, 0, 0, 1],
  data: Int16Array.from({ length: 4800 }, (_, v) => (v % 40 >= 32 && Math.floor(v / 40) % 40 >= 32 && v < 1600 ? 1000 : v % 7)),
};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-volumes-"));
  path = (name) => join(folder, name);
  await writeVolume(path("in.nii.gz"), volume);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("inspect --png: axial slices from the feet up, patient left at the right, front at the top", async () => {
  const { code, stdout } = await anymc3d("inspect", path("in.nii.gz"), "--png", path("strip.png"), "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ shape: [...shape], orientation: "LAS", spacing: [1, 1, 3] });
  const { width, height, data } = decode(await readFile(path("strip.png")));
  expect([width, height]).toEqual([3 * 192, 192]);
  const at = (slice: number, row: number, column: number) => data[row * width + slice * 192 + column];
  // The block covers the outer fifth of either axis.
  expect(at(0, 10, 181)).toBe(255);
  expect([at(0, 181, 181), at(0, 10, 10), at(1, 10, 181), at(2, 10, 181)].every((grey) => grey < 50)).toBe(true);
  expect((await anymc3d("inspect", path("in.nii.gz"), path("in.nii.gz"), "--png", path("strip.png"))).code).toBe(2);
});

test("convert: another format, the same voxels and affine; an output is not replaced unasked", async () => {
  expect((await anymc3d("convert", path("in.nii.gz"), path("out.nrrd"))).code).toBe(0);
  const read = await readVolume(path("out.nrrd"));
  expect([...read.data]).toEqual([...volume.data]);
  expect(read.affine).toEqual(volume.affine);
  const again = await anymc3d("convert", path("in.nii.gz"), path("out.nrrd"));
  expect(again.code).toBe(1);
  expect(again.stderr).toContain("--force");
  expect((await anymc3d("convert", path("in.nii.gz"), path("out.nrrd"), "--force")).code).toBe(0);
});

test("convert --canonical, --crop-above, --like: values stay where they are in the patient", async () => {
  await anymc3d("convert", path("in.nii.gz"), path("ras.nii.gz"), "--canonical");
  const ras = await readVolume(path("ras.nii.gz"));
  // x = 39 … 0 of the input; its voxel 39 lies at 100 - 39 = 61 mm.
  expect(ras.affine).toEqual([1, 0, 0, 61, 0, 1, 0, -50, 0, 0, 3, 7, 0, 0, 0, 1]);
  expect(ras.data[7]).toBe(volume.data[32]);
  await anymc3d("convert", path("in.nii.gz"), path("crop.nii.gz"), "--crop-above", "500");
  const crop = await readVolume(path("crop.nii.gz"));
  expect(crop.shape).toEqual([8, 8, 1]);
  expect([crop.affine?.[3], crop.affine?.[7], crop.affine?.[11]]).toEqual([68, -18, 7]);
  await anymc3d("convert", path("crop.nii.gz"), path("back.nii.gz"), "--like", path("in.nii.gz"), "--interpolation", "nearest", "--fill", "0");
  const back = await readVolume(path("back.nii.gz"));
  expect([...back.data]).toEqual([...volume.data].map((value) => (value === 1000 ? 1000 : 0)));
});

test("convert: what lies outside is air in a CT, 0 in a segmentation, else the smallest value, or what --fill says; labels are not mixed", async () => {
  const scan: Volume = { shape: [4, 1, 1], data: Int16Array.of(-2000, 40, 50, 60), affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] };
  await writeVolume(path("row.nrrd"), scan);
  await writeVolume(path("wide.nrrd"), { ...scan, shape: [6, 1, 1], data: new Int16Array(6), affine: scan.affine?.map((v, i) => (i === 3 ? -0.5 : v)) });
  await writeVolume(path("map.nrrd"), { ...scan, data: Uint8Array.of(0, 1, 3, 3) });
  const found = async (input: string, ...flags: string[]) => {
    const { code, stderr } = await anymc3d("convert", path(input), path("there.nrrd"), "--like", path("wide.nrrd"), "--force", ...flags);
    expect(code, stderr).toBe(0);
    return [[...(await readVolume(path("there.nrrd"))).data], stderr] as const;
  };
  // The grid begins half a voxel before the row's first centre, which is inside, and has two places behind its last voxel.
  expect((await found("row.nrrd", "--modality", "CT"))[0]).toEqual([-1000, 40, 45, 55, -1000, -1000]);
  expect((await found("row.nrrd"))[0]).toEqual([-2000, -980, 45, 55, -2000, -2000]);
  expect((await found("row.nrrd", "--fill", "7"))[0]).toEqual([-2000, -980, 45, 55, 7, 7]);
  const [labels, said] = await found("map.nrrd");
  expect(labels).toEqual([0, 1, 3, 3, 0, 0]);
  expect(said).toContain("its values are 0, 1, 3: taken as labels");
  expect((await found("map.nrrd", "--interpolation", "linear"))[0]).toEqual([0, 0.5, 2, 3, 0, 0]);
});

test("a DICOM folder: the series are listed, one is chosen, converted and inspected", async () => {
  await mkdir(path("study"));
  for (const z of [0, 2, 4]) await writeFile(path(`study/a${9 - z}`), slice(z, [z, z, z, -1000]));
  for (const z of [0, 1]) await writeFile(path(`study/b${z}`), slice(z, [5, 5, 5, 5], { "0020000e": ["UI", "1.2.9"], "0008103e": ["LO", "lung kernel"] }));
  const asked = await anymc3d("convert", path("study"), path("ct.nii.gz"));
  expect(asked.code).toBe(1);
  expect(asked.stderr).toMatch(/SERIES_REQUIRED.*1\.2\.3 .*3 image\(s\).*1\.2\.9 \(CT, lung kernel, 2 image\(s\)/s);
  expect((await anymc3d("convert", path("study"), path("ct.nii.gz"), "--series", "1.2.3")).code).toBe(0);
  const read = await readVolume(path("ct.nii.gz"));
  expect([...read.data]).toEqual([0, 0, 0, -1000, 2, 2, 2, -1000, 4, 4, 4, -1000]);
  expect(read.affine).toEqual([-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]);
  const { stdout } = await anymc3d("inspect", path("study"), "--series", "1.2.9");
  expect(stdout).toMatch(/modality +CT.*units +HU.*description +lung kernel.*series 1\.2\.9 .* was read; left out: 1\.2\.3/s);
});

test("what cannot work says so", async () => {
  await writeFile(path("text.txt"), "no volume");
  const unread = await anymc3d("convert", path("text.txt"), path("never.nii"));
  expect([unread.code, unread.stderr]).toEqual([1, expect.stringContaining("text.txt")]);
  const both = await anymc3d("convert", path("in.nii.gz"), path("never.nii"), "--like", path("in.nii.gz"), "--resample", "2");
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("--like")]);
  expect((await anymc3d("convert", path("in.nii.gz"), path("never.txt"))).code).not.toBe(0);
  const grid = ["--like", path("in.nii.gz")];
  // biome-ignore format: a table
  for (const flags of [
    [...grid, "--fill", "abc"],
    [...grid, "--fill", "-1000 HU"],
    [...grid, "--fill", ""],
    ["--crop-above", "1,5"],
    ["--fill", "7"],
    ["--interpolation", "nearest"],
  ])
    expect((await anymc3d("convert", path("in.nii.gz"), path("never.nii"), ...flags)).code, flags.join(" ")).toBe(2);
  await expect(readFile(path("never.nii"))).rejects.toThrow("ENOENT");
});
