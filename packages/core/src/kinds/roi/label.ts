// One label of a segmentation, made into an image of a given shape: what adapters of shapes look at.

import * as z from "zod";
import { labelImage } from "./label-image.js";
import { margin, millimetres, type RoiKind } from "./roi-kind.js";

const count = z.int().min(1).max(512);
/** Three letters of three different axes. */
const AXES = ["RL", "AP", "SI"].flatMap((a) => ["RL", "AP", "SI"].flatMap((b) => ["RL", "AP", "SI"].map((c) => [a, b, c])));
const ORDERS = AXES.filter((three) => new Set(three).size === 3).flatMap(([a, b, c]) =>
  [...a].flatMap((x) => [...b].flatMap((y) => [...c].map((z) => x + y + z))),
);

const schema = z
  .strictObject({
    kind: z.literal("label"),
    shape: z.tuple([count, count, count]).describe("Voxels of the image along x, y, z."),
    spacing: millimetres("Size of its voxels")
      .nullable()
      .default(null)
      .describe(
        "Size of its voxels, mm: the mean of the label's voxels lies between the centres of the voxels ⌊n/2⌋ and ⌊n/2⌋ + 1 of each axis, and the image's voxels on the segmentation's own where these are of that size. null: as large as needed to hold the label and its margin.",
      ),
    margin: margin.describe("Where `spacing` is null: what is added on either side of the label, mm."),
    volume: z
      .tuple([z.number().min(0).describe("Smallest."), z.number().positive().describe("Largest.")])
      .nullable()
      .default(null)
      .describe("Smallest and largest volume of a label that is taken, ml; others are of another organ. null: any."),
    value: z.number().default(1).describe("Of voxels of which at least half is of the label; others are 0."),
    axes: z
      .enum(ORDERS as [string, ...string[]])
      .nullable()
      .default(null)
      .describe(
        "Where x, y and z of the image point, as SPL: superior, posterior, left. The image is then taken as stored, as arrays without an orientation are; null: RAS, with its orientation.",
      ),
  })
  .describe("One label of a segmentation, resampled to an image of a given shape. An image of that kind may be given as it is.");

/** `input.roi` of kind `label`. */
export type LabelRoi = z.infer<typeof schema>;

export const label = {
  id: "label",
  text: "one label of a segmentation",
  schema,
  pointsAt: false,
  example: { file: "segmentation.nii.gz", roi: '{ mask: "segmentation.nii.gz", label: 3 }', flags: "--label 3" },
  size: (_, { size }) => size,
  image: (roi, mask, number) => labelImage(mask, number, roi),
} satisfies RoiKind<LabelRoi>;
