// The same files in headless Chromium: the same voxels as the programs that wrote them read, nothing fetched from elsewhere.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync, gzipSync } from "node:zlib";
import { type Harness, hasChromium, startHarness } from "@anymc3d/testkit/browser/harness";
import { dicomFile, slice } from "@anymc3d/testkit/dicom";
import { zipSync } from "fflate";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { concat, counting, near, nifti, npy } from "./build.js";
import { ODD } from "./dicom-odd.js";

if (!hasChromium) console.warn("SKIPPED: reading volumes in a browser, no Chromium at /usr/bin/chromium or $CHROMIUM");

const here = path.dirname(fileURLToPath(import.meta.url));
const shared = path.resolve(here, "../../../../shared/data/io");
const json = (name: string) => JSON.parse(readFileSync(path.join(here, "reference", name), "utf8"));
const file = (full: string) => [path.basename(full), readFileSync(full).toString("base64")] as const;

describe.skipIf(!hasChromium)("in Chromium", () => {
  let harness: Harness;
  let page: Page;
  beforeAll(async () => {
    harness = await startHarness(path.join(here, "browser-entry.ts"));
    page = await harness.page();
  });
  afterAll(() => harness?.close());
  const read = (files: readonly (readonly [string, string])[], options = {}) => page.evaluate(([f, o]) => anymc3d.read(f, o), [files, options] as const);

  const syntaxes: Record<string, { sha256: string }> = json("syntaxes.json");
  it.each(Object.keys(syntaxes))("DICOM, %s", async (name) => {
    expect(await read([file(path.join(here, "fixtures/dicom", name))])).toMatchObject({ sha256: syntaxes[name].sha256 });
  });

  const { cases }: { cases: Record<string, { files: Record<string, string>; values?: number[] }> } = json("formats.json");
  const hash = (values: readonly number[]) =>
    createHash("sha256")
      .update(Buffer.from(Float32Array.from(values).buffer))
      .digest("hex");
  // Those that need no choice; formats.test.ts reads the others.
  const readable = Object.entries(cases).flatMap(([name, { files, values }]) =>
    values?.every(Number.isFinite) && !/channels|frames|analyze|mnist/.test(name) ? [[name, files, values] as const] : [],
  );
  it.each(readable)("%s", async (_, files, values) => {
    expect(await read(Object.entries(files))).toMatchObject({ sha256: hash(values) });
  });

  it.each(Object.entries(ODD))("DICOM, %s: as other programs read it, or refused", async (name, { file, options, shape, values, affine = [], says }) => {
    const found = await read([[name, Buffer.from(file).toString("base64")]], options);
    if (!values) {
      expect(found).toMatchObject({ code: expect.stringMatching(/GEOMETRY_INVALID|FRAME_REQUIRED/), message: expect.stringMatching(new RegExp(says ?? "-")) });
      return;
    }
    expect(found.shape).toEqual(shape);
    near(found.data, values, 6);
    near(found.affine, affine, 5);
  });

  it("DICOM, a deflated data set that unpacks to far more than its header needs", async () => {
    const body = slice(0, [1, 2, 3, 4], { "7fe00010": ["OW", new Uint8Array(2 ** 28)] }, { preamble: false });
    const bomb = Buffer.concat([dicomFile({}, { syntax: "1.2.840.10008.1.2.1.99" }), deflateRawSync(body, { level: 1 })]);
    expect(await read([["bomb.dcm", bomb.toString("base64")]])).toMatchObject({ code: "FORMAT_INVALID", message: expect.stringContaining("far more") });
  });

  interface Marked {
    readonly file: string;
    readonly kind: string;
    readonly regions: readonly { name: string; count?: number; point?: number[]; error?: string }[];
    readonly grid?: { readonly shape: readonly [number, number, number]; readonly affine: readonly number[] };
  }
  const { scan: _, ...regions }: Record<string, Marked> = json("regions.json");
  it.each(Object.entries(regions))("regions, %s: as the program that wrote them was told", async (_, { file, kind, regions, grid }) => {
    const found = await page.evaluate(([f, g]) => anymc3d.regions("regions.dcm", f, g), [file, grid] as const);
    expect(found.kind).toBe(kind);
    expect(found.regions.map(({ name }: { name: string }) => name)).toEqual(regions.map(({ name }) => name));
    for (const [i, { count, point, error }] of regions.entries()) {
      expect(found.regions[i].code).toBe(error ? "REGION_INVALID" : undefined);
      if (count !== undefined) expect(found.regions[i].count).toBe(count);
      if (point) near(found.regions[i].point, point, 2);
    }
  });

  it("regions, a table of points", async () => {
    const table = Buffer.from("x,y,z,space\n1,2,3,LPS\n").toString("base64");
    expect(await page.evaluate((f) => anymc3d.regions("points.csv", f), table)).toMatchObject({
      kind: "csv",
      regions: [{ name: "row 1", point: [-1, -2, 3] }],
    });
  });

  const dicom: Record<string, { sha256?: string; error?: string }> = json("dicom.json");
  it.skipIf(!existsSync(shared)).each(Object.entries(dicom))("real file %s: pydicom's voxels, or refused", async (name, { sha256 }) => {
    expect(await read([file(path.join(shared, name))])).toMatchObject(sha256 ? { sha256 } : { code: expect.stringMatching(/FILE_TRUNCATED|FORMAT_INVALID/) });
  });

  const others: Record<string, { sha256: string[]; array?: string }> = json("shared.json");
  const plain = Object.entries(others).filter(([, { array }]) => array === undefined);
  it.skipIf(!existsSync(shared)).each(plain)("real file %s: the voxels of SimpleITK and nibabel", async (name, { sha256 }) => {
    for (const [frame, hash] of sha256.entries())
      expect(await read([file(path.join(shared, "..", name))], sha256.length > 1 ? { frame } : {})).toMatchObject({ sha256: hash });
  });

  it.skipIf(!existsSync(shared))("a real series as a list of files; a damaged file refused by name", async () => {
    const folder = path.join(shared, "ct-head-tilted");
    const files = readdirSync(folder).map((name) => file(path.join(folder, name)));
    const found = await read(files, { uneven: "resample" });
    expect(found.shape).toEqual([512, 512, 37]);
    const cut = files.map(([name, base64], i) => [name, i === 3 ? base64.slice(0, 400_000) : base64] as const);
    expect(await read(cut)).toMatchObject({ code: "FILE_TRUNCATED", message: expect.stringContaining("04.dcm") });
  });

  const nrrd = (lines: string, data: Uint8Array = counting(24)) =>
    Buffer.concat([Buffer.from(`NRRD0001\ntype: short\ndimension: 3\nsizes: 4 3 2\nendian: little\n${lines}\n`), data]);
  const given = (name: string, bytes: Uint8Array) => [[name, Buffer.from(bytes).toString("base64")] as const];
  it("voxel sizes without an orientation are kept; what the caller says is honoured or refused", async () => {
    const scan = given("a.nrrd", nrrd("encoding: raw\nspacings: 0.7 0.7 1.2\n"));
    expect(((await read(scan)) as { affine: number[] }).affine.filter((_, i) => i % 5 === 0)).toEqual([-0.7, -0.7, 1.2, 1]);
    expect(((await read(scan, { orientation: "RAS" })) as { affine: number[] }).affine.filter((_, i) => i % 5 === 0)).toEqual([0.7, 0.7, 1.2, 1]);
    expect(await read(scan, { spacing: [1, 1, 1] })).toMatchObject({ code: "OPTION_INVALID" });
    expect(await read(scan, { array: "a" })).toMatchObject({ code: "OPTION_INVALID" });
  });

  it("padding is known where it is, also as a lossy codec left it and between uneven slices; label numbers are whole", async () => {
    const lossy = { "00282110": ["CS", "01"], "00280120": ["SS", -2000] } as const;
    const ct = slice(0, [-2000, -1991, 40, -1000], { ...lossy, "00180050": ["DS", 1] });
    expect(await read(given("a.dcm", ct))).toMatchObject({ data: [-1000, -1000, 40, -1000], noData: [0b11] });
    const heights = [0, 1, 3];
    const uneven = heights.map((z, i) => given(`${i}.dcm`, slice(z, [i === 2 ? -2000 : 10 * z, 40, 40, 40], lossy))[0]);
    // Laid out at 0, 1.5 and 3 mm: the second is nearer to the slice at 1 mm than to padding.
    expect(await read(uneven, { uneven: "resample" })).toMatchObject({
      shape: [2, 2, 3],
      data: [0, 40, 40, 40, 10, 40, 40, 40, -1000, 40, 40, 40],
      noData: [0, 0b1],
    });
    const map = nifti({ dims: [2, 1, 1], datatype: 16, data: new Uint8Array(Float32Array.of(0.9999999, 2).buffer) });
    new DataView(map.buffer).setInt16(68, 1002, true);
    expect(await read(given("a.nii", map))).toMatchObject({ data: [1, 2], labels: {} });
  });

  it("headers that others mend: a voxel size below 0, a fourth axis of 0", async () => {
    const q = { dims: [4, 3, 2, 0], data: counting(24), sform: 0, qform: 1, pixdim: [1, -2, 3, -4, 1, 1, 1, 1] };
    expect(await read(given("a.nii", nifti(q)))).toMatchObject({ shape: [4, 3, 2], affine: [2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1] });
  });

  it("little that becomes much: gzip, zlib, zips and .npz are refused at what their headers ask for; what is right is read", async () => {
    const zeros = new Uint8Array(2 ** 24);
    const bombs = {
      "a.nii.gz": gzipSync(concat(nifti(), zeros)),
      "a.nrrd": nrrd("encoding: gzip\n", gzipSync(zeros)),
      "a.zip": zipSync({ "a.nii": concat(nifti(), zeros) }),
      "b.zip": zipSync({ "a.nii.gz": gzipSync(concat(nifti(), zeros)) }),
      "a.npz": zipSync({ "a.npy": concat(npy(2, 3, 4), zeros) }),
    };
    for (const [name, bytes] of Object.entries(bombs)) expect(await read(given(name, bytes)), name).toMatchObject({ code: "FORMAT_INVALID" });
    for (const content of [zipSync({ "a.nii": nifti() }), zipSync({ "a.nii.gz": gzipSync(nifti()) }), zipSync({ "a.npy": npy(4, 4, 4) })])
      expect(await read(given("a.zip", content))).toMatchObject({ shape: [4, 4, 4], sha256: hash(Array.from({ length: 64 }, (_, i) => i)) });
  });

  it("nothing was asked of another host", () => expect(harness.outsideRequests).toEqual([]));
});
