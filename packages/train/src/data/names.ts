// Names of patients as people type them: what is the same name, and what is nearly one.

import type { Warning } from "@anymc3d/core";

const BLANKS = "[\\s\\u00ad\\u200b-\\u200f\\u2060\\ufeff]+";
const EDGES = new RegExp(`^${BLANKS}|${BLANKS}$`, "gu");

/** Text without blanks at its ends, those that are not seen and those that do not break among them; quotes in a table keep them. */
export const trimmed = (text: string): string => text.replace(EDGES, "");

/** A group's name as it is compared: é is é, in one character or in two. */
export const groupName = (text: string): string => trimmed(text).normalize("NFC");

/** Cyrillic and Greek letters that look like Latin ones, small. */
const LOOKS: Readonly<Record<string, string>> = Object.fromEntries(
  ["аaвbеeкkмmнhоoрpсcтtуyхxіiјjѕsԁdһhԛqԝw", "αaβbεeζzηhιiκkμmνnοoρpτtυyχx"].flatMap((pairs) => (pairs.match(/../gu) ?? []).map((pair) => [...pair])),
);
/** What data sets put before a patient's number. */
const PATIENT = /^(?:sub|subj|subject|pat|patient|pt|participant|case|id)$/u;

/**
 * What nearly equal names share: "P-023", "p23" and "P 23" do. Case, width and form of letters do not count, nor do letters of other scripts that look
 * alike, quotes, leading zeros, what separates, "sub" or "patient" before a number, and the ".0" of tables that took numbers for fractions; but between
 * two numbers something must ("1_1" is not "11").
 */
export function nearName(text: string): string {
  const letters = trimmed(text).normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
  const whole = letters.replace(/[\u00ad\u200b-\u200f\u2060\ufeff]/gu, "").replace(/^([\p{N}]+)\.0+$/u, "$1");
  const parts = [...whole.replace(/./gsu, (letter) => LOOKS[letter] ?? letter).matchAll(/\p{N}+|[\p{L}\p{M}]+/gu)].map(([part]) => part);
  const named = parts.length > 1 && PATIENT.test(parts[0]) ? parts.slice(1) : parts;
  const plain = (named.length ? named : [text]).map((part) => part.replace(/^0+(?=\p{N})/u, ""));
  return plain.reduce((name, part) => name + (/\p{N}$/u.test(name) && /^\p{N}/u.test(part) ? "-" : "") + part, "");
}

/** Of every name the first, by its letters, of those that are nearly equal to it. */
export function firstOfNear(names: Iterable<string>): Map<string, string> {
  const first = new Map<string, string>();
  const all = [...new Set(names)].sort();
  for (const name of all) if (!first.has(nearName(name))) first.set(nearName(name), name);
  return new Map(all.map((name) => [name, first.get(nearName(name)) as string]));
}

/** @param groups of the rows @param file what to call the data @param what they are called: "groups", or "ids" where an id stands for the patient */
export function nearNameWarnings(groups: readonly string[], file: string, what = "groups"): Warning[] {
  const sets = new Map<string, string[]>();
  for (const [name, first] of firstOfNear(groups)) sets.set(first, [...(sets.get(first) ?? []), name]);
  const near = [...sets.values()].filter(({ length }) => length > 1).map((names) => names.map((name) => JSON.stringify(name)).join(" and "));
  if (near.length === 0) return [];
  const list = near.slice(0, 5).join("; ") + (near.length > 5 ? `; and ${near.length - 5} more` : "");
  const message = `${file}: ${what} that are nearly the same: ${list}. If they are one patient each, give them one name; else the patient counts twice, and may be in two splits`;
  return [{ code: "NEAR_GROUPS", message }];
}
