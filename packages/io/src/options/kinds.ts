// The kinds of value that options have: how they are told, and what is said of others.

/** What one kind of value is. */
export interface ValueKind<T> {
  /** How a command line or a form asks for it. */
  readonly input: "number" | "text" | "code" | "lengths" | "choice" | "program";
  readonly is: (value: unknown) => value is T;
  /** "a whole number from 0". */
  readonly expected: string;
  /** The values of a choice. */
  readonly choices?: readonly string[];
}

const isNumber = (value: unknown): value is number => typeof value === "number";
const isText = (value: unknown): value is string => typeof value === "string";

/** A place in a list, counted from 0. That it is one of the list is checked where the list is known. */
export const index: ValueKind<number> = { input: "number", is: isNumber, expected: "a whole number from 0" };
export const words: ValueKind<string> = { input: "text", is: isText, expected: "text" };
/** Letters, in capitals. */
export const code: ValueKind<string> = { input: "code", is: isText, expected: "letters, as text" };

/** Three lengths, in mm. That they are above 0 is checked where they are used. */
export const lengths: ValueKind<readonly [number, number, number]> = {
  input: "lengths",
  is: (value): value is readonly [number, number, number] => Array.isArray(value) && value.length === 3 && value.every(isNumber),
  expected: "three numbers, in mm",
};

export const choice = <T extends string>(...choices: readonly T[]): ValueKind<T> => ({
  input: "choice",
  is: (value): value is T => choices.includes(value as T),
  expected: choices.map((each) => JSON.stringify(each)).join(" or "),
  choices,
});

/** What only a program gives. */
export const given = <T>(expected: string, is: (value: unknown) => boolean): ValueKind<T> => ({
  input: "program",
  is: is as (value: unknown) => value is T,
  expected,
});
