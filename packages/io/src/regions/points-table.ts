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

/** Columns whose names say the space, too. */
const SPACED: Readonly<Record<string, readonly [column: Column, space: Space]>> = Object.fromEntries(
  (["RAS", "LPS", "voxel"] as const).flatMap((space) =>
    ["x", "y", "z"].map((column, i) => [space === "voxel" ? "ijk"[i] : space[i].toLowerCase(), [column as Column, space]]),
  ),
);

const SPACES: Readonly<Record<string, Space>> = { ras: "RAS", lps: "LPS", voxel: "voxel" };

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
  const { rows, first, told } = rowsOf(text, file);
  const [names, ...rest] = rows;
  const head = headOf(names?.cells ?? [], told ?? space, file);
  if (rest.length === 0) throw invalidRegion(file, "a table without a point: no row follows its head.");
  const regions = rest.map(({ cells, line }, i) => rowRegion(cells, i + 1, `${file}, line ${line + first}`, { ...head, columns: names.cells.length }));
  const message = `${file}: columns that are not read: ${some(head.left)}`;
  return { regions, notes: head.left.length && !told ? [{ code: "REGIONS_LEFT", message }] : [] };
}

function headOf(names: readonly string[], space: Space, file: string): Head {
  const at: Partial<Record<Column, number>> = {};
  const left: string[] = [];
  let told: Space | undefined;
  for (const [i, name] of names.entries()) {
    const lower = name.toLowerCase();
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

function rowRegion(cells: readonly string[], number: number, where: string, { at, space, columns }: Head & { readonly columns: number }): MarkedRegion {
  const cell = (column: Column) => cells[at[column] ?? -1] ?? "";
  const name = cell("name") || `row ${number}`;
  const faulty = (what: string) => ({ name, number, error: invalidRegion(where, what) });
  // More cells than the head has: a comma for a decimal sign, most often.
  if (cells.length > columns) return faulty(`${cells.length} cells, where the head has ${columns}. Is a comma its decimal sign?`);
  const place = [cell("x"), cell("y"), cell("z")];
  const wrong = place.findIndex((text) => !isNumber(text));
  if (wrong >= 0) return faulty(`${"xyz"[wrong]} is ${JSON.stringify(place[wrong].slice(0, 40))}; expected a number, with a point as its decimal sign.`);
  const told = cell("space") === "" ? space : own(SPACES, cell("space").toLowerCase());
  if (!told) return faulty(`space is ${JSON.stringify(cell("space").slice(0, 40))}; RAS, LPS and voxel exist.`);
  const size = cell("size");
  if (size !== "" && !(isNumber(size) && Number(size) > 0)) return faulty(`size is ${JSON.stringify(size.slice(0, 40))}; expected mm above 0.`);
  const point = place.map(Number) as unknown as Triple;
  return { name, number, point: told === "LPS" ? flipped(point) : point, ...(told === "voxel" && { space: "voxel" }), ...(size && { size: Number(size) }) };
}

const isNumber = (text: string): boolean => /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text));

interface Table {
  readonly rows: readonly { readonly cells: readonly string[]; readonly line: number }[];
  /** What to add to a row's line. */
  readonly first: number;
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
  const rows = rowsOfCells(body, delimiterOf(head) ?? ",", file);
  if (!columns) return { rows, first: 1 };
  // Lists of before 4.11 are in RAS, and say it with a 0.
  const told = { lps: "LPS", ras: "RAS", "0": "RAS", "1": "LPS" } as const;
  const system = said("CoordinateSystem") ?? "0";
  if (!Object.hasOwn(told, system.toLowerCase()))
    throw invalidRegion(file, `CoordinateSystem is ${JSON.stringify(system.slice(0, 40))}; LPS and RAS are read.`);
  return {
    rows: [{ cells: columns.split(",").map((name) => name.trim()), line: -1 }, ...rows],
    first: 1,
    told: told[system.toLowerCase() as "0"],
  };
}
