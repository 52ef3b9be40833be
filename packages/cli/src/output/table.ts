// A table on stdout: columns as wide as what is in them.

import { harmless } from "@anymc3d/core/errors";
import { print, terminalWidth } from "./terminal.js";
import { cut, padded, widthOf } from "./width.js";

const GAP = "  ";
/** Columns that a cell keeps, however narrow the terminal. */
const LEAST = 12;

/** @param cuts places of columns whose cells are cut where a line would be wider than the terminal, the widest first */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[], cuts: readonly number[] = []): void {
  const cells = [head, ...rows].map((row) => row.map(harmless));
  const widths = head.map((_, i) => Math.max(...cells.map((row) => widthOf(row[i]))));
  let over = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - terminalWidth();
  for (; over > 0; over--) {
    const widest = cuts.reduce((best, i) => (widths[i] > widths[best] ? i : best), cuts[0]);
    if (widest === undefined || widths[widest] <= LEAST) break;
    widths[widest]--;
  }
  for (const row of cells)
    print(
      row
        .map((cell, i) => padded(cut(cell, widths[i]), widths[i]))
        .join(GAP)
        .trimEnd(),
    );
}
