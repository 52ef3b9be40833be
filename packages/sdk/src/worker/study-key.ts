// A name for a study that does not change, by which the worker knows again what it has read: of its files, and of all that they are read with.

import { isBlob, isFileList } from "../browser-files.js";
import type { RunOptions, StudySource } from "../classifier.js";

/** Numbers for objects, the same for the same object. */
export class ObjectNumbers {
  readonly #numbers = new WeakMap<object, number>();
  #count = 0;

  of(object: object): number {
    const number = this.#numbers.get(object) ?? ++this.#count;
    this.#numbers.set(object, number);
    return number;
  }
}

/** In the place of what may change under the same name: arrays of numbers, what lies at an address, functions. */
const CHANGES = Symbol("changes");

/**
 * The name of files, or of files by source, that are read with the same options; undefined for a study that may change, which is read anew.
 * @param read two objects that say the same give the same name
 */
export function studyKey(source: StudySource, read: RunOptions["read"], numbers: ObjectNumbers): string | undefined {
  const { companion, ...options } = read ?? {};
  const parts = [described(source, numbers, false), described(companion, numbers, false), described(options, numbers, true)];
  return parts.includes(CHANGES) ? undefined : JSON.stringify(parts);
}

/** @param words whether text is a value (an option's) and not an address */
function described(value: unknown, numbers: ObjectNumbers, words: boolean): unknown {
  if (value === undefined || value === null) return null;
  if (isBlob(value)) return { file: numbers.of(value) };
  if (typeof value === "number" || typeof value === "boolean" || (words && typeof value === "string")) return [typeof value, String(value)];
  if (typeof value !== "object") return CHANGES;
  const isList = Array.isArray(value) || isFileList(value);
  if (!isList && Object.getPrototypeOf(value) !== Object.prototype) return CHANGES;
  const named = isList ? [...value].entries() : Object.entries(value).filter(([, part]) => part !== undefined);
  const parts = [...named].map(([name, part]) => [name, described(part, numbers, words)]);
  if (parts.some(([, part]) => part === CHANGES)) return CHANGES;
  return isList ? parts : { of: parts.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)) };
}
