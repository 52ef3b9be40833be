// A table of points: a head that names x, y, z, and a row for each; also 3D Slicer's older lists (.fcsv).

import { own, type Space, type Warning } from "@anymc3d/core";
import { delimiterOf, rowsOfCells } from "./cells.js";
import { flipped, invalidRegion, type MarkedRegion, some } from "./region.js";

type Column = "x" | "y" | "z" | "size" | "name" | "space";
type Triple = readonly [number, number, number];

/** What the columns of tables are called, in lower case. */
const COLUMNS: Readonly<Record<Column, readonly string[]>> = {
  x: ["x", "coordx", "x_mm"],
  y: ["y", "coordy", "y_mm"],
  z: ["z", "coordz", "z_mm"],
  size: ["size", "size_mm", "diameter", "diameter_mm"],
  name: ["name", "label"],
  space: ["space"],
};

/** Columns whose names say the space, too; S is of both RAS and LPS. */
const SPACED: Readonly<Record<string, readonly [column: Column, space?: Space]>> = {
  r: ["x", "RAS"],
  a: ["y", "RAS"],
  l: ["x", "LPS"],
  p: ["y", "LPS"],
  s: ["z"],
  i: ["x", "voxel"],
  j: ["y", "voxel"],
  k: ["z", "voxel"],
};
/** Columns that say which scan a row is of, in lower case. */
const OWNERS = ["seriesuid", "series_uid", "seriesinstanceuid", "studyuid", "studyinstanceuid", "patientid", "patient_id"];

const SPACES: Readonly<Record<string, Space>> = { ras: "RAS", lps: "LPS", voxel: "voxel" };

/** A unit behind a column's name: "x (mm)", "x [mm]". */
const MILLIMETRES = /\s*(?:\(mm\)|\[mm\])$/;

interface Head {
  readonly at: Readonly<Partial<Record<Column, number>>>;
  readonly space: Space;
  readonly left: readonly string[];
}

/**
 * The points of a table.
 * @param space of points for which the table names none
 * @throws AnyMC3DError `REGION_INVALID` for a table without its head or without rows; a row that is none is a region with an error
 */
export function tableRegions(text: string, file: string, space: Space): { regions: MarkedRegion[]; notes: Warning[] } {
  const { rows, first, told, comma } = rowsOf(text, file);
  const [names, ...rest] = rows;
  const head = headOf(names?.cells ?? [], told ?? space, file);
  // A .fcsv of 3D Slicer 5 has more cells than it names columns, the first of which says whether the point is placed.
  const more = told ? { columns: Number.POSITIVE_INFINITY, status: names.cells.length } : { columns: names?.cells.length ?? 0 };
  if (rest.length === 0) throw invalidRegion(file, "a table without a point: no row follows its head.");
  checkOneScan(names.cells, rest, file);
  const regions = rest.map(({ cells, line }, i) => rowRegion(cells, i + 1, `${file}, line ${line + first}`, { ...head, ...more, comma }));
  const message = `${file}: columns that are not read: ${some(head.left)}`;
  return { regions, notes: head.left.length && !told ? [{ code: "REGIONS_LEFT", message }] : [] };
}

/** Points of several scans in one table would all be taken as of the scan that it is used on. */
function checkOneScan(names: readonly string[], rows: Table["rows"], file: string): void {
  const at = names.findIndex((name) => OWNERS.includes(name.toLowerCase()));
  const owners = new Set(rows.flatMap(({ cells }) => (at >= 0 && cells[at] ? [cells[at]] : [])));
  if (owners.size > 1)
    throw invalidRegion(file, `its rows are of ${owners.size} scans (column "${names[at]}": ${some([...owners], 3)}). Give a table with the rows of one.`);
}

function headOf(names: readonly string[], space: Space, file: string): Head {
  const at: Partial<Record<Column, number>> = {};
  const left: string[] = [];
  let told: Space | undefined;
  for (const [i, name] of names.entries()) {
    const lower = name.toLowerCase().replace(MILLIMETRES, "");
    const [column, spaced] = own(SPACED, lower) ?? [(Object.keys(COLUMNS) as Column[]).find((each) => COLUMNS[each].includes(lower))];
    if (column && at[column] !== undefined) throw invalidRegion(file, `two columns are of ${column}: "${names[at[column]]}" and "${name}". Remove one.`);
    if (spaced && told && spaced !== told) throw invalidRegion(file, `its columns are of two spaces, ${told} and ${spaced}.`);
    told ??= spaced;
    if (column) at[column] = i;
    else if (name) left.push(`"${name}"`);
  }
  const missing = (["x", "y", "z"] as const).filter((column) => at[column] === undefined);
  if (missing.length === 0) return { at, space: told ?? space, left };
  throw invalidRegion(
    file,
    `a table of points needs a head with the columns x, y, z (and size, name, space: RAS, LPS or voxel); ${missing.join(", ")} is missing in "${names.join(",").slice(0, 80)}".`,
  );
}

