// What a kind of region of interest is.

import * as z from "zod";
import type { Affine, Volume } from "../../types.js";

/** A region as it was marked, before the adapter's own sizes are applied. */
export interface Marked {
  readonly by: "point" | "box" | "mask";
  /** Mm along the voxel axes: what was asked for around a point, what a box spans, what the voxels of a mask's label span. */
  readonly size?: readonly [number, number, number];
}

/** Where a made image lies in the patient, whatever orientation it states itself. */
export interface ImagePlace {
  readonly affine: Affine;
  readonly shape: readonly [number, number, number];
}

/** An image that is made of a label, not cut out. */
export interface MadeImage {
  readonly image: Volume;
  readonly place: ImagePlace;
  /** Share of the label's voxels that the image does not reach. */
  readonly outside: number;
}

/** A kind of `input.roi`. */
export interface RoiKind<R> {
  readonly id: string;
  readonly text: string;
  readonly schema: z.ZodType<R>;
  /** Whether it looks at a place in the scan, which somebody points at. */
  readonly pointsAt: boolean;
  /** As examples on cards have it: the file, `roi` of `classify()`, flags of the command; none for a whole scan. */
  readonly example: { readonly file: string; readonly roi?: string; readonly flags?: string };
  /**
   * How large the box around the region's middle is, mm along the voxel axes.
   * @param along brings mm along right–left, anterior–posterior and superior–inferior into the order of the voxel axes
   * @returns undefined where the adapter declares nothing and nothing was asked for
   */
  size(roi: R, marked: Marked, along: (mm: Millimetres) => [number, number, number]): readonly [number, number, number] | undefined;
  /** Of kinds that look at an image made of a label, and never at the study's voxels: that image. @param mask with an affine, `number` among its voxels */
  image?(roi: R, mask: Volume, number: number): MadeImage;
  /** Smallest and largest box that is taken, mm along the voxel axes. */
  limits?(roi: R, along: (mm: Millimetres) => [number, number, number]): { readonly least: readonly number[]; readonly most: readonly number[] };
}

/** The same in all directions, or along right–left, anterior–posterior, superior–inferior. */
export type Millimetres = number | readonly [number, number, number];

const length = z.number().positive().max(10_000);
const lengths = z.union([length, z.tuple([length, length, length])]);

export const millimetres = (description: string) => lengths.describe(`${description}, mm: one number, or right–left, anterior–posterior, superior–inferior.`);

const distance = z.number().min(0).max(1000);
export const margin = z
  .union([distance, z.tuple([distance, distance, distance])])
  .default(0)
  .describe("What is added on either side of a marked label, mm: one number, or right–left, anterior–posterior, superior–inferior.");

export const limitFields = {
  least: millimetres("Smallest box that is taken").optional(),
  most: millimetres("Largest box that is taken").optional(),
};

/** Boxes of any size where a manifest declares no limit. */
export const limitsOf = (
  { least = 1e-3, most = 10_000 }: { readonly least?: Millimetres; readonly most?: Millimetres },
  along: (mm: Millimetres) => number[],
) => ({
  least: along(least),
  most: along(most),
});
