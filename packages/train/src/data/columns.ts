// The columns of labels.csv that have a meaning of their own.

/** A label cannot be called so. */
export const RESERVED_COLUMNS: readonly string[] = ["id", "path", "mask", "group", "split", "label"];
