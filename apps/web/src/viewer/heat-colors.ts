// The heatmap's colours: from nothing over red and orange to yellow, the less heat the more transparent.

interface Stop {
  readonly heat: number;
  readonly color: readonly [red: number, green: number, blue: number];
}

const STOPS: readonly Stop[] = [
  { heat: 0, color: [190, 30, 80] },
  { heat: 0.35, color: [222, 56, 44] },
  { heat: 0.65, color: [250, 126, 16] },
  { heat: 0.85, color: [255, 190, 20] },
  { heat: 1, color: [255, 236, 90] },
];

/** Less heat is not shown. */
export const COOL = 0.2;

/** As much hides the scan as far as the opacity allows; less, by the square of its share of it, which is how NiiVue does it. */
export const OPAQUE = 0.8;

const alphaOf = (heat: number): number => (heat < COOL ? 0 : Math.min(1, (heat / OPAQUE) ** 2));

/** For NiiVue, of heat from 0 to 1. */
export function heatColormap() {
  const cool = { heat: COOL, color: colorOf(COOL) };
  // Two entries at one place: what is not shown, and what is.
  const entries = [...STOPS.filter(({ heat }) => heat < COOL), cool, cool, ...STOPS.filter(({ heat }) => heat > COOL)];
  const shown = (i: number) => i > entries.indexOf(cool);
  const channel = (index: 0 | 1 | 2) => entries.map(({ color }) => Math.round(color[index]));
  return {
    R: channel(0),
    G: channel(1),
    B: channel(2),
    A: entries.map((_, i) => (shown(i) ? 255 : 0)),
    I: entries.map(({ heat }, i) => Math.round(255 * heat) + (i === entries.indexOf(cool) + 1 ? 1 : 0)),
  };
}

function colorOf(heat: number): Stop["color"] {
  const next = Math.max(
    1,
    STOPS.findIndex((stop) => stop.heat >= heat),
  );
  const [a, b] = [STOPS[next - 1], STOPS[next]];
  const share = (heat - a.heat) / (b.heat - a.heat);
  const [red, green, blue] = a.color.map((value, channel) => value + share * (b.color[channel] - value));
  return [red, green, blue];
}

/** The same for a legend, from `COOL` to 1, as a CSS image. */
export function heatGradient(opacity: number): string {
  const heats = Array.from({ length: 17 }, (_, i) => COOL + ((1 - COOL) * i) / 16);
  return `linear-gradient(to right, ${heats.map((heat) => `rgb(${colorOf(heat).map(Math.round).join(" ")} / ${(opacity * alphaOf(heat)).toFixed(3)})`).join(", ")})`;
}
