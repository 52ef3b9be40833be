// Pieces of the report's page. What comes from users' files is escaped here.

import { harmlessHtml } from "@anymc3d/core/errors";
import type { Estimate } from "../metrics/metrics.js";

export const section = (title: string, content: string): string => `<section><h2>${harmlessHtml(title)}</h2>${content}</section>`;

/** Cells are escaped here. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], { wrap = false } = {}): string {
  const header = head.map((cell) => `<th scope="col">${harmlessHtml(cell)}</th>`).join("");
  const lines = rows.map((row) => `<tr>${row.map((cell) => `<td>${harmlessHtml(cell)}</td>`).join("")}</tr>`);
  return `<div class="scroll${wrap ? " wrap" : ""}"><table><thead><tr>${header}</tr></thead><tbody>${lines.join("")}</tbody></table></div>`;
}

/** "0.870 [0.787–0.965]" */
export function estimateText({ value, interval }: Estimate): string {
  if (value === null) return "undefined";
  return `${value.toFixed(3)}${interval ? ` [${interval.map((edge) => edge.toFixed(3)).join("–")}]` : ""}`;
}
