// One scan or one patient in two splits is found however it is stored: other number types, axes, headers, formats, DICOM.

import path from "node:path";
import type { Volume } from "@anymc3d/core";
import { seededRandom } from "@anymc3d/core/learn";
import { slice } from "@anymc3d/testkit/dicom";
import { expect, test } from "vitest";
import type { TrainCase } from "../src/data/cases.js";
import { checkCases } from "../src/data/check-cases.js";
import { csvCases } from "../src/data/csv-cases.js";
import { isSameScan, scanMarks } from "../src/data/scan-marks.js";
import { binaryTask, folderOf } from "./build.js";

const N = 12;
const one = { task: binaryTask, sources: ["volume"] };

/** Noise, 12 × 12 × depth; of another patient by another seed. */
function scan(seed: number, depth = 9): Volume {
  const random = seededRandom(seed);
  const data = Int16Array.from({ length: N * N * depth }, () => Math.round(2000 * random()) - 1000);
  return { data, shape: [N, N, depth], affine: [-1, 0, 0, 5, 0, -1, 0, 6, 0, 0, 2, -7, 0, 0, 0, 1] };
}

/** The same in space, stored from the other end of its first and last axis. */
function flipped({ data, shape: [nx, ny, nz] }: Volume): Volume {
  const out = new Int16Array(data.length);
  for (let k = 0, v = 0; k < nz; k++) for (let j = 0; j < ny; j++) for (let i = 0; i < nx; i++, v++) out[nx - 1 - i + nx * (j + ny * (nz - 1 - k))] = data[v];
  return { data: out, shape: [nx, ny, nz], affine: [1, 0, 0, 5 - (nx - 1), 0, -1, 0, 6, 0, 0, -2, -7 + 2 * (nz - 1), 0, 0, 0, 1] };
}

/** Slices stored along the first axis. */
function exchanged({ data, shape: [nx, ny, nz] }: Volume): Volume {
  const out = new Float64Array(data.length);
  for (let k = 0, v = 0; k < nz; k++) for (let j = 0; j < ny; j++) for (let i = 0; i < nx; i++, v++) out[k + nz * (i + nx * j)] = data[v];
  return { data: out, shape: [nz, nx, ny], affine: [0, -1, 0, 5, 0, 0, -1, 6, 2, 0, 0, -7, 0, 0, 0, 1] };
}

/** As a folder of DICOM files. */
const dicom = ({ data, shape: [, , depth] }: Volume, name: string, patient: string, more: Parameters<typeof slice>[2] = {}) =>
  Object.fromEntries(
    Array.from({ length: depth }, (_, k) => [
      `${name}/${k}.dcm`,
      slice(2 * k, [...data.subarray(k * N * N, (k + 1) * N * N)], { "00100020": ["LO", patient], "0020000e": ["UI", `1.2.3.${name.length}`], ...more }),
    ]),
  );

async function faultsOf(files: Parameters<typeof folderOf>[0], rows: readonly string[]) {
  const folder = await folderOf({ "labels.csv": `path,group,split,sick\n${rows.join("\n")}\n`, ...files });
  const { cases } = await csvCases(path.join(folder, "labels.csv"), one);
  return checkCases(cases);
}

const other = { "other.nii": scan(2), "third.nii": scan(3) };
const rest = ["other.nii", "third.nii"].map((file, i) => `${file},g${i + 5},${i ? "val" : "train"},${i}`);

test.each<[string, Parameters<typeof folderOf>[0]]>([
  ["copy.nii", { "copy.nii": scan(1) }],
  ["copy.nii.gz", { "copy.nii.gz": flipped(scan(1)) }],
  ["copy.nii", { "copy.nii": { ...scan(1), data: Float32Array.from(scan(1).data) } }],
  ["copy.nrrd", { "copy.nrrd": exchanged(scan(1)) }],
  ["copy.nii", { "copy.nii": { ...scan(1), affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] } }],
  ["series", dicom(scan(1), "series", "P1")],
])("the same scan as %s in another split is refused; other scans are not", async (name, files) => {
  const { faults } = await faultsOf({ "scan.nii": scan(1), ...files, ...other }, ["scan.nii,a,train,1", `${name},b,val,1`, ...rest]);
  expect(faults.map(({ id, code, message }) => [id, code, message])).toEqual([
    [name, "DATA_INVALID", expect.stringContaining("has the same voxels as case scan.nii of the train split")],
  ]);
});

