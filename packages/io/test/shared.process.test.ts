// Every NRRD, MetaImage and NIfTI file of the reference data, and a MedMNIST volume, voxel for voxel as SimpleITK, nibabel and numpy read them.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readVolume } from "../src/index.js";
import { near } from "./build.js";

interface Expected {
  shape: number[];
  affine: number[];
  dtype?: string;
  array?: string;
  /** Of each frame's voxels as float32. */
  sha256: string[];
}
const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../../../../shared/data");
const expected: Record<string, Expected> = JSON.parse(readFileSync(path.join(here, "reference/shared.json"), "utf8"));
if (!existsSync(root)) console.warn(`SKIPPED: no reference data in ${root}`);

describe.skipIf(!existsSync(root))("reference data", () => {
  it.each(Object.entries(expected))(
    "%s",
    async (file, { shape, affine, dtype, array, sha256 }) => {
      for (const [frame, hash] of sha256.entries()) {
        const volume = await readVolume(path.join(root, file), { array, ...(sha256.length > 1 && { frame }) });
        expect(volume.shape).toEqual(shape);
        if (affine.length > 0) near(volume.affine, affine, 9);
        else expect(volume.affine).toBeUndefined();
        if (dtype) expect(volume.data.constructor.name.toLowerCase()).toBe(`${dtype}array`);
        const voxels = Float32Array.from(volume.data);
        expect(createHash("sha256").update(new Uint8Array(voxels.buffer)).digest("hex")).toBe(hash);
      }
    },
    30_000,
  );
});
