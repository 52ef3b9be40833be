// A reader's option in the wrong place is told where it belongs, whichever it is.
import { READ_OPTIONS } from "@anymc3d/io";
import { describe, expect, it } from "vitest";
import { checkOptionNames, RUN_OPTIONS } from "../src/option-names.js";

describe("an option of classify() that does not exist", () => {
  const ofTheReader = Object.keys(READ_OPTIONS).filter((name) => !RUN_OPTIONS.includes(name));

  it.each(ofTheReader)("%s goes into `read`", (name) => {
    expect(() => checkOptionNames({ [name]: 1 }, RUN_OPTIONS)).toThrow(/unknown option .*go into `read`/);
  });

  it("three that were forgotten are among them", () => expect(ofTheReader).toEqual(expect.arrayContaining(["name", "identity", "companion"])));

  it("a misspelt one is only refused", () =>
    expect(() => checkOptionNames({ heatmpa: true }, RUN_OPTIONS)).toThrow(/unknown option heatmpa; there are [^`]*$/));
});
