// The whole study: every volume as it was given.

import * as z from "zod";

export const whole = {
  id: "whole",
  text: "the whole of every volume",
  schema: z.strictObject({ kind: z.literal("whole") }).describe("The whole of every volume."),
} as const;
