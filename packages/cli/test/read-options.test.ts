// The reader's options on the command line: a flag for each that has one, read as its kind says.
import { READ_OPTIONS, type ReadOption } from "@anymc3d/io";
import { Command } from "commander";
import { expect, it } from "vitest";
import { COMMANDS } from "../src/commands/index.js";
import { addReadFlags, readOptions } from "../src/options/read.js";
import { number, triple, wholeNumber } from "../src/options/values.js";

const parsed = (...words: string[]) =>
  readOptions(
    addReadFlags(new Command().exitOverride().configureOutput({ writeErr() {} }))
      .parse(words, { from: "user" })
      .opts(),
  );

it("every option that a file may ask for has a flag and a line of help", () => {
  const help = addReadFlags(new Command()).helpInformation();
  const asked = (Object.values(READ_OPTIONS) as ReadOption[]).filter(({ askedBy }) => askedBy.length > 0);
  for (const { flag } of asked) expect(help).toContain(`--${flag?.name} <`);
});

it("values come as the reader takes them", () => {
  expect(parsed("--frame", "3", "--modality", "ct ", "--orientation", "lps", "--voxels", "0.7,0.7,1", "--uneven", "resample", "--series", "1.2")).toEqual({
    frame: 3,
    modality: "CT",
    orientation: "LPS",
    spacing: [0.7, 0.7, 1],
    uneven: "resample",
    series: "1.2",
  });
  expect(parsed()).toEqual({});
  for (const wrong of [["--frame", "1.5"], ["--stack", "-1"], ["--voxels", "0"], ["--uneven", "skip"]]) expect(() => parsed(...wrong)).toThrow(); // biome-ignore format: a line
});

it("numbers are what people write as such, and nothing else that JavaScript reads as one", () => {
  expect(["-1000", " 0.5 ", ".5", "1e-3", "+7", "-0"].map(number)).toEqual([-1000, 0.5, 0.5, 0.001, 7, -0]);
  for (const wrong of ["", " ", "abc", "-1000 HU", "1,5", "0x10", "0b1", "1_000", "Infinity", "-Infinity", "NaN", "1e999", "−5"]) {
    for (const parse of [number, wholeNumber(0), triple]) if (!(parse === triple && wrong === "1,5")) expect(() => parse(wrong), wrong).toThrow();
  }
});

/** What the options of all commands call a number, or several. */
const NUMBERS = /<(?:n|mm|MB|value|logit|x,y,z|x0,y0,z0:x1,y1,z1)>/;
const numeric = COMMANDS.flatMap(({ name, define }) =>
  define(new Command(name)).options.flatMap((option) => (NUMBERS.test(option.flags) ? [[`${name} ${option.flags}`, option] as const] : [])),
);
it.each(numeric)("%s refuses what is no number", (_, { parseArg }) => {
  for (const wrong of ["", " ", "abc", "-1000 HU", "1,5", "0x10", "0x10,1,2", "0,0,0x1:1,1,1", "Infinity", "NaN", "1e999"])
    expect(() => parseArg?.(wrong, undefined as never) ?? wrong, wrong).toThrow(/number|corners/);
});
it("there are such options", () => {
  const flags = numeric.map(([name]) => name);
  for (const name of ["convert --fill", "convert --crop-above", "convert --voxels", "classify --at", "classify --box", "classify --size", "train --epochs"])
    expect(flags).toContainEqual(expect.stringContaining(name));
  for (const name of ["evaluate --samples", "adapter import --tolerance", "cache prune --max-size", "registry start --port"])
    expect(flags).toContainEqual(expect.stringContaining(name));
});
