// Pixels of slices → rows of patches, the form in which a patch embedding is a matrix product.

import { AnyMC3DError } from "../errors.js";
import type { BackboneSpec } from "../types.js";

/**
 * Patch grid of a slice.
 * @returns [rows, columns]
 * @throws AnyMC3DError `INPUT_SHAPE` where a side is no positive multiple of the patch
 */
export function patchGrid(spec: Pick<BackboneSpec, "patch">, height: number, width: number): [number, number] {
  const rows = height / spec.patch;
  const columns = width / spec.patch;
  if (!Number.isInteger(rows) || !Number.isInteger(columns) || rows < 1 || columns < 1) {
    throw new AnyMC3DError(
      "INPUT_SHAPE",
      `slices of ${height}×${width} pixels do not divide into patches of ${spec.patch}×${spec.patch}; both sides must be multiples of ${spec.patch}`,
    );
  }
  return [rows, columns];
}

/**
 * [count, 3, height, width] → [count, patches, 3·p·p], patches row by row, values channel, row, column.
 */
export function unfoldPatches(pixels: Float32Array, count: number, height: number, width: number, patch: number): Float32Array {
  const [rows, columns] = [height / patch, width / patch];
  const out = new Float32Array(count * 3 * height * width);
  let at = 0;
  for (let n = 0; n < count; n++) {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        for (let channel = 0; channel < 3; channel++) {
          for (let y = 0; y < patch; y++) {
            const from = ((n * 3 + channel) * height + r * patch + y) * width + c * patch;
            for (let x = 0; x < patch; x++) out[at++] = pixels[from + x];
          }
        }
      }
    }
  }
  return out;
}
