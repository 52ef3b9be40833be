// The columns of labels.csv that say which region of a study a row is about.

import type { Space } from "@anymc3d/core";
import type { Fail } from "../tasks/task-training.js";

type Triple = readonly [number, number, number];

/** A place in mm or voxels, or a region of a file. */
export type RowRegion =
  | { readonly point: Triple; readonly space: Space; readonly size?: number | Triple }
  | {
      /** Relative to the CSV's folder. */
      readonly file: string;
      /** Number or name; absent: the only one there is. */
      readonly label?: string;
    };

const POINT = ["x", "y", "z"] as const;

/** No label can be called so. x, y and z may be labels: they are a place beside the column `space` only. */
export const REGION_COLUMNS: readonly string[] = ["space", "roi_size", "roi", "roi_label"];

const SPACES: readonly Space[] = ["RAS", "LPS", "voxel"];

/**
 * Refuses columns of places that would be passed over or misread.
 * @param labels names of the task's own columns
 */
export function checkRegionColumns(columns: readonly string[], labels: readonly string[], fail: (what: string) => never): void {
  const has = (column: string) => columns.includes(column);
  const missing = POINT.filter((column) => !has(column));
  const shared = POINT.find((column) => labels.includes(column));
  if (!has("space")) {
    if (missing.length === 0 && shared === undefined)
      fail('x, y and z are a place, but in which space? Add a column "space" (RAS, LPS or voxel), or call them otherwise');
    if (has("roi_size")) fail('column "roi_size" is the size of the box around a place; add x, y, z and space');
  } else {
    if (missing.length) fail(`column "space" is that of a place; there is no ${missing.join(", ")}`);
    if (shared !== undefined) fail(`column "${shared}" is a label of the task, and beside "space" a place; call one of them otherwise`);
  }
  if (has("roi_label") && !has("roi")) fail('column "roi_label" names a region of the file in column "roi", which is not there');
}

/**
 * The region of a row; undefined where its cells are blank: the whole of its volumes.
 * @param cells of a table that {@link checkRegionColumns} passed
 */
export function rowRegion(cells: Readonly<Record<string, string | undefined>>, fail: Fail): RowRegion | undefined {
  const { roi, roi_label: label, space, roi_size: size } = cells;
  const given = space === undefined ? [] : POINT.filter((column) => cells[column]);
  if (label && !roi) fail(`"${label}" is a region of no file; fill in column roi`, "roi_label");
  if (roi) {
    if (given.length) fail("a place and a file of regions; give one of them", "roi");
    return { file: roi, ...(label && { label }) };
  }
  if (given.length === 0) {
    if (size) fail("the size of a box, and no place; fill in x, y and z", "roi_size");
    return undefined;
  }
  const point = POINT.map((column) => numberIn(cells[column] ?? "", column, fail)) as unknown as Triple;
  const within = SPACES.find((name) => name.toLowerCase() === space?.toLowerCase());
  if (!within) fail(`"${space}" is none of ${SPACES.join(", ")}`, "space");
  return { point, space: within as Space, ...(size && { size: sizeIn(size, fail) }) };
}

/** With a point, or the comma of tables that are separated by semicolons. */
function numberIn(text: string, column: string, fail: Fail): number {
  const value = text === "" ? Number.NaN : Number(/^[-+]?\d+,\d+$/.test(text) ? text.replace(",", ".") : text);
  if (!Number.isFinite(value)) fail(text === "" ? "blank; a place has x, y and z" : `"${text}" is no number`, column);
  return value;
}

function sizeIn(text: string, fail: Fail): number | Triple {
  const sizes = text.split(/[\s×x;/]+/i).map((part) => numberIn(part, "roi_size", fail));
  if (!(sizes.length === 1 || sizes.length === 3) || sizes.some((mm) => mm <= 0))
    fail(`"${text}": mm above 0, one number, or three as 40x40x20 (right–left, front–back, feet–head)`, "roi_size");
  return sizes.length === 1 ? sizes[0] : (sizes as unknown as Triple);
}
