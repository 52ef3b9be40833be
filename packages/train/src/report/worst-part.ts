// The cases that went most wrong, as figures of the report.

import { harmlessHtml } from "@anymc3d/core/errors";
import type { WorstCase } from "./worst-cases.js";

/** Nothing where there are none. */
export function worstPart(worst: readonly WorstCase[]): string {
  if (worst.length === 0) return "";
  const figures = worst.map(({ id, said, png, slices }) => {
    const text = `${id}: ${said}, slices ${slices.join(", ")}`;
    return `<figure class="case"><img src="data:image/png;base64,${base64(png)}" alt="${harmlessHtml(`Slices and heatmap of ${text}`)}"><figcaption>${harmlessHtml(text)}</figcaption></figure>`;
  });
  return `<h4>Most wrong on validation</h4><p>The slices that weighed most, and below them where the adapter looked.</p><div class="cases">${figures.join("")}</div>`;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}
