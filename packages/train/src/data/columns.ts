// The columns of labels.csv that have a meaning of their own.

import { REGION_COLUMNS } from "./region-columns.js";

/** The class, the label or the quantity, where there is one thing to know and no column of its name. */
export const ANY_COLUMN = "label";

/** A label cannot be called so. */
export const RESERVED_COLUMNS: readonly string[] = ["id", "path", "mask", "group", "split", ...REGION_COLUMNS, ANY_COLUMN];
