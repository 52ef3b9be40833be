// Words of a file that name what every object has (`constructor`): not known, like any other, in every table that is looked up by them.
import { describe, expect, it } from "vitest";
import { readMha, readNrrd, readRegions } from "../src/index.js";
import { concat, counting, refusal } from "./build.js";

const NAMES = ["constructor", "__proto__", "toString", "valueOf"];
const ascii = (text: string) => new TextEncoder().encode(text);
const nrrd = (lines: string, { type = "short", encoding = "raw", data = counting(24) } = {}) =>
  concat(ascii(`NRRD0005\ntype: ${type}\ndimension: 3\nsizes: 4 3 2\nendian: little\nencoding: ${encoding}\n${lines}\n`), data);
const mha = (line: string) => concat(ascii(`NDims = 3\nDimSize = 4 3 2\nElementType = MET_SHORT\n${line}\nElementDataFile = LOCAL\n`), counting(24));

describe.each(NAMES)("%s", (word) => {
  it("as a field, a type, an encoding, a space of NRRD", async () => {
    await refusal(() => readNrrd(nrrd(`${word}: 1\n`)), "FORMAT_INVALID", `the field "${word.toLowerCase()}"`);
    await refusal(() => readNrrd(nrrd("", { type: word })), "FORMAT_INVALID", word);
    await refusal(() => readNrrd(nrrd("", { encoding: word })), "FORMAT_INVALID", word);
    const { affine, notes } = await readNrrd(nrrd(`space: ${word}\nspace directions: (2,0,0) (0,1,0) (0,0,1)\n`));
    expect([Math.abs(affine?.[0] ?? 0), notes?.map(({ code }) => code)]).toEqual([2, ["NRRD_NO_ORIENTATION"]]);
  });

  it("among voxels that are written as text", async () => {
    const data = ascii(Array(24).fill(word).join("\n"));
    await refusal(() => readNrrd(nrrd("", { type: "float", encoding: "text", data })), "FORMAT_INVALID", `"${word}"`);
  });

  it("as a field of MetaImage, which may hold what it likes, and as a type", async () => {
    expect((await readMha(mha(`${word} = 1`))).shape).toEqual([4, 3, 2]);
    await refusal(() => readMha(mha(`ElementType = ${word}`)), "FORMAT_INVALID");
  });

  it("as a column and a space of a table of points", async () => {
    const { regions, notes } = await readRegions(ascii(`x,y,z,${word}\n1,2,3,4\n`));
    expect([regions[0].point, notes[0]?.code]).toEqual([[1, 2, 3], "REGIONS_LEFT"]);
    const [{ error }] = (await readRegions(ascii(`x,y,z,space\n1,2,3,${word}\n`))).regions;
    expect(error).toMatchObject({ code: "REGION_INVALID" });
  });
});
