// A whole archive of MedMNIST as cases: the published numbers of them, and a case's voxels as numpy reads them.
import { existsSync, readFileSync } from "node:fs";
import { shared } from "@anymc3d/testkit/fixtures";
import { describe, expect, test } from "vitest";
import type { Task } from "../src/config.js";
import { npzCases } from "../src/data/npz-cases.js";
import { checkLabels, summariseCases } from "../src/data/summary.js";

const adrenal = `${shared}/data/adrenal/adrenalmnist3d_64_trainval.npz`;
if (!existsSync(adrenal)) console.warn(`SKIPPED: no ${adrenal}`);

describe.skipIf(!existsSync(adrenal))("AdrenalMNIST3D", () => {
  test("has the published numbers of cases and classes", async () => {
    const task: Task = { kind: "binary", labels: [{ id: "hyperplasia", name: "Hyperplasia" }] };
    const cases = npzCases(Uint8Array.from(readFileSync(adrenal)), { file: "adrenal", task });
    const summary = summariseCases(cases, task);
    expect(summary.map(({ split, n, labels: [{ positives, negatives }] }) => [split, n, positives, negatives])).toEqual([
      ["train", 1188, 259, 929],
      ["val", 98, 22, 76],
    ]);
    expect(checkLabels(summary, task, "adrenal")).toEqual([]);
    const { volume } = await cases[1188 + 7].load();
    expect(volume.shape).toEqual([64, 64, 64]);
    // np.flatnonzero(val_images[7])[:3]
    expect([...volume.data].flatMap((v, i) => (v ? [i] : [])).slice(0, 3)).toEqual([74837, 74900, 74901]);
  });
});