test("in one split, but in two groups, it is warned of; in one group it is not", async () => {
  const files = { "scan.nii": scan(1), "copy.nii": flipped(scan(1)), ...other };
  const two = await faultsOf(files, ["scan.nii,a,train,1", "copy.nii,b,train,1", ...rest]);
  expect([two.faults, two.warnings]).toEqual([
    [],
    [{ code: "SAME_PATIENT", message: expect.stringContaining("cases scan.nii and copy.nii: the same scan in two groups") }],
  ]);
  const same = await faultsOf(files, ["scan.nii,a,train,1", "copy.nii,a,train,1", ...rest]);
  expect([same.faults, same.warnings]).toEqual([[], []]);
});

test("one DICOM Patient ID in two splits is refused, in two groups warned of; the id is in no message and no volume", async () => {
  const files = { ...dicom(scan(1), "first", "SECRET-77"), ...dicom(scan(4), "second", " SECRET-77"), ...other };
  const split = await faultsOf(files, ["first,a,train,1", "second,b,val,1", ...rest]);
  expect(split.faults.map(({ id, message }) => [id, message])).toEqual([
    ["second", expect.stringContaining("has the DICOM Patient ID of case first of the train split")],
  ]);
  const grouped = await faultsOf(files, ["first,a,train,1", "second,b,train,1", ...rest]);
  expect(grouped.warnings).toEqual([{ code: "SAME_PATIENT", message: expect.stringContaining("cases first and second: one DICOM Patient ID in two groups") }]);
  const { volume } = await (split.cases.find(({ id }) => id === "first") as TrainCase).load();
  expect(volume.meta).not.toHaveProperty("patient");
  expect(JSON.stringify([split.faults, grouped.warnings, [...split.contents], volume.meta])).not.toContain("SECRET");
});

test("Patient IDs that are nearly the same, or of two issuers, are warned of by the cases' names; what the refusal says lifts it", async () => {
  const pair = async (a: [id: string, issuer?: string], b: [id: string, issuer?: string], rows = ["first,a,train,1", "second,b,val,1"]) => {
    const tags = ([id, issuer]: [string, string?]): Parameters<typeof slice>[2] => ({
      "00100020": ["LO", id],
      ...(issuer && { "00100021": ["LO", issuer] as const }),
    });
    const { faults, warnings } = await faultsOf({ ...dicom(scan(1), "first", "", tags(a)), ...dicom(scan(4), "second", "", tags(b)), ...other }, [
      ...rows,
      ...rest,
    ]);
    expect(JSON.stringify([faults, warnings])).not.toMatch(/SECRET|secret|HOSPITAL/);
    return [faults.length, ...warnings.map(({ code, message }) => `${code} ${message}`)];
  };
  const near = [0, expect.stringMatching(/^SAME_PATIENT cases first and second: DICOM Patient IDs that are nearly the same; .*one split and one group$/)];
  for (const [a, b] of [["SECRET23", "secret23"], ["0023", "23"], ["SECRET-7", "SECRET_07"], ["sub-23", "23"]]) expect(await pair([a], [b]), `${a} ${b}`).toEqual(near); // biome-ignore format: a line
  const issuers = [0, expect.stringMatching(/^SAME_PATIENT cases first and second: one DICOM Patient ID of two issuers/)];
  expect(await pair(["SECRET", "HOSPITAL 1"], ["SECRET", "HOSPITAL 2"])).toEqual(issuers);
  // One issuer, however it is spelt, or one that is not named.
  expect(await pair(["SECRET", "HOSPITAL 1"], ["SECRET", "hospital-1"])).toEqual([1]);
  expect(await pair(["SECRET", "HOSPITAL 1"], ["SECRET"])).toEqual([1]);
  expect(await pair(["SECRET23"], ["SECRET24"])).toEqual([0]);
  // One split and one group: nothing to say.
  const together = ["first,a,train,1", "second,a,train,1"];
  for (const [a, b] of [[["SECRET"], ["SECRET"]], [["SECRET23"], ["secret23"]], [["SECRET", "HOSPITAL 1"], ["SECRET", "HOSPITAL 2"]]] as [[string], [string]][]) // biome-ignore format: a line
    expect(await pair(a, b, together)).toEqual([0]);
});

