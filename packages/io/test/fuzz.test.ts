// Mutated files of every format: an AnyMC3DError or a volume that fits its shape, soon, in bounded memory. FUZZ=10000 for the whole.
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync, gzipSync } from "node:zlib";
import type { ErrorCode, Volume } from "@anymc3d/core";
import { dicomFile, type Elements, slice, type Value, words } from "@anymc3d/testkit/dicom";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { maskOf, type ReadOptions, readMgh, readMha, readNifti, readNrrd, readRegions, readVolume } from "../src/index.js";
import { counting, nifti } from "./build.js";
import { ODD } from "./dicom-odd.js";
import { type Fuzz, fuzz, MAX_BYTES, mutated, ROUNDS } from "./mutate.js";

const here = path.dirname(fileURLToPath(import.meta.url));
const { cases }: { cases: Record<string, { files: Record<string, string> }> } = JSON.parse(readFileSync(path.join(here, "reference/formats.json"), "utf8"));
/** Every file of the reference cases that ends so. */
const endingIn = (...endings: string[]): Uint8Array[] =>
  Object.values(cases)
    .flatMap(({ files }) => Object.entries(files))
    .flatMap(([name, base64]) => (endings.some((ending) => name.endsWith(ending)) ? [Uint8Array.from(Buffer.from(base64, "base64"))] : []));

const dicomFixture = (name: string): Uint8Array => Uint8Array.from(readFileSync(path.join(here, `fixtures/dicom/${name}.dcm`)));
const bounds: ReadOptions = { maxBytes: MAX_BYTES };
const options: ReadOptions = { ...bounds, frame: 0, channel: 0 };
/** Milliseconds for all rounds of one format. */
const TIME = 400_000 + 60 * ROUNDS;
const anyBytes = counting(60);
const list = Object.entries(cases["list.nhdr"].files).map(([name, base64]) => new File([Buffer.from(base64, "base64")], name));

const oddFiles = (names: RegExp): Uint8Array[] => Object.entries(ODD).flatMap(([name, each]) => (names.test(name) ? [each.file] : []));
/** Slices of a series, a file each. */
const folder = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => slice(3 * i, [1, 2, 3, 4], { "00200013": ["IS", i + 1], "00080032": ["TM", String(101000 + i)] }));
const zipOf = (level: 0 | 6, files: readonly Uint8Array[]): Uint8Array =>
  zipSync(Object.fromEntries(files.map((bytes, i) => [`scan/${i}.dcm`, [bytes, { level }]])));
/** An enhanced MR of three places at two times. */
function enhanced(implicit: boolean): Uint8Array {
  const group = (i: number): Elements => ({
    "00209111": ["SQ", [{ "00209128": ["UL", Math.floor(i / 3) + 1], "00209157": ["UL", [1, (i % 3) + 1, Math.floor(i / 3) + 1]] }]],
    "00209113": ["SQ", [{ "00200032": ["DS", [0, 0, 2 * (i % 3)]] }]],
    "00289145": ["SQ", [{ "00281052": ["DS", i], "00281053": ["DS", 1.5] }]],
  });
  const more: Record<string, readonly [string, Value] | undefined> = {
    "00080016": ["UI", "1.2.840.10008.5.1.4.1.1.4.1"],
    "00080060": ["CS", "MR"],
    "00200032": undefined,
    "00200037": undefined,
    "00280008": ["IS", 6],
    "00280030": undefined,
    "00281052": undefined,
    "00281053": undefined,
    "52009229": ["SQ", [{ "00209116": ["SQ", [{ "00200037": ["DS", [1, 0, 0, 0, 1, 0]] }]], "00289110": ["SQ", [{ "00280030": ["DS", [1, 1]] }]] }]],
    "52009230": ["SQ", Array.from({ length: 6 }, (_, i) => group(i))],
    "7fe00010": ["OW", words(Array.from({ length: 24 }, (_, i) => i))],
  };
  return slice(0, [0, 0, 0, 0], more, { implicit });
}
const deflatedSlice = (): Uint8Array =>
  Uint8Array.from(
    Buffer.concat([
      dicomFile({}, { syntax: "1.2.840.10008.1.2.1.99" }),
      deflateRawSync(slice(0, [1, 2, 3, 4], { "00180050": ["DS", 1] }, { preamble: false })),
    ]),
  );
