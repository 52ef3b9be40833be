// The table of regions of interest: which part of a study an adapter looks at.

import { unionOf } from "../union.js";
import { whole } from "./whole.js";

/** Every kind of region. */
export const ROIS = [whole] as const;

/** `input.roi` of a manifest. */
export const roiSchema = unionOf(ROIS, "kind").default({ kind: "whole" }).describe("Which part of a study is looked at.");
