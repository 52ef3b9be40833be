// Tables of what labels are called: ITK-SNAP's label descriptions, FreeSurfer's colour tables, CSV, JSON.

import { bytesOf, type OpenOptions, type Source } from "../sources/open.js";
import { invalidRegion } from "./region.js";

/** Names by label number. @throws AnyMC3DError `REGION_INVALID` for a file without such names; what reading it throws */
export async function labelNames(source: Source, options: OpenOptions): Promise<Record<string, string>> {
  const { bytes, name } = await bytesOf(source, options);
  const text = new TextDecoder().decode(bytes).replace(/^\ufeff/, "");
  const names = Object.fromEntries(/^\s*[[{]/.test(text) ? inJson(text, name) : text.split(/\r?\n/).flatMap(inLine));
  if (Object.keys(names).length > 0) return names;
  throw invalidRegion(name, `no table of labels; expected lines of a number and a name, or JSON as {"1": "liver"}.`);
}

/** A line of ITK-SNAP (1 r g b a 1 1 "name"), of CSV (1,"name"), of FreeSurfer (1 name r g b a), a number and a name. */
const LINES: readonly RegExp[] = [
  /^\s*(\d+)(?:\s+[\d.]+){3,6}\s+"(.*)"\s*$/,
  /^\s*"?(\d+)"?\s*[,;\t]\s*(?:"((?:[^"]|"")*)"|([^,;\t]+))/,
  /^\s*(\d+)\s+(\S.*?)(?:\s+\d+){3,4}\s*$/,
  /^\s*(\d+)\s+"?(\S.*?)"?\s*$/,
];

function inLine(line: string): [string, string][] {
  const found = /^\s*#/.test(line) ? undefined : LINES.map((form) => form.exec(line)).find(Boolean);
  const name = (found?.[2] ?? found?.[3])?.replaceAll('""', '"').trim();
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
