// Tables in Markdown: what is in a cell stays in its cell.

import { harmless } from "@anymc3d/core/errors";

const cellOf = (text: string): string => harmless(text).replaceAll("|", "\\|");

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cellOf).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