/** NRRD headers that have among them every field of the format, and every way to say where the voxels are. */
function everyField(): Uint8Array[] {
  const start = "NRRD0005\n# made by hand\ntype: short\ndimension: 3\nsizes: 4 3 2\nendian: little\n";
  const about = 'content: a: b\nnumber: 24\nmin: 0\nmax: 23\nold min: -1\nold max: 1\nsample units: "HU"\nlabels: "x" "y" "z"\nkey:=a\\nvalue\n';
  const space = `space: LPS\nspace directions: (1,0,0) (0,2,0) (0,0,3)\nspace origin: (4,5,6)\nspace units: "mm" "mm" "mm"\nmeasurement frame: (1,0,0) (0,1,0) (0,0,1)\n`;
  const axes = 'spacings: 1 2 nan\nthicknesses: 1 nan 2\naxis mins: 0 0 0\naxis maxs: 4 3 nan\ncenters: cell node none\nunits: "mm" "cm" "mm"\n';
  const kinds = "space dimension: 3\nkinds: domain space domain\nspace directions: (1,0,0) none (0,0,3)\n".replace("none", "(0,1,0)");
  const segments = "Segment0_ID:=a\nSegment0_Name:=Liver\nSegment0_LabelValue:=3\nSegment0_Layer:=0\n";
  const of = (text: string, data: Uint8Array) => Uint8Array.from(Buffer.concat([Buffer.from(`${start}${text}\n`), data]));
  const raw = counting(24);
  return [
    of(`${about}${space}encoding: raw\nblock size: 2\n`, raw),
    of(`${axes}${about}encoding: gzip\nbyte skip: 2\n`, gzipSync(Buffer.concat([Buffer.alloc(2), raw]))),
    of(`${kinds}encoding: raw\nline skip: 1\nbyte skip: 3\n`, Buffer.concat([Buffer.from("a line\nabc"), raw])),
    of(`${segments}${space}encoding: text\n`, Buffer.from(Array.from({ length: 24 }, (_, i) => i).join(" "))),
    of(`${axes}encoding: hex\n`, Buffer.from(Buffer.from(raw).toString("hex"))),
    of(`${space}encoding: raw\nbyte skip: -1\n`, Buffer.concat([Buffer.alloc(9), raw])),
  ];
}

/** Zips of a volume in each format, stored and deflated; one of a header with its data file. */
function zips(): Uint8Array[] {
  const nrrd = everyField()[0];
  const [header, ...data] = Object.entries(cases["list.nhdr"].files).map(([name, base64]) => [name, Uint8Array.from(Buffer.from(base64, "base64"))] as const);
  return [
    zipSync({ "a.nii": nifti() }),
    zipSync({ "a.nii.gz": gzipSync(nifti()) }, { level: 0 }),
    zipSync({ "a.nrrd": nrrd, "notes.txt": new Uint8Array(9) }),
    zipSync({ "a.mha": endingIn(".mha")[0] }),
    zipSync({ "a.npy": endingIn(".npy")[0] }),
    zipSync(Object.fromEntries([header, ...data])),
  ];
}

/** As other programs write them, a table of points, 3D Slicer's markups. */
function regionFiles(): Uint8Array[] {
  const { scan: _, ...files }: Record<string, { file: string }> = JSON.parse(readFileSync(path.join(here, "reference/regions.json"), "utf8"));
  const controlPoints = [{ label: "F-1", position: [1, 2, 3] }, { position: [4, 5, 6] }];
  const box = { type: "ROI", center: [1, 2, 3], size: [4, 5, 6], orientation: [1, 0, 0, 0, 1, 0, 0, 0, 1] };
  const markups = JSON.stringify({ markups: [{ type: "Line", coordinateSystem: "LPS", controlPoints }, { type: "Fiducial", controlPoints }, box] });
  const table = 'name,x,y,z,size,space\nnodule,10,-20,30.5,12,LPS\n"a, b",1,2,3,,voxel\n';
  return [
    ...Object.values(files).map(({ file }) => Uint8Array.from(Buffer.from(file, "base64"))),
    ...[markups, table].map((text) => new TextEncoder().encode(text)),
  ];
}

