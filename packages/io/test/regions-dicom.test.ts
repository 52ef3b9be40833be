// Files of regions that other programs wrote: each region where these programs were told that it lies. reference/make_regions.py says how they were made.
import { readFileSync } from "node:fs";
import { type Box, checkSamePlace, type MarkedRegion, maskOf, readRegions, readVolume, regionNamed, regionOf } from "@anymc3d/io";
import { dicomFile, type Elements, slice } from "@anymc3d/testkit/dicom";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";

interface Expected {
  readonly name: string;
  readonly number: number;
  readonly box?: Box;
  /** Bounds of an outline on one slice. */
  readonly outline?: Box;
  readonly count?: number;
  /** Mean place of its voxels. */
  readonly middle?: readonly number[];
  readonly point?: readonly number[];
  readonly error?: string;
}
interface Case {
  readonly file: string;
  readonly kind: string;
  readonly regions: readonly Expected[];
  readonly grid?: { readonly shape: readonly [number, number, number]; readonly affine: readonly number[] };
}
const { scan, ...cases }: { scan: { files: string[] } } & Record<string, Case> = JSON.parse(
  readFileSync(new URL("reference/regions.json", import.meta.url), "utf8"),
);
const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
const ct = () => readVolume(scan.files.map(bytes));
const code = (code: string, message: RegExp) => expect.objectContaining({ code, message: expect.stringMatching(message) });
const near = (found: readonly number[] | undefined, expected: readonly number[], mm = 1e-3) => {
  for (const [axis, value] of expected.entries()) expect(Math.abs((found?.[axis] ?? Number.NaN) - value)).toBeLessThan(mm);
};

/** Mean place of a mask's voxels, mm. */
function centre({ data, shape: [nx, ny], affine = [] }: NonNullable<MarkedRegion["mask"]>): number[] {
  const sum = [0, 0, 0];
  let count = 0;
  for (const [at, value] of data.entries()) {
    if (!value) continue;
    const place = [at % nx, Math.floor(at / nx) % ny, Math.floor(at / nx / ny)];
    for (const row of [0, 1, 2]) sum[row] += affine[4 * row] * place[0] + affine[4 * row + 1] * place[1] + affine[4 * row + 2] * place[2] + affine[4 * row + 3];
    count++;
  }
  return sum.map((value) => value / count);
}

describe.each(Object.entries(cases as Record<string, Case>))("%s", (_, { file, kind, regions, grid }) => {
  it("a region each, in its place", async () => {
    const found = await readRegions(bytes(file));
    expect(found.kind).toBe(kind);
    expect(found.regions.map(({ name, number }) => [name, number])).toEqual(regions.map(({ name, number }) => [name, number]));
    for (const [i, expected] of regions.entries()) {
      const region = found.regions[i];
      if (expected.error) {
        expect(region.error).toEqual(code("REGION_INVALID", new RegExp(expected.error)));
        expect(region.box ?? region.point ?? region.mask ?? region.contours).toBeUndefined();
        continue;
      }
      expect(region.error).toBeUndefined();
      if (expected.point) near(region.point, expected.point);
      if (expected.outline) for (const side of [0, 1]) near(region.box?.[side], expected.outline[side], 1e-2);
      if (expected.count !== undefined) {
        const mask = maskOf(region, grid ?? { shape: [1, 1, 1] });
        expect([...mask.data].reduce((sum, value) => sum + value, 0)).toBe(expected.count);
        near(centre(mask), expected.middle ?? []);
      }
      // Contours lie within the faces: by a tenth of a voxel, or by half of one where they go through centres.
      if (expected.box) for (const side of [0, 1]) near(region.box?.[side], expected.box[side], kind === "rtstruct" ? 0.5 * 1.5 + 1e-3 : 1e-3);
    }
  });
});

