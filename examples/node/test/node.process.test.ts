// The example as its README starts it: PyTorch's probability on the sample, a heatmap on its grid, a refusal by its code.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sample } from "@anymc3d/adapter-lung-nodule";
import { readVolume } from "@anymc3d/io";
import { expect, onTestFinished, test } from "vitest";

const program = fileURLToPath(new URL("../index.js", import.meta.url));
const run = (...args: string[]) => spawnSync("node", [program, ...args], { encoding: "utf8" });
const folder = mkdtempSync(join(tmpdir(), "anymc3d-example-"));

test("the sample, with a heatmap", async () => {
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const heatmap = join(folder, "heatmap.nii.gz");
  const { stdout, status } = run(fileURLToPath(sample), heatmap);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^Rated malignant +93\.7 % {2}yes/m);
  expect((await readVolume(heatmap)).shape).toEqual((await readVolume(sample)).shape);
});

test("what is no scan", () => {
  const file = join(mkdtempSync(join(tmpdir(), "anymc3d-example-")), "notes.nii");
  writeFileSync(file, "no scan");
  const { stderr, status } = run(file);
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^[A-Z_]+: .*notes\.nii/)]);
});
