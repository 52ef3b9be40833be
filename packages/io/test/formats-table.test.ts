// The table of formats: every format has a line in it and nothing else lists formats; bytes are told by one format; what a set of files is read as.
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FORMATS, formatOf } from "../src/formats/index.js";
import { endingOf, readVolume, sampleEndings, scanEndings, stemOf, writableEndings } from "../src/index.js";
import { nifti, refusal } from "./build.js";
import { linesOfSource } from "./source-lines.js";

const here = path.dirname(fileURLToPath(import.meta.url));
const reference: { cases: Record<string, { files: Record<string, string> }> } = JSON.parse(readFileSync(path.join(here, "reference/formats.json"), "utf8"));
const bytesOf = (key: string, file: string) => new Uint8Array(Buffer.from(reference.cases[key].files[file], "base64"));

describe("the table", () => {
  it("has a line for every folder, and a folder for every line", () => {
    const folders = readdirSync(path.join(here, "../src/formats"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(FORMATS.map(({ id }) => id).sort()).toEqual(folders.map(({ name }) => name).sort());
  });

  it("gives an ending to one format only, and writes what it says it writes", () => {
    const endings = FORMATS.flatMap((format) => format.endings.map(({ ending }) => ending));
    expect(new Set(endings).size).toBe(endings.length);
    for (const { endings: own, write } of FORMATS) expect(own.some(({ writes }) => writes)).toBe(write !== undefined);
  });

  it("is the only place that lists formats: no line of source elsewhere names the endings of three", () => {
    const wordsOf = FORMATS.map(({ endings }) => [...new Set(endings.map(({ ending }) => ending.split(".")[1]))]);
    const named = (line: string) => wordsOf.filter((words) => words.some((word) => new RegExp(`[^a-z]${word}[^a-z]`).test(line))).length;
    const lists = linesOfSource(/^packages\/io\/src\/formats\/[a-z]+\//).filter(({ line }) => named(line) >= 3);
    expect(lists).toEqual([]);
  });
});

describe("names", () => {
  it("in any case of letters, the longest ending first", () => {
    expect(["a.nii.gz", "A.NII.GZ", "b.mhd", "c.IMA", "d.img", "e.npz", "f.zip"].map((name) => endingOf(name)?.holds)).toEqual(
      ["volume", "volume", "header", "slice", "voxels", "volume", undefined], // biome-ignore format: a line
    );
    expect(["a.b.nii.gz", "scan.NRRD", "x.zip", "IM0001", "y.tar.gz"].map(stemOf)).toEqual(["a.b", "scan", "x", "IM0001", "y.tar.gz"]);
  });

  it("of scans, of what is written, of samples", () => {
    expect(scanEndings()).toEqual(
      expect.arrayContaining([".nii", ".nii.gz", ".hdr", ".nrrd", ".nhdr", ".mha", ".mhd", ".mgh", ".mgz", ".npy", ".dcm", ".zip"]),
    );
    expect(scanEndings()).not.toContain(".img");
    expect(writableEndings()).toEqual([".nii", ".nii.gz", ".nrrd"]);
    expect(sampleEndings()).toEqual([".nii", ".nii.gz", ".nrrd", ".npy"]);
  });
});

describe("bytes", () => {
  it.each([
    ["SimpleITK int16.mha", "meta"],
    ["SimpleITK int16.nrrd", "nrrd"],
    ["nibabel uint8.mgh", "mgh"],
    ["analyze", "nifti"],
    ["a.npy", "numpy"],
    ["mnist.npz", "numpy"],
  ])("of %s are of one format, surely", (key, id) => {
    const bytes = bytesOf(key, Object.keys(reference.cases[key].files)[0]);
    expect(FORMATS.filter(({ sniff }) => sniff(bytes) === "sure").map((format) => format.id)).toEqual([id]);
    expect(formatOf(bytes)?.id).toBe(id);
  });
});

describe("a set of files", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "io-set-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const pair = () => Object.fromEntries(Object.keys(reference.cases["SimpleITK pair.mhd"].files).map((file) => [file, bytesOf("SimpleITK pair.mhd", file)]));

  it("in a zip: a header finds its data beside it, at the top as in a folder", async () => {
    const values = await readVolume(Object.entries(pair()).map(([name, bytes]) => new File([bytes], name)));
    for (const at of ["", "scans/a/"]) {
      const zip = zipSync(Object.fromEntries(Object.entries(pair()).map(([name, bytes]) => [at + name, bytes])));
      expect([...(await readVolume(zip)).data]).toEqual([...values.data]);
    }
  });

  it("in a folder: its one volume, among other files; refused where there are two", async () => {
    await writeFile(path.join(folder, "scan.nii"), nifti());
    await writeFile(path.join(folder, "notes.txt"), "none");
    expect((await readVolume(folder)).data[63]).toBe(63);
    await writeFile(path.join(folder, "other.nii"), nifti());
    await refusal(() => readVolume(folder), "FORMAT_UNKNOWN", /no DICOM image/);
  });

  it("in a list: the one volume", async () => {
    const scan = new File([nifti() as Uint8Array<ArrayBuffer>], "scan.nii");
    expect((await readVolume([scan, new File(["none"], "notes.txt")])).data[63]).toBe(63);
    await refusal(() => readVolume([scan, scan]), "OPTION_INVALID", /2 files with 0 headers/);
  });
});
