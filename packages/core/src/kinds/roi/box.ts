// A box that the caller draws.

import * as z from "zod";
import { limitFields, limitsOf, margin, type RoiKind } from "./roi-kind.js";

const schema = z
  .strictObject({ kind: z.literal("box"), margin, ...limitFields })
  .describe("A box that is drawn, or that a label spans. A whole scan needs one; a crop may be given as it is.");

export const box = {
  id: "box",
  text: "a box",
  schema,
  pointsAt: true,
  example: { file: "scan.nii.gz", roi: '{ box: [[-80, 0, 120], [-40, 40, 160]], space: "RAS" }', flags: "--box -80,0,120:-40,40,160" },
  size: (roi, { by, size }, along) => (by === "mask" && size ? (size.map((mm, axis) => mm + 2 * along(roi.margin)[axis]) as [number, number, number]) : size),
  limits: limitsOf,
} satisfies RoiKind<z.infer<typeof schema>>;
