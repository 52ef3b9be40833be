// A whole archive of MedMNIST, 0.3 GB of voxels: shapes, labels and values as numpy reads them.
import { existsSync, readFileSync } from "node:fs";
import { shared } from "@anymc3d/testkit/fixtures";
import { describe, expect, it } from "vitest";
import { readNpz } from "../src/index.js";

const adrenal = `${shared}/data/adrenal/adrenalmnist3d_64_trainval.npz`;
if (!existsSync(adrenal)) console.warn(`SKIPPED: no ${adrenal}`);

describe.skipIf(!existsSync(adrenal))("AdrenalMNIST3D", () => {
  const bytes = existsSync(adrenal) ? Uint8Array.from(readFileSync(adrenal)) : new Uint8Array(0);

  it("has the published shapes, 0/255 masks and labels", () => {
    const arrays = readNpz(bytes);
    expect([...arrays].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
      ["train_images", "uint8", [1188, 64, 64, 64]],
      ["train_labels", "uint8", [1188, 1]],
      ["val_images", "uint8", [98, 64, 64, 64]],
      ["val_labels", "uint8", [98, 1]],
    ]);
    // by numpy: array.sum(dtype=np.int64), np.flatnonzero(val_images[7])[:3]
    const sum = (values: ArrayLike<number> = []) => {
      let total = 0;
      for (let i = 0; i < values.length; i++) total += values[i];
      return total;
    };
    expect([...arrays.values()].map(({ data }) => sum(data))).toEqual([1340130060, 259, 113376825, 22]);
    const seventh = arrays.get("val_images")?.data.subarray(7 * 64 ** 3, 8 * 64 ** 3) ?? [];
    expect([...seventh].flatMap((v, i) => (v ? [i] : [])).slice(0, 3)).toEqual([74837, 74900, 74901]);
  });
});
