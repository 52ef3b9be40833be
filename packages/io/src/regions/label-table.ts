// Tables of what labels are called: ITK-SNAP's label descriptions, FreeSurfer's colour tables, CSV, JSON.

import { bytesOf, type OpenOptions, type Source } from "../sources/open.js";
import { delimiterOf, rowsOfCells, textOf } from "./cells.js";
import { invalidRegion } from "./region.js";

/** Names by label number. @throws AnyMC3DError `REGION_INVALID` for a file without such names; what reading it throws */
export async function labelNames(source: Source, options: OpenOptions): Promise<Record<string, string>> {
  const { bytes, name } = await bytesOf(source, options);
  const text = textOf(bytes) ?? "";
  const names = Object.fromEntries(/^\s*[[{]/.test(text) ? inJson(text, name) : inText(text, name));
  if (Object.keys(names).length > 0) return names;
  throw invalidRegion(name, `no table of labels; expected lines of a number and a name, or JSON as {"1": "liver"}.`);
}

/** Columns in which numbers and names stand, the surer first, in lower case. */
const NUMBERS = ["index", "id", "number", "value", "label value", "labelvalue", "label"];
const NAMES = ["name", "label name", "labelname", "segment", "structure", "region", "label"];

function inText(text: string, file: string): [string, string][] {
  const lines = text.split(/\r\n|\r|\n/).map((line) => (/^\s*#/.test(line) ? "" : line));
  const first = lines.find((line) => line.trim() !== "") ?? "";
  const delimiter = delimiterOf(first);
  // A comma may stand in a name.
  if (delimiter === undefined || /^\s*\d+ +[^\s,;]/.test(first)) return lines.flatMap(inLine);
  const rows = rowsOfCells(lines.join("\n"), delimiter, file).map(({ cells }) => cells);
  const head = rows[0].map((cell) => cell.toLowerCase());
  const named = NAMES.map((each) => head.indexOf(each)).find((at) => at >= 0);
  const numbered = NUMBERS.map((each) => head.indexOf(each)).find((at) => at >= 0 && at !== named);
  return rows.flatMap((cells): [string, string][] => {
    const number = wholeNumber(cells[numbered ?? 0]);
    // Colours may stand before the name.
    const name = named === undefined ? cells.slice(1).find((cell) => cell !== "" && Number.isNaN(Number(cell))) : cells[named];
    return number !== undefined && name ? [[number, name]] : [];
  });
}

/** As label numbers are written: 3, 03, and 3.0 in tables that take numbers for fractions. */
const wholeNumber = (text = ""): string | undefined => (/^\d+(?:\.0+)?$/.test(text) ? String(Number(text)) : undefined);

/** A line of ITK-SNAP (1 r g b a 1 1 "name"), of FreeSurfer (1 name r g b a), a number and a name. */
const LINES: readonly RegExp[] = [/^\s*(\d+)(?:\s+[\d.]+){3,6}\s+"(.*)"\s*$/, /^\s*(\d+)\s+(\S.*?)(?:\s+\d+){3,4}\s*$/, /^\s*(\d+)\s+"?(\S.*?)"?\s*$/];

function inLine(line: string): [string, string][] {
  const found = LINES.map((form) => form.exec(line)).find(Boolean);
  const name = found?.[2].trim();
  return found && name ? [[String(Number(found[1])), name]] : [];
}

/** {"1": "liver"}, {"liver": 1}, or either under `labels` (nnU-Net). */
function inJson(text: string, file: string): [string, string][] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalidRegion(file, `its JSON is damaged (${(cause as Error).message}).`);
  }
  const { labels } = json as { labels?: unknown };
  const table = typeof labels === "object" && labels !== null ? labels : (json as object);
  return Object.entries(table).flatMap(([key, value]): [string, string][] =>
    typeof value === "string" && /^\d+$/.test(key) ? [[key, value]] : /^\d+$/.test(String(value)) ? [[String(value), key]] : [],
  );
}
