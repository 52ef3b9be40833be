// No target takes the place of what is read, whatever it is called.

import { link, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { convert } from "../src/commands/convert.js";
import { inspectFiles } from "../src/commands/inspect.js";
import { checkNotInput } from "../src/data/not-an-input.js";

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-input-"));
  await mkdir(at("study"));
  for (const name of ["scan.nii.gz", "other.nii.gz", "study/1.dcm", "pair.hdr", "pair.img", "far.raw", "near.raw"]) await writeFile(at(name), name);
  await writeFile(at("head.mhd"), "NDims = 3\nElementDataFile = near.raw\n");
  await symlink(at("scan.nii.gz"), at("soft.png"));
  await symlink(folder, at("round"));
  await link(at("scan.nii.gz"), at("hard.png"));
  await symlink(at("pair.hdr"), at("elsewhere.hdr"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ["scan.nii.gz", "scan.nii.gz"],
  ["study/../scan.nii.gz", "scan.nii.gz"],
  ["round/scan.nii.gz", "scan.nii.gz"],
  ["soft.png", "scan.nii.gz"],
  ["hard.png", "scan.nii.gz"],
  ["scan.nii.gz", "hard.png"],
  ["study/1.dcm", "study"],
  ["round/study/1.dcm", "study"],
  ["pair.img", "pair.hdr"],
  ["pair.hdr", "pair.img"],
  ["pair.img", "elsewhere.hdr"],
  ["near.raw", "head.mhd"],
])("%s is refused where %s is read", async (target, input) => {
  const refused = { code: "OPTION_INVALID", message: expect.stringContaining(`--png would overwrite the input ${at(input)}`) };
  await expect(checkNotInput("--png", at(target), [at("other.nii.gz"), at(input)])).rejects.toMatchObject(refused);
  await expect(checkNotInput("--png", relative(process.cwd(), at(target)), [at(input)])).rejects.toMatchObject({ code: "OPTION_INVALID" });
});

test.each([
  ["other.nii.gz", "scan.nii.gz"],
  ["new.png", "scan.nii.gz"],
  ["study/new.nii.gz", "study"],
  ["far.raw", "head.mhd"],
  ["scan.nii.gz", "pair.hdr"],
  ["scan.nii.gz", "nothing-here.nii.gz"],
  ["scan.nii.gz", "https://example.org/scan.nii.gz"],
])("%s may be written where %s is read", (target, input) =>
  expect(checkNotInput("--png", at(target), [input.includes(":") ? input : at(input)])).resolves.toBeUndefined(),
);

test("commands ask before they read: the input is as it was, and no reader has complained of it", async () => {
  const [scan, hard, other] = [at("scan.nii.gz"), at("hard.png"), at("other.nii.gz")];
  await expect(inspectFiles([scan], { png: hard })).rejects.toMatchObject({ code: "OPTION_INVALID", message: expect.stringMatching(/^--png would/) });
  for (const [input, output, like] of [
    [scan, hard],
    [scan, other, other],
  ])
    await expect(convert(input, output, { like, force: true } as never)).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringMatching(/^The output would/),
    });
});
