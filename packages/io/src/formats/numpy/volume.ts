// A volume out of a NumPy file: the one array of an .npy, one of an .npz, one index of an array of volumes.

import { type Affine, AnyMC3DError, type Volume, type Warning } from "@anymc3d/core";
import { chosen, mustChoose } from "../../options/choose.js";
import { byteLimit, tooLarge } from "../../options/limits.js";
import type { ReadOptions } from "../../options/read-options.js";
import type { Named } from "../../sources/file-entry.js";
import { isInvertible, orientedAffine } from "../../volume/geometry.js";
import { pickVoxels } from "../../voxels/values.js";
import { type NpyArray, readNpy } from "./npy.js";
import { npzArrays, npzSizes } from "./npz.js";

/**
 * A volume out of .npy bytes.
 * Last axis x, the one before y, then z. NumPy files store no geometry: no affine, with a note, unless `spacing` and `orientation` are given.
 * @throws AnyMC3DError as {@link readNpy}; `FRAME_REQUIRED` (four axes without `index`), `CHANNELS_UNSUPPORTED`, `OPTION_INVALID`
 */
export function decodeNpy({ bytes, name }: Named, options: ReadOptions): Volume {
  const limit = byteLimit(options);
  if (bytes.length > limit) throw tooLarge(name, `it has ${bytes.length} bytes`, limit);
  return volumeOf(readNpy(bytes, name), options, options.index, name);
}

/**
 * A volume out of .npz bytes: out of the only array, or of the one that `array` names; "train_images[17]" is `array` and `index` in one.
 * @throws AnyMC3DError as {@link decodeNpy} and `readNpz`; `OPTION_INVALID` (which array?), naming those there are
 */
export function decodeNpz({ bytes, name }: Named, options: ReadOptions): Volume {
  const [, key, inside] = /^(.*?)(?:\[(\d+)\])?$/s.exec(options.array ?? "") ?? [];
  const sizes = npzSizes(bytes, { name });
  const found = options.array === undefined ? (sizes.size === 1 ? [...sizes.keys()][0] : undefined) : sizes.has(key) ? key : undefined;
  if (found === undefined) {
    const arrays = [...sizes].map(([value, size]) => ({ value, text: `${value} (${size} bytes)` }));
    const list = arrays.map(({ text }) => text).join(", ") || "none";
    const holds = `an archive with ${options.array === undefined ? `${sizes.size} arrays` : `no array ${JSON.stringify(options.array)}`}`;
    throw new AnyMC3DError("OPTION_INVALID", `${name}: ${holds}; there are: ${list}. Choose one with the option \`array\`, "train_images[0]" for example.`, {
      details: { option: "array", file: name, holds, ...(options.array !== undefined && { found: options.array }), choices: arrays },
    });
  }
  const array = npzArrays(bytes, { only: [found], maxBytes: options.maxBytes, name }).get(found) as NpyArray;
  return volumeOf(array, options, inside === undefined ? options.index : Number(inside), `${name}: ${found}`);
}

function volumeOf({ data, shape: stored }: NpyArray, options: ReadOptions, index: number | undefined, name: string): Volume {
  const sizes = stored.length === 5 && stored[4] === 1 ? stored.slice(0, 4) : stored;
  const shown = `[${stored.join(", ")}]`;
  const last = sizes[sizes.length - 1];
  if (sizes.length < 2 || sizes.length > 4 || sizes.includes(0)) {
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: an array of shape ${shown}; expected two to four axes, none empty: slices, rows, columns, and before them volumes.`,
    );
  }
  if (sizes.length === 4 && last > 1 && last <= 4)
    throw new AnyMC3DError(
      "CHANNELS_UNSUPPORTED",
      `${name}: an array of shape ${shown}, whose last axis looks like ${last} channels; expected one value a voxel.`,
    );
  const volumes = sizes.length === 4 ? sizes[0] : 1;
  if (volumes > 1 && index === undefined) throw mustChoose("index", volumes, shown, name);
  const taken = chosen("index", index, volumes, name);
  const shape = [...sizes.slice(-3).reverse(), 1].slice(0, 3) as [number, number, number];
  const voxels = pickVoxels(data, [...shape.map((size) => ({ size })), { size: volumes, taken }], name);
  const { affine, notes } = geometry(options, shape, name);
  return { data: voxels, shape, ...(affine && { affine }), ...(options.modality && { modality: options.modality }), ...(notes && { notes }) };
}

function geometry({ spacing, orientation }: ReadOptions, shape: readonly number[], name: string): { affine?: Affine; notes?: Warning[] } {
  if (spacing === undefined && orientation === undefined) {
    const message = `${name}: a NumPy file stores no orientation and no voxel size. Slices are taken along the first axis as stored, 1 mm a voxel; the options \`spacing\` and \`orientation\` say it better.`;
    return { notes: [{ code: "NPY_NO_GEOMETRY", message }] };
  }
  const affine = spacing?.length === 3 && orientation !== undefined ? orientedAffine(orientation, spacing, shape) : undefined;
  if (affine && spacing?.every((size) => size > 0) && isInvertible(affine)) return { affine };
  throw new AnyMC3DError(
    "OPTION_INVALID",
    `${name}: \`spacing\` is ${String(spacing)}, \`orientation\` ${String(orientation)}; give both or neither: voxel sizes along x, y and z in mm, and where these axes point to ("LPS").`,
  );
}
