// What is written reads back as it was, and is written whole or not at all.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Volume, VoxelArray } from "@anymc3d/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readNifti, readNrrd, readVolume, writeNifti, writeNrrd, writeVolume } from "../src/index.js";
import { near, random, refusal } from "./build.js";

const shape = [3, 4, 5] as const;
const next = random(3);
const rotated = (flip: 1 | -1) => {
  const [c, s] = [Math.cos(0.4), Math.sin(0.4)];
  return [0.7 * c, -0.8 * s, 0, -31.5, 0.7 * s, 0.8 * c, 0, 12.25, 0, 0, flip * 2.5, 101.125, 0, 0, 0, 1];
};
const at = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset);
const forms = (bytes: Uint8Array) => [at(bytes).getInt16(252, true), at(bytes).getInt16(254, true)];

describe("a segmentation stays one", () => {
  const map = (labels?: Volume["labels"]): Volume => ({ data: Uint8Array.of(0, 1, 3), shape: [3, 1, 1], affine: rotated(1), ...(labels && { labels }) });
  const names = { 1: "Liver: left\nlobe", 3: "C:\\new", 4: "Läsion" };
  it("in NIfTI by the label intent, at byte 68 of the header; names have no place in it", async () => {
    expect([map({}), map(names), map()].map((volume) => at(writeNifti(volume)).getInt16(68, true))).toEqual([1002, 1002, 0]);
    expect((await readNifti(writeNifti(map(names)))).labels).toEqual({});
    expect((await readNifti(writeNifti(map()))).labels).toBeUndefined();
  });
  it("in NRRD by Slicer's keys, with the names, also none and odd ones", async () => {
    for (const labels of [names, {}, { 1: "" }] as Record<string, string>[]) expect((await readNrrd(await writeNrrd(map(labels)))).labels).toEqual(labels);
    expect((await readNrrd(await writeNrrd(map()))).labels).toBeUndefined();
    const text = new TextDecoder().decode(await writeNrrd(map({ 3: "Spleen" }), { encoding: "raw" }));
    for (const line of ["Segment0_ID:=Segment_1", "Segment0_Name:=Spleen", "Segment0_LabelValue:=3", "Segment0_Layer:=0"])
      expect(text).toContain(`\n${line}\n`);
  });
});