interface Row extends Head {
  /** Cells that a row may have. */
  readonly columns: number;
  /** Numbers may have a comma as their decimal sign, as it does not part cells. */
  readonly comma: boolean;
  /** Of a .fcsv: the cell that says whether the point is placed, where there is one. */
  readonly status?: number;
}

function rowRegion(cells: readonly string[], number: number, where: string, { at, space, columns, comma, status = -1 }: Row): MarkedRegion {
  const cell = (column: Column) => cells[at[column] ?? -1] ?? "";
  const name = cell("name") || `row ${number}`;
  const faulty = (what: string) => ({ name, number, error: invalidRegion(where, what) });
  const count = cells.findLastIndex((each) => each !== "") + 1;
  // More cells than the head has: a comma for a decimal sign, most often.
  if (count > columns) return faulty(`${count} cells, where the head has ${columns}. Is a comma its decimal sign?`);
  if ((cells[status] || PLACED) !== PLACED)
    return faulty(`its position status is ${JSON.stringify(cells[status].slice(0, 40))}, not placed. Place it, or remove it.`);
  const place = [cell("x"), cell("y"), cell("z")];
  const point = place.map((text) => numberOf(text, comma)) as unknown as Triple;
  const wrong = point.findIndex(Number.isNaN);
  if (wrong >= 0) return faulty(`${"xyz"[wrong]} is ${JSON.stringify(place[wrong].slice(0, 40))}; expected a number, with a point as its decimal sign.`);
  const told = cell("space") === "" ? space : own(SPACES, cell("space").toLowerCase());
  if (!told) return faulty(`space is ${JSON.stringify(cell("space").slice(0, 40))}; RAS, LPS and voxel exist.`);
  const size = cell("size") === "" ? undefined : numberOf(cell("size"), comma);
  if (size !== undefined && !(size > 0)) return faulty(`size is ${JSON.stringify(cell("size").slice(0, 40))}; expected mm above 0.`);
  return { name, number, point: told === "LPS" ? flipped(point) : point, ...(told === "voxel" && { space: "voxel" }), ...(size && { size }) };
}

/** Position status of a control point in 3D Slicer: 0 undefined, 1 preview, 2 defined, 3 missing. */
const PLACED = "2";

/** NaN for what is no number. */
function numberOf(text: string, comma: boolean): number {
  const plain = comma ? text.replace(/^([+-]?\d+),(\d+)$/, "$1.$2") : text;
  const value = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(plain) ? Number(plain) : Number.NaN;
  return Number.isFinite(value) ? value : Number.NaN;
}

interface Table {
  readonly rows: readonly { readonly cells: readonly string[]; readonly line: number }[];
  /** What to add to a row's line. */
  readonly first: number;
  /** Whether something else than a comma parts cells. */
  readonly comma: boolean;
  /** The space that comments of a .fcsv tell. */
  readonly told?: Space;
}

function rowsOf(text: string, file: string): Table {
  const plain = text.replace(/^\ufeff/, "");
  const comments = plain.split(/\r?\n|\r/).filter((line) => line.startsWith("#"));
  const said = (what: string) => comments.map((line) => new RegExp(`^#\\s*${what}\\s*=\\s*(.+)$`, "i").exec(line)?.[1].trim()).find(Boolean);
  const columns = said("columns");
  const body = plain
    .split(/\r?\n|\r/)
    .map((line) => (line.startsWith("#") ? "" : line))
    .join("\n");
  const head = columns ?? body.split("\n").find((line) => line.trim() !== "") ?? "";
  const delimiter = delimiterOf(head) ?? ",";
  const rows = rowsOfCells(body, delimiter, file);
  if (!columns) return { rows, first: 1, comma: delimiter !== "," };
  // Lists of before 4.11 are in RAS, and say it with a 0.
  const told = { lps: "LPS", ras: "RAS", "0": "RAS", "1": "LPS" } as const;
  const system = said("CoordinateSystem") ?? "0";
  if (!Object.hasOwn(told, system.toLowerCase()))
    throw invalidRegion(file, `CoordinateSystem is ${JSON.stringify(system.slice(0, 40))}; LPS and RAS are read.`);
  return {
    rows: [{ cells: columns.split(",").map((name) => name.trim()), line: -1 }, ...rows],
    first: 1,
    comma: false,
    told: told[system.toLowerCase() as "0"],
  };
}
