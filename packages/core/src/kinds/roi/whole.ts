// The whole study: every volume as it was given, or the region that the caller cuts out.

import * as z from "zod";
import type { RoiKind } from "./roi-kind.js";

const schema = z.strictObject({ kind: z.literal("whole") }).describe("The whole of every volume.");

export const whole = {
  id: "whole",
  text: "the whole of every volume",
  schema,
  pointsAt: false,
  example: { file: "scan.nii.gz" },
  size: (_, { size }) => size,
} satisfies RoiKind<z.infer<typeof schema>>;
