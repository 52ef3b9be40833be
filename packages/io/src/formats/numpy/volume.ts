// A volume out of a NumPy file: the one array of an .npy, one of an .npz, one index of an array of volumes.

import { AnyMC3DError, type Volume, type Warning } from "@anymc3d/core";
import { chosen, mustChoose } from "../../options/choose.js";
import { byteLimit, tooLarge } from "../../options/limits.js";
import type { ReadOptions } from "../../options/read-options.js";
import type { Named } from "../../sources/file-entry.js";
import { openAffine } from "../../volume/told.js";
import { pickVoxels } from "../../voxels/values.js";
import { type NpyArray, readNpy } from "./npy.js";
import { npzArray, npzSizes } from "./npz.js";

/**
 * A volume out of .npy bytes.
 * Last axis x, the one before y, then z. NumPy files store no geometry: no affine, with a note, unless `spacing` is given; `orientation` needs it.
 * @throws AnyMC3DError as {@link readNpy}; `FRAME_REQUIRED` (four axes without `index`), `CHANNELS_UNSUPPORTED`, `OPTION_INVALID`
 */
export function decodeNpy({ bytes, name }: Named, options: ReadOptions): Volume {
  const limit = byteLimit(options);
  if (bytes.length > limit) throw tooLarge(name, `it has ${bytes.length} bytes`, limit);
  if (options.array !== undefined) throw contradiction(`is ${JSON.stringify(options.array)}, and an .npy file holds one array, which has no name`, name);
  return volumeOf(readNpy(bytes, name), options, options.index, name);
}

/**
 * A volume out of .npz bytes: out of the only array, or of the one that `array` names; "train_images[17]" is `array` and `index` in one.
 * @throws AnyMC3DError as {@link decodeNpy} and `readNpz`; `OPTION_INVALID` (which array?), naming those there are
 */
export async function decodeNpz({ bytes, name }: Named, options: ReadOptions): Promise<Volume> {
  const [, key, inside] = /^(.*?)(?:\[(\d+)\])?$/s.exec(options.array ?? "") ?? [];
  if (inside !== undefined && options.index !== undefined && options.index !== Number(inside))
    throw contradiction(`is ${JSON.stringify(options.array)}, and \`index\` is ${options.index}`, name);
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
  const array = await npzArray(bytes, found, { maxBytes: options.maxBytes, name, signal: options.signal });
  return volumeOf(array, options, inside === undefined ? options.index : Number(inside), `${name}: ${found}`);
}

const contradiction = (what: string, file: string): AnyMC3DError =>
  new AnyMC3DError("OPTION_INVALID", `${file}: \`array\` ${what}. Leave one out.`, { details: { option: "array", file } });

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
  const { affine, note } = openAffine({ name, shape, stated: [Number.NaN, Number.NaN, Number.NaN], why: "NumPy has no place for it" }, options);
  const notes: Warning[] = note === undefined ? [] : [{ code: "NPY_NO_GEOMETRY", message: note }];
  return { data: voxels, shape, ...(affine && { affine }), ...(options.modality && { modality: options.modality }), ...(notes.length > 0 && { notes }) };
}
