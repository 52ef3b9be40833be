// The table of features: what a head sees of a view. A manifest lists them as blocks, one after the other.

import * as z from "zod";
import { unionOf } from "../union.js";
import { cls } from "./cls.js";

/** Every kind of feature. */
export const FEATURES = [cls] as const;

/** `modules.features` of a manifest. */
export const featuresSchema = z
  .array(unionOf(FEATURES, "kind"))
  .length(1)
  .default([{ kind: "cls" }])
  .describe("What the head sees of a view, block by block.");
