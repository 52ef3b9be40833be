// Charts of the training report, as SVG text: lines over two axes. Colours are classes, so that the page's style decides.

import { harmlessHtml } from "@anymc3d/core/errors";
import { scaleLinear } from "d3-scale";

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean;
  /** A circle at every point. */
  readonly dots?: boolean;
  /** false: points without a line through them. Default true. */
  readonly joined?: boolean;
}

export interface Chart {
  /** Read aloud instead of the drawing. */
  readonly label: string;
  readonly x: { readonly title: string; readonly domain: readonly [number, number]; readonly whole?: boolean };
  readonly y: { readonly title: string; readonly domain: readonly [number, number] };
  readonly lines: readonly Line[];
  /** A vertical line. */
  readonly mark?: { readonly x: number; readonly title: string };
  /** A ring, such as the decision threshold on a ROC curve. */
  readonly ring?: { readonly at: readonly [x: number, y: number]; readonly title: string };
}

const WIDTH = 360;
const HEIGHT = 260;
const [LEFT, RIGHT, TOP, BOTTOM] = [48, 12, 12, 42];

/** A chart with its legend below it. */
export function chart({ label, x, y, lines, mark, ring }: Chart): string {
  const across = scaleLinear([...x.domain], [LEFT, WIDTH - RIGHT]);
  const up = scaleLinear([...y.domain], [HEIGHT - BOTTOM, TOP]);
  const n = (value: number) => value.toFixed(1);
  const columns = across.ticks(6).filter((tick) => !x.whole || Number.isInteger(tick));
  const grid = [
    ...up
      .ticks(5)
      .map(
        (tick) =>
          `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${n(up(tick))}" y2="${n(up(tick))}"/><text x="${LEFT - 6}" y="${n(up(tick) + 4)}" text-anchor="end">${tick}</text>`,
      ),
    ...columns.map((tick) => `<text x="${n(across(tick))}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${tick}</text>`),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${harmlessHtml(x.title)}</text>`,
    `<text transform="translate(12 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${harmlessHtml(y.title)}</text>`,
  ];
  const drawn = lines.map(({ points, dashed, dots, joined = true }, i) => {
    const places = points.map(([px, py]) => [n(across(px)), n(up(py))] as const);
    const path = !joined ? "" : `<polyline class="line c${i % 8}${dashed ? " dashed" : ""}" points="${places.map((place) => place.join(",")).join(" ")}"/>`;
    return path + (dots ? places.map(([cx, cy]) => `<circle class="dot c${i % 8}" cx="${cx}" cy="${cy}" r="3"/>`).join("") : "");
  });
  const marked = mark ? `<line class="mark" x1="${n(across(mark.x))}" x2="${n(across(mark.x))}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>` : "";
  const ringed = ring ? `<circle class="ring" cx="${n(across(ring.at[0]))}" cy="${n(up(ring.at[1]))}" r="6"/>` : "";
  const legend = [
    ...lines.map(({ name }, i) => `<li><span class="key c${i % 8}"></span>${harmlessHtml(name)}</li>`),
    ...(mark ? [`<li><span class="key markkey"></span>${harmlessHtml(mark.title)}</li>`] : []),
    ...(ring ? [`<li><span class="key ringkey"></span>${harmlessHtml(ring.title)}</li>`] : []),
  ];
  return `<figure><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${harmlessHtml(label)}">${grid.join("")}${marked}${drawn.join("")}${ringed}</svg><ul class="legend">${legend.join("")}</ul></figure>`;
}
