// What stands behind an option, checked: numbers, lengths, codes.

import { InvalidArgumentError } from "commander";

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < least) throw new InvalidArgumentError(`a whole number from ${least} is needed.`);
    return value;
  };
}

/** A number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("a number above 0 is needed.");
  return value;
}

/** DICOM codes are upper case. */
export const upperCase = (text: string): string => text.trim().toUpperCase();

/** Three numbers above 0, as 1,1,2.5, or one for all. */
export function triple(text: string): [number, number, number] {
  const values = text.split(/[,x×]/).map(positiveNumber);
  if (values.length !== 1 && values.length !== 3) throw new InvalidArgumentError("one number or three, as 1,1,2.5, are needed.");
  return [values[0], values[1] ?? values[0], values[2] ?? values[0]];
}
