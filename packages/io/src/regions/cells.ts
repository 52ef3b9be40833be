// Tables in text: how their bytes are text, what parts their cells, and rows of them.

import { invalidRegion } from "./region.js";

/** UTF-8, or UTF-16 by its byte order mark, without that; else Windows' Western European; undefined for what is no text. */
export function textOf(bytes: Uint8Array): string | undefined {
  const mark = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  const text = mark === "utf-8" && !isUtf8(bytes) ? new TextDecoder("windows-1252").decode(bytes) : new TextDecoder(mark).decode(bytes);
  return text.includes("\0") ? undefined : text;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** What parts the cells of a table's first line: a comma, a semicolon, a tab. */
export const delimiterOf = (head: string): string | undefined => [",", ";", "\t"].find((each) => head.includes(each));

/**
 * Rows of cells, quotes taken off, blank rows left out; with the line from 0 on which each begins.
 * @throws AnyMC3DError `REGION_INVALID` for a quote that is not closed
 */
export function rowsOfCells(text: string, delimiter: string, file: string): { cells: string[]; line: number }[] {
  const rows: { cells: string[]; line: number }[] = [];
  let [cells, cell, quoted, line, begin] = [[] as string[], "", false, 0, 0];
  for (let i = 0; i <= text.length; i++) {
    const char = text[i] ?? "\n";
    if (char === "\n") line++;
    if (quoted && i < text.length) {
      if (char !== '"') cell += char;
      else if (text[i + 1] !== '"') quoted = false;
      else cell += text[i++];
    } else if (char === '"' && cell.trim() === "") [quoted, cell] = [true, ""];
    else if (char !== delimiter && char !== "\n") cell += char;
    else {
      cells.push(cell.trim());
      cell = "";
      if (char === delimiter) continue;
      if (quoted) throw invalidRegion(file, `a quote that begins in line ${begin + 1} is not closed.`);
      if (cells.some((each) => each !== "")) rows.push({ cells, line: begin });
      [cells, begin] = [[], line];
    }
  }
  return rows;
}