test.each(["", "ANONYMOUS", "anon001".slice(0, 4), "0000", "Unknown", "N/A", "XXX", "De-identified", "REMOVED"])("the id %j is no one's", async (patient) => {
  const files = { ...dicom(scan(1), "first", patient), ...dicom(scan(4), "second", patient), ...other };
  const { faults, warnings } = await faultsOf(files, ["first,a,train,1", "second,b,val,1", ...rest]);
  expect([faults, warnings]).toEqual([[], []]);
});

test.each(["PATIENT7", "ANON0017", "10", "X1", "test-9"])("the id %s is someone's", async (patient) => {
  const files = { ...dicom(scan(1), "first", patient), ...dicom(scan(4), "second", patient), ...other };
  const { faults } = await faultsOf(files, ["first,a,train,1", "second,b,val,1", ...rest]);
  expect(faults).toHaveLength(1);
});

test("a test case is compared, too, and one that cannot be read is passed over", async () => {
  const folder = await folderOf({
    "labels.csv": `path,group,split,sick\nscan.nii,a,train,1\ncopy.nii,b,test,1\ngone.nii,c,test,0\n${rest.join("\n")}\n`,
    "scan.nii": scan(1),
    "copy.nii": flipped(scan(1)),
    ...other,
  });
  const { cases } = await csvCases(path.join(folder, "labels.csv"), one);
  const [apart, wanted] = [true, false].map((yes) => cases.filter(({ split }) => (split === "test") === yes));
  const { faults, cases: used } = await checkCases(wanted, { apart });
  expect([faults.map(({ id }) => id), used.length]).toEqual([["copy.nii"], 3]);
});

test("blanks in quotes, and a letter's two forms, are one group; nearly equal names are warned of", async () => {
  const table = (...groups: string[]) => `id,group,split,sick\n${groups.map((group, i) => `c${i},${group},${i % 2 ? "val" : "train"},${i % 2}`).join("\n")}\n`;
  for (const [a, b] of [["P23", '"P23 "'], ["P23", '"\u00a0P23"'], ["caf\u00e9", "cafe\u0301"]]) // biome-ignore format: a line
    await expect(csvCases(path.join(await folderOf({ "labels.csv": table(a, b) }), "labels.csv"), one)).rejects.toThrow(/a patient must be in one split only/);
  const { warnings } = await csvCases(path.join(await folderOf({ "labels.csv": table("P23", "p23") }), "labels.csv"), one);
  expect(warnings.map(({ code }) => code)).toEqual(["NEAR_GROUPS"]);
});

test("drawn splits keep nearly equal names together", async () => {
  const rows = Array.from({ length: 30 }, (_, i) => [`a${i},P${i},${i % 2}`, `b${i},p-0${i},${i % 2}`]).flat();
  const folder = await folderOf({ "labels.csv": `id,group,sick\n${rows.join("\n")}\n` });
  for (let seed = 0; seed < 5; seed++) {
    const { cases } = await csvCases(path.join(folder, "labels.csv"), { ...one, seed });
    const splitOf = new Map(cases.map(({ id, split }) => [id, split]));
    for (let i = 0; i < 30; i++) expect(splitOf.get(`a${i}`)).toBe(splitOf.get(`b${i}`));
    expect(cases.filter(({ split }) => split === "val")).toHaveLength(12);
  }
});

test("masks that differ by one voxel's place, and scans by a thousandth of one block, are not the same", () => {
  const mask = (at: number) => scanMarks({ data: Uint8Array.from({ length: 30 ** 3 }, (_, i) => (i === at ? 1 : 0)), shape: [30, 30, 30] });
  expect([isSameScan(mask(5), mask(5)), isSameScan(mask(5), mask(6)), isSameScan(mask(13_000), mask(13_001))]).toEqual([true, false, false]);
  const { data, shape } = scan(1);
  const changed = Float32Array.from(data);
  for (let i = 0; i < 4; i++) changed[i] += 1;
  expect(isSameScan(scanMarks({ data, shape }), scanMarks({ data: changed, shape }))).toBe(false);
});

test("float32 and float64 of values with fractions are the same scan", () => {
  const random = seededRandom(9);
  const data = Float64Array.from({ length: 20 * 21 * 22 }, () => 1000 * random() - 300);
  const shape = [20, 21, 22] as const;
  expect(isSameScan(scanMarks({ data, shape }), scanMarks({ data: Float32Array.from(data), shape }))).toBe(true);
});
