// A table on stdout: columns as wide as what is in them.

import { harmless } from "@anymc3d/core/errors";
import { print } from "./terminal.js";

export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const cells = [head, ...rows].map((row) => row.map(harmless));
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  for (const row of cells)
    print(
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join("  ")
        .trimEnd(),
    );
}
