// The check of a reader's options: names and types. What they mean for a file is checked where the file is known.

import { AnyMC3DError } from "@anymc3d/core";
import type { ReadOptions } from "./read-options.js";
import { READ_OPTIONS } from "./table.js";

/** A misspelt option must not be ignored, nor one of another type. @throws AnyMC3DError `OPTION_INVALID` */
export function checkReadOptions(options: ReadOptions): void {
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(READ_OPTIONS, name));
  if (unknown.length > 0)
    throw new AnyMC3DError("OPTION_INVALID", `the reader has no option ${unknown.join(", ")}; there are ${Object.keys(READ_OPTIONS).join(", ")}.`, {
      details: { option: unknown[0] },
    });
  for (const [name, value] of Object.entries(options)) {
    const { is, expected } = READ_OPTIONS[name as keyof ReadOptions];
    if (value !== undefined && !is(value))
      throw new AnyMC3DError("OPTION_INVALID", `the reader's option ${name} is ${shown(value)}; expected ${expected}.`, {
        details: { option: name, found: shown(value) },
      });
  }
}

/**
 * An option that chooses what files of a format do not have must not be ignored either; 0, the only one there is, may be chosen everywhere, and what is to
 * be done about uneven slices may be said of files that have none.
 * @param uses the options of the format
 * @throws AnyMC3DError `OPTION_INVALID`
 */
export function checkUsed(options: ReadOptions, uses: readonly (keyof ReadOptions)[], title: string, file: string): void {
  for (const [name, value] of Object.entries(options) as [keyof ReadOptions, unknown][]) {
    const { flag, input } = READ_OPTIONS[name];
    if (value === undefined || value === 0 || input === "program" || !flag || EVERYWHERE.includes(name) || uses.includes(name)) continue;
    throw new AnyMC3DError("OPTION_INVALID", `${file}: \`${name}\` is ${shown(value)}, and means nothing for ${title} files. Leave it out.`, {
      details: { option: name, file, ...(typeof value === "string" || typeof value === "number" ? { found: value } : {}) },
    });
  }
}

const EVERYWHERE: readonly (keyof ReadOptions)[] = ["modality", "uneven"];

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  return value === null || typeof value === "number" || typeof value === "boolean" ? String(value) : `of type ${typeof value}`;
}
