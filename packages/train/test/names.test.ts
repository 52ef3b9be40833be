// Names of patients: what is trimmed, what counts as nearly the same, and what does not.

import { expect, test } from "vitest";
import { firstOfNear, groupName, nearName, nearNameWarnings, trimmed } from "../src/data/names.js";

test.each([
  ["P23 ", "P23"],
  ["\u00a0P23\u200b", "P23"],
  ["\ufeffP 23\t", "P 23"],
  [" \u2060 ", ""],
])("%j is trimmed to %j", (text, right) => expect(trimmed(text)).toBe(right));

test("a letter in one character or in two is the same name", () => expect(groupName("Mu\u0308ller ")).toBe("M\u00fcller"));

test.each([
  ["P23", "p23"],
  ["P23", "P-023"],
  ["P23", "p_23"],
  ["P23", "P 23"],
  ["P23", "Ｐ２３"],
  ["P23", '"P23"'],
  ["P23", "‘P23’"],
  ["P23", "P\u200b23"],
  ["sub-01", "sub_1"],
  ["0001", "1"],
  ["STRASSE", "straße"],
  ["caf\u00e9", "CAFE\u0301"],
  ["site/7/3", "site-07.03"],
  ["23", "23.0"],
  ["0023", "23.00"],
  ["sub-23", "23"],
  ["Patient 023", "pat_23"],
  ["case23", "ID: 23"],
  ["sub-P023", "P23"],
  // Cyrillic Er, A and small e; Greek capital Rho.
  ["P23", "\u042023"],
  ["P23", "\u03a123"],
  ["CASE-A", "case-\u0410"],
  ["Peter", "P\u0435ter"],
  ["DOE^JOHN", "DOE^JOHN^^^"],
])("%j is nearly %j", (a, b) => expect(nearName(a)).toBe(nearName(b)));

test.each([
  ["P23", "P32"],
  ["1_1", "11"],
  ["P1_1", "P11"],
  ["10", "1"],
  ["100", "10"],
  ["a", "á"],
  ["P23a", "P23b"],
  ["23", "23.5"],
  ["1.0", "10"],
  ["23.10", "23.1"],
  ["P23", "23"],
  ["sub-23", "sub-24"],
  ["sub", ""],
  ["subway-23", "23"],
  ["\u041f23", "P23"],
  ["0", ""],
  ["-", "--"],
])("%j is not %j", (a, b) => expect(nearName(a)).not.toBe(nearName(b)));

test("the first by its letters stands for all, whatever the order", () => {
  for (const names of [["p23", "P23", "q"], ["q", "P23", "p23", "P23"]]) // biome-ignore format: a line
    expect(firstOfNear(names)).toEqual(new Map([["P23", "P23"], ["p23", "P23"], ["q", "q"]])); // biome-ignore format: a line
});

test("the warning names them, a few where there are many", () => {
  expect(nearNameWarnings(["a", "b", "a"], "x.csv")).toEqual([]);
  const [{ code, message }] = nearNameWarnings(["P23", "p23", "q"], "x.csv");
  expect([code, message]).toEqual(["NEAR_GROUPS", expect.stringContaining('x.csv: groups that are nearly the same: "P23" and "p23". ')]);
  const many = Array.from({ length: 8 }, (_, i) => [`p${i}`, `P${i}`]).flat();
  expect(nearNameWarnings(many, "x.csv")[0].message).toMatch(/; and 3 more\./);
});