describe("of the same place", () => {
  const binary = cases["highdicom binary, segments that overlap"] as Case;

  it("the scan that it was drawn on", async () => {
    const volume = await ct();
    expect(volume.meta?.frameOfReference).toBe("1.2.826.0.1.9");
    for (const name of Object.keys(cases).filter((each) => !each.startsWith("rt-utils"))) {
      const file = await readRegions(bytes((cases[name] as Case).file));
      for (const region of file.regions.filter(({ error }) => !error)) {
        expect(checkSamePlace(file, volume, region)).toBeUndefined();
        expect(Object.keys(regionOf(region, volume))).toContain(region.mask || region.contours ? "mask" : region.point && !region.box ? "point" : "box");
      }
    }
  });

  it("another frame of reference, study, patient, or beside it", async () => {
    const file = await readRegions(bytes(binary.file), { identity: true });
    const volume = await ct();
    const of = (meta: object) => ({ ...volume, meta: { ...volume.meta, ...meta } });
    expect(file.studies).toEqual(["1.2.826.0.1.1"]);
    expect(() => checkSamePlace(file, of({ frameOfReference: "1.9" }))).toThrow(
      code("REGION_ELSEWHERE", /another frame of reference \(1\.2\.826\.0\.1\.9\).*\(1\.9\)/),
    );
    expect(() => checkSamePlace(file, of({ studyUid: "1.8" }))).toThrow(code("REGION_ELSEWHERE", /another study/));
    expect(() => checkSamePlace(file, of({ patient: { id: "R2" } }))).toThrow(code("REGION_ELSEWHERE", /another patient/));
    expect(checkSamePlace(file, of({ patient: { id: "R1" } }))).toBeUndefined();
    const far = { ...volume, affine: volume.affine?.map((value, at) => (at === 11 ? value + 500 : value)) };
    expect(() => checkSamePlace(file, far)).toThrow(code("REGION_ELSEWHERE", /all 3 regions lie outside/));
    expect((await readRegions(bytes(binary.file))).patient).toBeUndefined();
  });

  it("contours on a scan that they are not parallel to, or outside of", async () => {
    const { file, grid } = cases["pydicom structures, explicit"] as Case & { grid: NonNullable<Case["grid"]> };
    const box = regionNamed(await readRegions(bytes(file)), "Box");
    expect(() => maskOf(box, { shape: [40, 40, 40], affine: [1, 0, 0, -10, 0, 1, 0, -50, 0, 0, 1, -50, 0, 0, 0, 1] })).toThrow(
      code("REGION_INVALID", /not parallel/),
    );
    expect(() => maskOf(box, { ...grid, affine: grid.affine.map((value, at) => (at === 3 ? value + 900 : value)) })).toThrow(
      code("REGION_ELSEWHERE", /outside/),
    );
    expect(() => maskOf(box, { shape: grid.shape })).toThrow(code("GEOMETRY_INVALID", /how it lies/));
    const marker = regionNamed(await readRegions(bytes(file)), "Marker");
    expect(() => maskOf(marker, grid)).toThrow(code("REGION_INVALID", /no outline/));
  });

  it("contours on thinner slices fill those between", async () => {
    const { file, grid } = cases["pydicom structures, explicit"] as Case & { grid: NonNullable<Case["grid"]> };
    // Slices of a third, whose first is that of the scan: 3 to 6 become 9 to 18, and one more on either side.
    const thin = { shape: [24, 20, 36] as const, affine: grid.affine.map((value, at) => (at % 4 === 2 ? value / 3 : value)) };
    expect(maskOf(regionNamed(await readRegions(bytes(file)), "Box"), thin).shape).toEqual([7, 6, 12]);
    expect(maskOf(regionNamed(await readRegions(bytes(file)), "Single"), thin).shape).toEqual([7, 6, 3]);
  });
});

