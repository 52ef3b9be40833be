// Medians and spreads, the way every table here states them.

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** "75.1 (70.2–90.3)": median, minimum, maximum. */
export const spread = (values, digits = 1) =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;

/** Median of the ratios of values measured next to each other. */
export const ratio = (a, b) => median(a.map((value, i) => value / b[i]));
