// The example: PyTorch's logits twice, the second time without the backbone.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** PyTorch's logits of the sample. */
const LOGITS = [2.69495, 2.0404, 1.66451, -5.02184, -3.10637];

test("the second classification is remembered", () => {
  const lines = execFileSync("node", [fileURLToPath(new URL("../index.js", import.meta.url))], { encoding: "utf8" }).trim().split("\n"); // biome-ignore format: a line
  for (const line of lines.slice(0, 2)) {
    expect(line).toMatch(/^remembering onnxruntime-/);
    const logits = [...line.matchAll(/ (-?\d+\.\d{4})/g)].map(([, logit]) => Number(logit));
    expect(logits).toHaveLength(LOGITS.length);
    logits.forEach((logit, i) => expect(logit).toBeCloseTo(LOGITS[i], 2));
  }
  expect(lines[2]).toBe("computed 1, remembered 1");
});