describe("which of the files", () => {
  const structures = bytes((cases["pydicom structures, explicit"] as Case).file);
  const segments = bytes((cases.dcmqi as Case).file);

  it("the only one that marks regions, among those of the scan or in a zip", async () => {
    expect((await readRegions([...scan.files.map(bytes), structures])).kind).toBe("rtstruct");
    const zip = zipSync({ "a/0.dcm": bytes(scan.files[0]), "a/seg.dcm": segments, "a/read.me": new Uint8Array(3) });
    expect(await readRegions(zip)).toMatchObject({ kind: "seg", regions: [{ name: "Lesion" }, { name: "Rim" }, { name: "Satellite" }] });
    await expect(readRegions([structures, segments])).rejects.toThrow(code("OPTION_INVALID", /2 files that mark regions/));
  });

  it("the scan itself is none", async () => {
    await expect(readRegions(bytes(scan.files[0]))).rejects.toThrow(code("REGION_INVALID", /CT: no file of regions/));
    await expect(readRegions(scan.files.map(bytes))).rejects.toThrow(code("REGION_INVALID", /an image, not a label map/));
  });

  it("cut short, over the limit, stopped", async () => {
    await expect(readRegions(structures.subarray(0, 3000))).rejects.toThrow(code("FILE_TRUNCATED", /cut short/));
    await expect(readRegions(new Blob([structures]), { maxBytes: 2000 })).rejects.toThrow(code("FILE_TOO_LARGE", /2000/));
    await expect(readRegions(segments, { maxBytes: 500 })).rejects.toThrow(code("FILE_TOO_LARGE", /500/));
    await expect(readRegions(structures, { signal: AbortSignal.abort(new Error("stop")) })).rejects.toThrow("stop");
  });

  const file = (sopClass: string, elements: Elements) => dicomFile({ "00080016": ["UI", `1.2.840.10008.5.1.4.1.1.${sopClass}`], ...elements });
  it.each([
    ["a structure set without a structure", file("481.3", { "00080060": ["CS", "RTSTRUCT"] }), /without a structure/],
    ["a report without a place", file("88.34", { "00080060": ["CS", "SR"] }), /without measurement groups/],
    ["a picture", slice(0, [1, 2, 3, 4], { "00080060": ["CS", "MR"] }), /MR: no file of regions/],
  ])("%s is refused", async (_, source, message) => { await expect(readRegions(source)).rejects.toThrow(code("REGION_INVALID", message)); }); // biome-ignore format: a line

  it("key points outside of groups; numbers of contours that do not fit", async () => {
    const concept = (meaning: string): Elements => ({ "00080100": ["SH", "1"], "00080102": ["SH", "99X"], "00080104": ["LO", meaning] });
    const point = (meaning: string, type: string, data: number[]): Elements => ({
      "0040a040": ["CS", "SCOORD3D"],
      "0040a043": ["SQ", [concept(meaning)]],
      "00700022": ["FL", data],
      "00700023": ["CS", type],
      "30060024": ["UI", "1.9"],
    });
    const content = [
      point("Apex", "POINT", [10, -20, 30]),
      point("Long axis", "POLYLINE", [0, 0, 0, 0, 0, 10]),
      point("Broken", "POINT", [1, 2]),
      point("Odd", "BLOB", [1, 2, 3]),
    ];
    const report = file("88.34", { "00080060": ["CS", "SR"], "0040a730": ["SQ", content] });
    const { regions } = await readRegions(report);
    expect(regions.slice(0, 2)).toEqual([
      { name: "Apex", number: 1, point: [-10, 20, 30], frameOfReference: "1.9" },
      { name: "Long axis", number: 2, point: [0, 0, 5], size: 10, box: [[0, 0, 0], [0, 0, 10]], frameOfReference: "1.9" }, // biome-ignore format: a line
    ]);
    expect(regions.slice(2).map(({ error }) => error?.code)).toEqual(["REGION_INVALID", "REGION_INVALID"]);
    const contour: Elements = { "30060042": ["CS", "CLOSED_PLANAR"], "30060046": ["IS", 4], "30060050": ["DS", [0, 0, 0, 1, 0, 0, 1, 1, 0]] };
    const damaged = file("481.3", { "30060020": ["SQ", [{ "30060022": ["IS", 5], "30060026": ["LO", "Liver"] }]], "30060039": ["SQ", [{ "30060040": ["SQ", [contour]], "30060084": ["IS", 5] }]] }); // biome-ignore format: a line
    expect((await readRegions(damaged)).regions).toEqual([{ name: "Liver", number: 5, error: code("REGION_INVALID", /4 points and 9 numbers/) }]);
  });
});
