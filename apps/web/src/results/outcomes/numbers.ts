// Numbers of results as text.

/** 94 %, and 3.1 % where it is small. */
export const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
/** 94.1 % */
export const precisePercent = (share: number): string => `${(100 * share).toFixed(1)} %`;
/** 90 %, 97.5 % */
export const coverageText = (coverage = 0): string => `${Number((100 * coverage).toFixed(1))} %`;
/** Four digits that count. */
export const number = (value: number): string => String(Number(value.toPrecision(4)));
/** A value with its unit; UCUM's unit of a pure number, 1, is not said. */
export const quantityText = (value: string, unit: string | undefined): string => (unit && unit !== "1" ? `${value} ${unit}` : value);
/** "A, B or C" */
export const either = (names: readonly string[]): string => new Intl.ListFormat("en-GB", { type: "disjunction" }).format(names);
