// What schemas of several files have in common: texts that people read, numbers that can be computed with, and the fields that break a schema.

import * as z from "zod";
import { bounded, harmless, isHarmless } from "./errors/harmless.js";
import { PACKAGE_NAME, PACKAGE_NAME_LENGTH } from "./package-names.js";
import { withoutEval } from "./without-eval.js";

// Every schema of this package begins here.
withoutEval();

const hidden = (text: string) => [...text].find((character) => !isHarmless(character) && character !== "\n" && character !== "\t");
const says = (input: unknown) => {
  const found = typeof input === "string" && (hidden(input) ?? [...input].find((character) => !isHarmless(character)));
  return `holds ${found ? harmless(found) : "a character"} that is not seen: control characters, marks of direction and zero-width characters are refused`;
};

/** A text of one line for people: nothing in it that moves a cursor, turns the order of what stands beside it, or is not seen. */
export const line = z
  .string()
  .min(1)
  .max(1000)
  .regex(/\S/, "is blank")
  .refine(isHarmless, { error: ({ input }) => says(input) });

/** As {@link line}, of several lines. */
export const paragraphs = z
  .string()
  .min(1)
  .max(20_000)
  .regex(/\S/, "is blank")
  .refine((text) => hidden(text) === undefined, { error: ({ input }) => says(input) });

/** A key by which programs find something in an object; none that every object has. */
export const key = line.max(200).refine((name) => !(name in {}), "a name that every object has");

/** A package on npm: lower case, with or without a scope. */
export const npmName = z
  .string()
  .max(PACKAGE_NAME_LENGTH)
  .regex(PACKAGE_NAME, "not an npm package name: lower-case letters, digits and - . _, with or without @scope/");

/** A voxel's value, a quantity's: as far as float32 computes with it. */
export const value = z.number().min(-1e12).max(1e12);

/** The fields that an error of a schema names, `task.labels.0.id`; none without an error. */
export const fieldsOf = (error: z.ZodError | undefined): string[] => [
  ...new Set(error?.issues.slice(0, MOST).map(({ path }) => bounded(path.join("."), LONGEST))),
];

const MOST = 10;
const LONGEST = 200;

/** What an error of a schema says, for people: its first faults, and how many more there are. */
export function faultsOf(error: z.ZodError): string {
  const { issues } = error;
  const told = z.prettifyError({ issues: issues.slice(0, MOST) }).split("\n");
  return [...told.map((each) => bounded(each, LONGEST)), ...(issues.length > MOST ? [`and ${issues.length - MOST} more`] : [])].join("\n");
}
