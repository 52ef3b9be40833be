// The CLS embedding of every slice after the final LayerNorm: what attention or the mean pools into a view's vector.

import * as z from "zod";

export const cls = {
  id: "cls",
  text: "the CLS embedding of every slice",
  schema: z.strictObject({ kind: z.literal("cls") }).describe("The CLS embedding of every slice, pooled over the slices."),
} as const;
