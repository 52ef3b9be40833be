// A box of a given size around a point, as under a finger.

import * as z from "zod";
import { limitFields, limitsOf, margin, millimetres, type RoiKind } from "./roi-kind.js";

const schema = z
  .strictObject({
    kind: z.literal("point"),
    size: millimetres("The box around a point, where none is asked for; around a label at least this"),
    margin,
    ...limitFields,
  })
  .describe("A box around a point. A whole scan needs one; a crop of that size may be given as it is.");

export const point = {
  id: "point",
  text: "a box around a point",
  schema,
  pointsAt: true,
  example: { file: "scan.nii.gz", roi: '{ point: [-61, 22.5, 140], space: "RAS" }', flags: "--at -61,22.5,140" },
  size(roi, { by, size }, along) {
    const own = along(roi.size);
    if (by === "mask" && size) return size.map((mm, axis) => Math.max(own[axis], mm + 2 * along(roi.margin)[axis])) as [number, number, number];
    return size ?? own;
  },
  limits: limitsOf,
} satisfies RoiKind<z.infer<typeof schema>>;