describe("writeNifti", () => {
  it.each([Uint8Array, Int8Array, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array])("keeps %o", async (Type) => {
    const data: VoxelArray = new Type(Array.from({ length: 60 }, () => (next() - 0.5) * 1e9));
    const back = await readNifti(writeNifti({ data, shape, affine: rotated(1) }));
    expect(back.data).toBeInstanceOf(Type);
    expect([...back.data]).toEqual([...data]);
    expect(back.shape).toEqual(shape);
    expect(back.notes).toBeUndefined();
  });

  it.each<[string, number[], number]>([
    ["right angles", rotated(1), 1],
    ["right angles, left-handed", rotated(-1), 1],
    ["180 degrees", [-1, 0, 0, 5, 0, -2, 0, 6, 0, 0, 3, 7, 0, 0, 0, 1], 1],
    ["axes exchanged", [0, 0, 3, 5, -1, 0, 0, 6, 0, 2, 0, 7, 0, 0, 0, 1], 1],
    ["shear", [1, 0, 0.9, 0, 0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1], 0],
  ])("writes the affine in both forms where both can hold it: %s", async (_, affine, qform) => {
    const bytes = writeNifti({ data: new Uint8Array(60), shape, affine });
    expect(forms(bytes)).toEqual([qform, 1]);
    const back = await readNifti(bytes);
    near(back.affine, affine, 5);
    if (!qform) return;
    at(bytes).setInt16(254, 0, true);
    const fromQform = await readNifti(bytes);
    near(fromQform.affine, affine, 5);
  });

  it("sets units, slope, and the range of float data", () => {
    const bytes = writeNifti({ data: Float32Array.of(Number.NaN, -2, 5), shape: [3, 1, 1], affine: rotated(1) });
    expect(bytes[123]).toBe(2);
    expect([112, 116, 124, 128].map((where) => at(bytes).getFloat32(where, true))).toEqual([1, 0, 5, -2]);
  });

  it("writes a volume without affine as one without orientation", async () => {
    const bytes = writeNifti({ data: new Uint8Array(60), shape });
    expect(forms(bytes)).toEqual([0, 0]);
    expect((await readNifti(bytes)).notes?.[0].code).toBe("NIFTI_NO_ORIENTATION");
  });

  it("writes a view into a larger buffer", async () => {
    const data = new Int16Array(Int16Array.from({ length: 100 }, (_, i) => i).buffer, 20, 60);
    expect((await readNifti(writeNifti({ data, shape, affine: rotated(1) }))).data[0]).toBe(10);
  });

  it("refuses what is no volume", async () => {
    const data = new Uint8Array(60);
    const bad = (volume: unknown) => () => writeNifti(volume as Volume);
    await refusal(bad({ data, shape: [3, 4, 6] }), "VOLUME_INVALID", /60 voxels/, /72/);
    await refusal(bad({ data, shape: [60, 1] }), "VOLUME_INVALID", /three/);
    await refusal(bad({ data: new Uint8Array(32768), shape: [32768, 1, 1] }), "VOLUME_INVALID", /32767/);
    await refusal(bad({ data: [1, 2], shape: [2, 1, 1] }), "VOLUME_INVALID", /Array/);
    await refusal(bad({ data, shape, affine: Array(16).fill(0) }), "GEOMETRY_INVALID");
    await refusal(bad({ data, shape, affine: [1, 2, 3] }), "GEOMETRY_INVALID");
    await refusal(bad({ data, shape, affine: rotated(1).with(3, Number.NaN) }), "GEOMETRY_INVALID", /NaN/);
  });
});

describe("writeVolume", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "io-write-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const volume: Volume = { data: Float32Array.from({ length: 60 }, (_, i) => i / 7), shape, affine: rotated(-1) };

  it.each(["a.nii", "a.nii.gz"])("writes %s, compressed by its ending, also over an older file", async (name) => {
    const file = path.join(folder, name);
    await writeFile(file, "old");
    await writeVolume(file, volume);
    const bytes = await readFile(file);
    expect(bytes[0] === 0x1f).toBe(name.endsWith(".gz"));
    expect([...(await readVolume(file)).data]).toEqual([...volume.data]);
    expect((await readdir(folder)).filter((each) => each.includes("tmp"))).toEqual([]);
  });

  it("names the folder that cannot be written to, and leaves nothing behind", async () => {
    const none = path.join(folder, "none");
    await refusal(() => writeVolume(path.join(none, "a.nii"), volume), "OUTPUT_NOT_WRITABLE", none, /does not exist/);
    const inFile = path.join(folder, "file");
    await writeFile(inFile, "");
    await refusal(() => writeVolume(path.join(inFile, "a.nii"), volume), "OUTPUT_NOT_WRITABLE", inFile);
    const before = await readdir(folder);
    const sub = await mkdtemp(path.join(folder, "sub-"));
    await mkdir(path.join(sub, "taken.nii"));
    await refusal(() => writeVolume(path.join(sub, "taken.nii"), volume), "OUTPUT_NOT_WRITABLE", sub, /target is a folder/);
    expect(await readdir(sub)).toEqual(["taken.nii"]);
    expect((await readdir(folder)).length).toBe(before.length + 1);
  });

  it("refuses another ending, and stops at an abort without a trace", async () => {
    await refusal(() => writeVolume(path.join(folder, "a.mha"), volume), "OPTION_INVALID", /\.nii, \.nii\.gz or \.nrrd/);
    const reason = new Error("stop");
    await expect(writeVolume(path.join(folder, "b.nii"), volume, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await readdir(folder)).not.toContain("b.nii");
  });
});
