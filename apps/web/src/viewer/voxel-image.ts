// A volume as NiiVue's image, over the volume's own voxels: no file is written for NiiVue to read, and where it knows their type no voxel is copied.

import { type VoxelArray, voxelSpacing } from "@anymc3d/core";
import type { Volume } from "@anymc3d/sdk";
import type { NVImage } from "@niivue/niivue";

/** NIfTI's codes of the types that NiiVue draws as they are; it would copy others into wider ones. */
const CODES: Readonly<Record<string, number>> = { Uint8Array: 2, Int16Array: 4, Float32Array: 16, Uint16Array: 512 };
const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

export interface Look {
  readonly colormap: string;
  readonly opacity?: number;
  /** Values of the first and the last colour; default: NiiVue's choice, without the outermost values in the middle of the image. */
  readonly range?: readonly [low: number, high: number];
}

/** @param volume whose voxels NiiVue reads as long as it shows the image, and does not change */
export async function imageOf({ data, shape, affine = IDENTITY }: Volume, { colormap, opacity = 1, range = [Number.NaN, Number.NaN] }: Look): Promise<NVImage> {
  const { NVImage: Image } = await import("@niivue/niivue");
  const { buffer, code } = drawable(data);
  const image = new Image();
  image.hdr = Image.createNiftiHeader([...shape], [...voxelSpacing(affine)], [...affine], code);
  const asNiivueHasThem = Array<undefined>(12).fill(undefined);
  const given = [buffer, "volume", colormap, opacity, null, ...range, ...asNiivueHasThem, buffer] as unknown as Parameters<NVImage["init"]>;
  image.init(...given);
  return image;
}

/** A buffer of nothing but voxels of a type that NiiVue draws. */
function drawable(data: VoxelArray): { readonly buffer: ArrayBuffer; readonly code: number } {
  const code = CODES[Object.prototype.toString.call(data).slice(8, -1)];
  if (code === undefined) return { buffer: Float32Array.from(data).buffer, code: CODES.Float32Array };
  const whole = data.byteLength === data.buffer.byteLength && data.buffer instanceof ArrayBuffer;
  return { buffer: (whole ? data : data.slice()).buffer as ArrayBuffer, code };
}
