// The example on a folder: each scan one row, PyTorch's probabilities; what was done before, or cut off, is told apart.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sample } from "@anymc3d/adapter-lung-nodule";
import { afterAll, expect, test } from "vitest";

const program = fileURLToPath(new URL("../batch.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "anymc3d-batch-"));
const out = join(folder, "out.csv");
const run = () => spawnSync("node", [program, folder, out], { encoding: "utf8" });
afterAll(() => rmSync(folder, { recursive: true }));

/** 1 / (1 + exp(-logit)) of PyTorch's logits. */
const PYTORCH = [2.69495, 2.0404, 1.66451, -5.02184, -3.10637].map((logit) => 1 / (1 + Math.exp(-logit)));

test("rows, a scan that cannot be read, and going on after being killed", () => {
  copyFileSync(fileURLToPath(sample), join(folder, "a, first.nii.gz"));
  writeFileSync(join(folder, "b.nii.gz"), "no scan");
  const header = "file,malignant,spiculated,lobulated,calcified,subsolid,error\n";
  const before = `${header}"a, first.nii.gz",0.1,0.2,0.3,0.4,0.5,\n`;
  // As a program leaves it that was killed while it wrote.
  writeFileSync(out, `${before}"b.nii.gz",0.`);
  copyFileSync(fileURLToPath(sample), join(folder, "c.nii.gz"));

  const { stderr, status } = run();
  expect([status, stderr]).toEqual([0, expect.stringContaining("3 scans, 1 done before")]);
  const text = readFileSync(out, "utf8");
  expect(text.startsWith(before)).toBe(true);
  const [b, c, ...rest] = text.slice(before.length).trimEnd().split("\n");
  expect(b).toMatch(/^"b\.nii\.gz",,,,,,"[A-Z_]+: .*b\.nii\.gz/);
  expect(c.startsWith('"c.nii.gz",')).toBe(true);
  c.split(",")
    .slice(1, 6)
    .forEach((value, i) => expect(Number(value)).toBeCloseTo(PYTORCH[i], 3));
  expect(rest).toEqual([]);

  expect(run().stderr).toContain("3 scans, 3 done before");
  expect(readFileSync(out, "utf8")).toBe(text);
});

test("a table of something else is left alone", () => {
  writeFileSync(out, "id,label\n1,0\n");
  expect(run().status).toBe(1);
  expect(readFileSync(out, "utf8")).toBe("id,label\n1,0\n");
});
