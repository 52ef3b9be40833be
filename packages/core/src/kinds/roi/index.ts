// The table of regions of interest: which part of a study an adapter looks at.

import type * as z from "zod";
import { unionOf } from "../union.js";
import { box } from "./box.js";
import { label } from "./label.js";
import { point } from "./point.js";
import type { RoiKind } from "./roi-kind.js";
import { whole } from "./whole.js";

/** Every kind of region. */
export const ROIS = [whole, point, box, label] as const;

/** `input.roi` of a manifest. */
export const roiSchema = unionOf(ROIS, "kind").default({ kind: "whole" }).describe("Which part of a study is looked at.");

/** Which part of a study an adapter looks at. */
export type Roi = z.infer<typeof roiSchema>;

export const roiKind = ({ kind }: Pick<Roi, "kind">): RoiKind<Roi> => ROIS.find(({ id }) => id === kind) as unknown as RoiKind<Roi>;
