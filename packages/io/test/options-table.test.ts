// The table of read options: every error that wants one names an option of the table, which says so; names and types are checked; nothing else lists them.
import { readFileSync } from "node:fs";
import { type ErrorCode, isAnyMC3DError } from "@anymc3d/core";
import { slice } from "@anymc3d/testkit/dicom";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { FORMATS } from "../src/formats/index.js";
import { READ_OPTIONS, type ReadOptions, readVolume, type Source } from "../src/index.js";
import { companionsOf } from "../src/sources/companions.js";
import { bytesEntry } from "../src/sources/file-entry.js";
import { nifti, npy, refusal } from "./build.js";
import { linesOfSource } from "./source-lines.js";

const NAMES = Object.keys(READ_OPTIONS) as (keyof ReadOptions)[];

describe("who asks for an option", () => {
  const nrrd = new TextEncoder().encode(
    "NRRD0004\ntype: uint8\ndimension: 4\nsizes: 3 2 2 2\nkinds: vector domain domain domain\nencoding: raw\n\nabcdefghijklmnopqrstuvwx",
  );
  const at = (z: number, more = {}) => slice(z, [1, 2, 3, 4], more);
  it.each<[keyof ReadOptions, Source | readonly Source[]]>([
    ["frame", nifti({ dims: [2, 2, 2, 3] })],
    ["channel", nrrd],
    ["index", npy(2, 3, 4, 5)],
    ["array", zipSync({ "a.npy": npy(2, 3, 4), "b.npy": npy(2, 3, 4) })],
    ["orientation", nifti({ magic: "\0\0\0\0", sform: 0, offset: 0, pixdim: [0, 2, 3, 4] })],
    ["uneven", [at(0), at(1), at(2), at(5)]],
    ["stack", [at(0), at(1), at(0, { "00200037": ["DS", [1, 0, 0, 0, 0, -1]] })]],
    ["series", [at(0), at(0, { "0020000e": ["UI", "1.2.3.4.5"] })]],
  ])("%s, by an error whose details name it", async (name, source) => {
    const error = await readVolume(source).then(
      () => undefined,
      (found) => found,
    );
    if (!isAnyMC3DError(error)) throw error ?? new Error("it was read");
    expect((error.details as { option?: string } | undefined)?.option).toBe(name);
    expect(READ_OPTIONS[name].askedBy).toContain(error.code satisfies ErrorCode);
  });

  it("is said of no other option", () => {
    expect(NAMES.filter((name) => READ_OPTIONS[name].askedBy.length > 0).sort()).toEqual(
      ["array", "channel", "frame", "index", "orientation", "series", "stack", "uneven"], // biome-ignore format: a line
    );
  });
});

describe("which formats use an option", () => {
  const COMMON: readonly string[] = ["modality", "maxBytes", "signal", "name", "companion"];
  const { cases }: { cases: Record<string, { files: Record<string, string> }> } = JSON.parse(
    readFileSync(new URL("reference/formats.json", import.meta.url), "utf8"),
  );
  const files = (key: string) => Object.entries(cases[key].files).map(([name, base64]) => bytesEntry(new Uint8Array(Buffer.from(base64, "base64")), name));

  it.each([
    ["dicom", [bytesEntry(slice(0, [1, 2, 3, 4]), "a.dcm")]],
    ["nifti", [bytesEntry(nifti(), "a.nii")]],
    ["nrrd", files("SimpleITK int16.nrrd")],
    ["nrrd", files("pynrrd apart.nhdr")],
    ["meta", [bytesEntry(new TextEncoder().encode("NDims = 2\nDimSize = 2 1\nElementType = MET_UCHAR\nElementDataFile = LOCAL\nab"), "a.mha")]],
    ["numpy", [bytesEntry(npy(2, 3, 4), "a.npy")]],
    ["numpy", files("fortran.npz")],
    ["mgh", files("no orientation.mgh")],
  ])("%s reads those that it says, and no other", async (id, [file, ...others]) => {
    const format = FORMATS.find((each) => each.id === id);
    const asked = new Set<string>();
    const options = new Proxy({}, { get: (_, name) => void asked.add(String(name)), has: () => false });
    const companions = companionsOf(file, { limit: 1e9, siblings: others });
    await format?.read({ name: file.name, files: [file], companions, options });
    const own = [...asked].filter((name) => !COMMON.includes(name));
    expect(format?.uses).toEqual(expect.arrayContaining(own));
    if (id !== "numpy" && id !== "nrrd") expect(own.sort()).toEqual([...(format?.uses ?? [])].sort());
  });
});

describe("what is not an option", () => {
  it("is refused, with those that there are", async () => {
    await refusal(() => readVolume(nifti(), { fame: 1 } as never), "OPTION_INVALID", /fame/, /frame/, /companion/);
  });

  it.each<[string, unknown, RegExp]>([
    ["frame", "1", /"1".*a whole number/],
    ["orientation", 3, /3.*letters/],
    ["spacing", [1, 2], /three numbers/],
    ["uneven", "interpolate", /"interpolate".*"resample"/],
    ["identity", "yes", /true or false/],
    ["signal", {}, /AbortSignal/],
    ["codecUrl", "https://a.b/", /a function/],
    ["companion", 7, /a source/],
  ])("nor a value of another type: %s", async (name, value, says) => {
    await refusal(() => readVolume(nifti(), { [name]: value } as never), "OPTION_INVALID", new RegExp(name), says);
  });
});

it("is the only place that lists them: no line of source elsewhere names five", () => {
  const lists = linesOfSource(/^packages\/io\/src\/(?:options\/|formats\/[a-z]+\/format\.ts)/).filter(
    ({ line }) => NAMES.filter((name) => line.includes(`"${name}"`)).length >= 5,
  );
  expect(lists).toEqual([]);
});
