// What stands behind an option, checked: numbers, lengths, codes.

import { InvalidArgumentError } from "commander";

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = number(text);
    if (!Number.isSafeInteger(value) || value < least) throw new InvalidArgumentError(`a whole number from ${least} is needed.`);
    return value;
  };
}

/** A number as people write it, with a point and without a unit: 5, -1000, 0.5, 1e-3; NaN for what JavaScript reads besides: "", 0x10. */
const written = (text: string): number => (/^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : Number.NaN);

/** A number. */
export function number(text: string): number {
  const value = written(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError("a number without a unit is needed, as -1000 or 0.5.");
  return value;
}

/** A number above 0. */
export function positiveNumber(text: string): number {
  const value = number(text);
  if (!(value > 0)) throw new InvalidArgumentError("a number above 0 is needed.");
  return value;
}

/** DICOM codes are upper case. */
export const upperCase = (text: string): string => text.trim().toUpperCase();

/** Three numbers, as -61,22.5,140. */
export function place(text: string): readonly [number, number, number] {
  const [x, y, z, ...more] = text.split(",").map(written);
  if (more.length > 0 || ![x, y, z].every(Number.isFinite)) throw new InvalidArgumentError("three numbers, as -61,22.5,140, are needed.");
  return [x, y, z];
}

/** Three numbers above 0, as 1,1,2.5, or one for all. */
export function triple(text: string): [number, number, number] {
  const values = text.split(/[,x×]/).map(positiveNumber);
  if (values.length !== 1 && values.length !== 3) throw new InvalidArgumentError("one number or three, as 1,1,2.5, are needed.");
  return [values[0], values[1] ?? values[0], values[2] ?? values[0]];
}
