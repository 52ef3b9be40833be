// The reader's options on the command line: a flag for each that has one, read as its kind says.
import { READ_OPTIONS, type ReadOption } from "@anymc3d/io";
import { Command } from "commander";
import { expect, it } from "vitest";
import { addReadFlags, readOptions } from "../src/options/read.js";

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
