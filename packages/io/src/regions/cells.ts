// Cells of a table in text: what parts them, and rows of them.

import { invalidRegion } from "./region.js";

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