/** The mask of the first region that has one; a voxel where none has. All of them are looked at. */
async function firstMask(bytes: Uint8Array): Promise<Volume> {
  const { regions } = await readRegions(bytes, bounds);
  const grid = { shape: [24, 20, 12] as const, affine: [-1.5, 0, 0, 15, 0, -1.2, 0.5, -30, 0, 0.5, 2.8, -40, 0, 0, 0, 1] };
  for (const { error, point, box } of regions)
    if (!error && ![...(point ?? []), ...(box?.flat() ?? [])].every(Number.isFinite)) throw new Error("a place that is none");
  const marked = regions.find(({ error, mask, contours }) => !error && (mask || contours));
  return marked ? maskOf(marked, grid) : { data: new Uint8Array(1), shape: [1, 1, 1] };
}

const niftis = [nifti(), nifti({ version: 2, little: false }), nifti({ dims: [2, 2, 2, 3] }), nifti({ sform: 0, qform: 1, slope: 2 })];
const FORMATS: Record<string, Omit<Fuzz, "name"> & { codes: (ErrorCode | "volume")[] }> = {
  NIfTI: {
    seeds: [...niftis, ...niftis.map((bytes) => gzipSync(bytes))],
    read: (bytes) => readNifti(bytes, options),
    codes: ["volume", "FORMAT_UNKNOWN", "FORMAT_INVALID", "FILE_TRUNCATED"],
  },
  "NIfTI and ANALYZE pairs": {
    seeds: [nifti({ magic: "ni1\0", offset: 0 }), nifti({ magic: "\0\0\0\0", offset: 0 })],
    read: (bytes) => readNifti(bytes, { ...options, orientation: "LAS", companion: counting(64) }),
    codes: ["volume", "FORMAT_UNKNOWN", "FORMAT_INVALID", "FILE_TRUNCATED"],
  },
  NRRD: {
    seeds: endingIn(".nrrd"),
    read: (bytes) => readNrrd(bytes, options),
    codes: ["volume", "FORMAT_INVALID", "FILE_TRUNCATED", "GEOMETRY_INVALID"],
  },
  "NRRD, every field": {
    seeds: everyField(),
    read: (bytes) => readNrrd(bytes, { ...bounds, frame: 0 }),
    codes: ["volume", "FORMAT_INVALID", "FILE_TRUNCATED"],
  },
  zips: {
    seeds: zips(),
    read: (bytes) => readVolume(bytes, bounds),
    codes: ["volume", "FORMAT_INVALID", "FILE_TRUNCATED", "FORMAT_UNKNOWN"],
  },
  NHDR: {
    seeds: endingIn(".nhdr"),
    read: (bytes) => readNrrd(bytes, { ...options, companion: list }),
    codes: ["FORMAT_INVALID", "FILE_TRUNCATED", "FILE_NOT_FOUND"],
  },
  "NRRD, its compressed data": {
    seeds: endingIn(".raw.gz"),
    read: (bytes) => readNrrd(Buffer.from(cases["SimpleITK packed.nhdr"].files["packed.nhdr"], "base64"), { ...options, companion: bytes }),
    codes: ["volume", "FORMAT_INVALID", "FILE_TRUNCATED"],
  },
  DICOM: {
    seeds: [
      ...["raw-12", "rle-16s", "jpeg-lossless-sv1", "jpeg-lossless-6", "jpeg-extended", "jpeg-ls", "jpeg-2000", "htj2k"].map((name) => dicomFixture(name)),
      slice(0, [1, 2, 3, 4], {}, { implicit: true }),
      slice(0, [1, 2, 3, 4], {}, { big: true }),
    ],
    read: (bytes) => readVolume(bytes, { ...bounds, frame: 0 }),
    codes: ["volume", "FORMAT_UNKNOWN", "FORMAT_INVALID", "FILE_TRUNCATED", "CHANNELS_UNSUPPORTED"],
  },
  "DICOM, segmentations": {
    seeds: oddFiles(/^SEG/),
    read: (bytes) => readVolume(bytes, options),
    codes: ["volume", "FORMAT_UNKNOWN", "FORMAT_INVALID", "FILE_TRUNCATED", "GEOMETRY_INVALID"],
  },
  "DICOM, mosaics, nuclear medicine and enhanced files": {
    seeds: [...oddFiles(/^(?:mosaic|NM|explicit|implicit)/), enhanced(false), enhanced(true), deflatedSlice()],
    read: (bytes) => readVolume(bytes, options),
    codes: ["volume", "FORMAT_UNKNOWN", "FORMAT_INVALID", "FILE_TRUNCATED", "GEOMETRY_INVALID"],
  },
  "zips of DICOM folders": {
    seeds: [0, 6].map((level) => zipOf(level as 0 | 6, folder(4))),
    read: (bytes) => readVolume(bytes, options),
    codes: ["volume", "FORMAT_UNKNOWN", "FORMAT_INVALID"],
  },
  "DICOM folders, a file of which is mutated": {
    seeds: folder(4),
    read: (bytes) => readVolume([...folder(4).slice(1), bytes], options),
    codes: ["volume", "FORMAT_INVALID", "FILE_TRUNCATED", "GEOMETRY_INVALID", "SERIES_REQUIRED", "CHANNELS_UNSUPPORTED"],
  },
  MHA: {
    seeds: endingIn(".mha"),
    read: (bytes) => readMha(bytes, options),
    codes: ["volume", "FORMAT_INVALID", "FILE_TRUNCATED", "GEOMETRY_INVALID"],
  },
  MHD: {
    seeds: endingIn(".mhd"),
    read: (bytes) => readMha(bytes, { ...options, companion: anyBytes }),
    codes: ["FORMAT_INVALID"],
  },
  MGH: {
    seeds: endingIn(".mgh", ".mgz"),
    read: (bytes) => readMgh(bytes, { ...bounds, frame: 0 }),
    codes: ["volume", "FORMAT_UNKNOWN", "FORMAT_INVALID", "FILE_TRUNCATED"],
  },
  NPY: { seeds: endingIn(".npy"), read: (bytes) => readVolume(bytes, { ...bounds, index: 0 }), codes: ["volume", "FORMAT_INVALID", "FILE_TRUNCATED"] },
  "NPZ, one array": {
    seeds: endingIn("fortran.npz"),
    read: (bytes) => readVolume(bytes, { ...bounds, index: 0 }),
    codes: ["volume", "FORMAT_INVALID", "FILE_TRUNCATED"],
  },
  "NPZ, of many": {
    seeds: endingIn("mnist.npz"),
    read: (bytes) => readVolume(bytes, { ...bounds, array: "train_images[3]" }),
    codes: ["volume", "FORMAT_INVALID", "FILE_TRUNCATED", "OPTION_INVALID"],
  },
  "files of regions": {
    seeds: regionFiles(),
    read: firstMask,
    codes: ["volume", "FORMAT_UNKNOWN", "FORMAT_INVALID", "FILE_TRUNCATED", "REGION_INVALID"],
  },
  "any, by its content": {
    seeds: [...niftis, ...endingIn(".nrrd", ".mha", ".mgh", ".mgz", ".npy", ".npz", ".nhdr", ".mhd")],
    read: (bytes) => readVolume(bytes, bounds),
    codes: ["volume", "FORMAT_UNKNOWN", "FORMAT_INVALID", "FILE_TRUNCATED"],
  },
};

describe("mutated files", () => {
  it("are the same for the same numbers", () => {
    const seeds = [nifti(), gzipSync(nifti())];
    for (let round = 0; round < 40; round++) expect(mutated(seeds, 3, round)).toEqual(mutated(seeds, 3, round));
    expect(mutated(seeds, 3, 0)).not.toEqual(mutated(seeds, 4, 0));
  });

  it.each(Object.keys(FORMATS))(
    "%s",
    async (name) => {
      const { codes, ...what } = FORMATS[name];
      expect(what.seeds.length).toBeGreaterThan(0);
      const seen = await fuzz({ name, ...what });
      if (process.env.FUZZ) console.log(name, Object.fromEntries(seen));
      for (const code of codes) expect(seen.get(code), code).toBeGreaterThan(0);
    },
    TIME,
  );
});
