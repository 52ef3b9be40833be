// The example on the sample: the embedding that NumPy computes from the same files (reference/embedding.py).
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const expected: number[] = JSON.parse(readFileSync(new URL("reference/embedding.json", import.meta.url), "utf8"));

test("one row a scan, NumPy's numbers", () => {
  const [header, row] = execFileSync("node", [fileURLToPath(new URL("../embed.js", import.meta.url))], { encoding: "utf8" }).trim().split("\n"); // biome-ignore format: a line
  expect(header.split(",")).toHaveLength(1 + 384);
  const found = row.split(",").slice(1).map(Number);
  expect(found).toHaveLength(384);
  const worst = Math.max(...found.map((value, i) => Math.abs(value - expected[i])));
  expect(worst).toBeLessThan(2e-3);
});
