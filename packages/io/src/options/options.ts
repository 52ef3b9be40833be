// What a reader can be told, and the check of it.

import { AnyMC3DError } from "@anymc3d/core";
import type { CodecUrl } from "../formats/dicom/codecs.js";
import type { Source } from "../sources/bytes.js";

/** What a file cannot tell, and which of several volumes is meant. */
export interface ReadOptions {
  /** Which 3-D frame of a 4-D file (a time or list axis) to read, from 0. A 4-D file without it is refused. */
  readonly frame?: number;
  /** Which channel of a file with a vector or colour axis to read, from 0. Such a file without it is refused. */
  readonly channel?: number;
  /** Which array of an .npz file, by name: "train_images", or "train_images[17]" with its `index`. Not needed where there is only one. */
  readonly array?: string;
  /** Which volume of a NumPy array with four axes: the index along its first, from 0. */
  readonly index?: number;
  /**
   * Where the first, second and third voxel axis point to, for a file that stores no orientation: three letters, "LPS" or "RAS" for example.
   * Does nothing where the file stores it.
   */
  readonly orientation?: string;
  /** Voxel size along x, y and z in mm, for a file that stores none (NumPy); together with `orientation`. */
  readonly spacing?: readonly [number, number, number];
  /** DICOM modality of the volume, "CT", "MR", …; NIfTI does not store it. */
  readonly modality?: string;
  /** What to call the data in errors; default: the file's name. */
  readonly name?: string;
  /** Most bytes that the decoded file, or the voxel array made of it, may take. Default 4 GiB. */
  readonly maxBytes?: number;
  /** DICOM: which series, where there are several: its UID, the beginning of it, or its number. */
  readonly series?: string;
  /** DICOM: which stack of a series that mixes sizes or orientations, from 0. */
  readonly stack?: number;
  /** DICOM: `resample` interpolates slices at uneven distances, or over a gap, linearly onto even ones. Without it they are refused. */
  readonly uneven?: "resample";
  /** DICOM: put the patient's name, id, birth date and sex into the volume's `meta`, and into what `listSeries()` tells. Default false. */
  readonly identity?: boolean;
  /** DICOM in browsers: where the decoders' .wasm files are hosted, by name. Default: beside the package's modules. */
  readonly codecUrl?: CodecUrl;
  /** Called as files are read (DICOM: headers, then slices). */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
  /**
   * The file, or files, that hold the voxels of a header read from bytes or from a `File`: the .img of a .hdr, the data file of an .nhdr or .mhd.
   * One is taken as it is; of a list, those of the names that the header gives. Not needed for a path or URL with them beside it.
   */
  readonly companion?: Source | readonly Source[];
}

const NAMES: { readonly [K in keyof Required<ReadOptions>]: true } = {
  frame: true,
  channel: true,
  array: true,
  index: true,
  orientation: true,
  spacing: true,
  modality: true,
  name: true,
  maxBytes: true,
  series: true,
  stack: true,
  uneven: true,
  identity: true,
  codecUrl: true,
  onProgress: true,
  signal: true,
  companion: true,
};

/** A misspelt option must not be ignored. @throws AnyMC3DError `OPTION_INVALID` */
export function checkReadOptions(options: ReadOptions): void {
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(NAMES, name));
  if (unknown.length > 0)
    throw new AnyMC3DError("OPTION_INVALID", `the reader has no option ${unknown.join(", ")}; there are ${Object.keys(NAMES).join(", ")}.`, {
      details: { option: unknown[0] },
    });
}

/** Default of {@link ReadOptions.maxBytes}. */
const MAX_BYTES = 4 * 2 ** 30;

/** The byte limit in force. @throws AnyMC3DError `OPTION_INVALID` */
export function byteLimit(options: ReadOptions): number {
  const limit = options.maxBytes ?? MAX_BYTES;
  if (typeof limit !== "number" || !(limit > 0)) {
    throw new AnyMC3DError("OPTION_INVALID", `maxBytes is ${String(limit)}; give a positive number of bytes, or leave it out for ${MAX_BYTES}.`);
  }
  return limit;
}

/** The refusal of something larger than `maxBytes` allows. */
export function tooLarge(name: string, what: string, limit: number): AnyMC3DError {
  return new AnyMC3DError("FILE_TOO_LARGE", `${name}: ${what}, over the limit of ${limit} bytes. Raise \`maxBytes\` if the file is meant to be this large.`, {
    details: { file: name, limit },
  });
}

/** Allocates, and says so in words where memory does not suffice. @throws AnyMC3DError `OUT_OF_MEMORY` */
export function allocate<T>(name: string, bytes: number, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new AnyMC3DError("OUT_OF_MEMORY", `${name}: ${bytes} bytes could not be allocated. Free memory, or crop or downsample the volume.`, { cause });
  }
}

/** The value of a DICOM Modality (0008,0060), as converters pass it on in other formats; undefined for what cannot be one. */
export const dicomModality = (value: string | undefined): string | undefined => (/^[A-Z]{2,16}$/.test(value?.trim() ?? "") ? value?.trim() : undefined);

/** The value of `frame`, `channel` or `index`, checked against how many there are; 0 where there is only one. @throws AnyMC3DError `OPTION_INVALID` */
export function chosen(what: "frame" | "channel" | "index", value: number | undefined, count: number, name: string): number {
  const index = value ?? 0;
  if (Number.isInteger(index) && index >= 0 && index < count) return index;
  const holds = `the file has ${count} ${what === "index" ? "volume" : what}${count === 1 ? "" : "s"}`;
  throw new AnyMC3DError("OPTION_INVALID", `${name}: \`${what}\` is ${String(value)}; ${holds}, so give ${count === 1 ? "0" : `0 to ${count - 1}`}.`, {
    details: { option: what, file: name, holds, found: String(value), range: [0, count - 1] },
  });
}

/** The refusal to choose a frame or a channel for the user. */
export function mustChoose(option: "frame" | "channel" | "index", count: number, shape: string, file: string): AnyMC3DError {
  const { holds, expected } = {
    frame: { holds: `a 4-D file of ${count} frames (${shape})`, expected: "one 3-D volume. Choose a frame" },
    channel: { holds: `${count} channels (${shape})`, expected: "one value a voxel. Choose one" },
    index: { holds: `an array of ${count} volumes (${shape})`, expected: "one. Choose it" },
  }[option];
  const code = option === "channel" ? "CHANNELS_UNSUPPORTED" : "FRAME_REQUIRED";
  const message = `${file}: ${holds}; expected ${expected} with the option \`${option}\`, 0 to ${count - 1}.`;
  return new AnyMC3DError(code, message, { details: { option, file, holds, range: [0, count - 1] } });
}
