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

describe("contours as other programs leave them", () => {
  type Flat = readonly (readonly [x: number, y: number])[];
  type Points = readonly (readonly [x: number, y: number, z: number])[];
  /** Voxels of 1 mm, the first at the origin: LPS mm are their indices. */
  const grid = { shape: [20, 20, 12] as const, affine: [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] };
  const at = (z: number, ...loops: Flat[]): Points[] => loops.map((loop) => loop.map(([x, y]) => [x, y, z] as const));
  const drawn = (number: number, contours: readonly Points[]): Elements => ({
    "30060084": ["IS", number],
    "30060040": ["SQ", contours.map((points): Elements => ({ "30060042": ["CS", "CLOSED_PLANAR"], "30060046": ["IS", points.length], "30060050": ["DS", points.flat()] }))], // biome-ignore format: a line
  });
  const structures = (names: readonly (readonly [number: number, name: string])[], ...contours: Elements[]) =>
    readRegions(dicomFile({
      "00080016": ["UI", "1.2.840.10008.5.1.4.1.1.481.3"],
      "00080060": ["CS", "RTSTRUCT"],
      "30060020": ["SQ", names.map(([number, name]): Elements => ({ "30060022": ["IS", number], "30060026": ["LO", name] }))],
      "30060039": ["SQ", contours],
    }, { implicit: true, syntax: "1.2.840.10008.1.2" })); // biome-ignore format: elements
  /** Voxels on each slice, and the mean of their indices. */
  const found = (region: MarkedRegion) => {
    const { data, shape: [nx, ny], affine = [] } = maskOf(region, grid); // biome-ignore format: a line
    const slices: Record<number, number> = {};
    for (const [i, value] of data.entries()) if (value) slices[Math.round(affine[11]) + Math.floor(i / nx / ny)] = (slices[Math.round(affine[11]) + Math.floor(i / nx / ny)] ?? 0) + 1; // biome-ignore format: a line
    return slices;
  };
  const one = async (contours: readonly Points[]) => (await structures([[1, "A"]], drawn(1, contours))).regions[0];
  const square = (low: number, high: number): Flat => [[low, low], [high, low], [high, high], [low, high]]; // biome-ignore format: a table

  // Counts and means by scikit-image 0.26, points_in_poly of voxel indices, the holes by exclusive or.
  const star: Flat = [[13.4, 9.7], [16.688, 13.258], [11.856, 12.906], [11.125, 17.694], [8.388, 13.697], [4.187, 16.111], [5.606, 11.479], [1.1, 9.7], [5.606, 7.921], [4.187, 3.289], [8.388, 5.703], [11.125, 1.706], [11.856, 6.494], [16.688, 6.142]]; // biome-ignore format: a table
  const hole: Flat = [[8.2, 8.3], [11.4, 8.6], [10.9, 11.7], [8.4, 11.2]]; // biome-ignore format: a table
  const keyhole: Flat = [star[0], ...hole.slice(1), hole[0], hole[1], ...star];
  it.each<[string, Points[], number, [number, number]]>([
    ["a star", at(5, star), 102, [9.23529412, 9.73529412]],
    ["with a hole", at(5, star, hole), 93, [9.16129032, 9.70967742]],
    ["with a hole through a keyhole", at(5, keyhole), 93, [9.16129032, 9.70967742]],
    ["with a hole that lies 0.05 mm beside", [...at(5, star), ...at(5.05, hole)], 93, [9.16129032, 9.70967742]],
    ["twice", at(5, star, star), 102, [9.23529412, 9.73529412]],
    ["twice, from another point on", at(5, star, [...star.slice(5), ...star.slice(0, 5)]), 102, [9.23529412, 9.73529412]],
    ["twice, the other way round", at(5, star, star.toReversed()), 102, [9.23529412, 9.73529412]],
  ])("%s", async (_, contours, count, [x, y]) => {
    const region = await one(contours);
    expect(found(region)).toEqual({ 5: count });
    near(centre(maskOf(region, grid)), [-x, -y, 5], 1e-6);
  });

  it("holes on every slice, the planes a little off: on every slice, and as thick as slices", async () => {
    const off = [0.02, -0.03, 0.05, -0.02, 0.06];
    const region = await one(off.flatMap((by, i) => [...at(3 + i + by, square(2.5, 12.5)), ...at(3 + i - by / 2, square(5.5, 8.5))]));
    expect(found(region)).toEqual({ 3: 91, 4: 91, 5: 91, 6: 91, 7: 91 });
    expect(region.slab).toBeGreaterThan(0.85);
    expect(region.slab).toBeLessThan(1.05);
  });

  it("slices of 0.1 mm stay apart", async () => {
    const thin = { shape: [20, 20, 12] as const, affine: grid.affine.map((value, i) => (i === 10 ? 0.1 : value)) };
    const region = await one([2, 3, 4, 5].flatMap((k) => at(k / 10, square(2.5, k + 0.5))));
    const mask = maskOf(region, thin);
    const per = mask.shape[0] * mask.shape[1];
    const counts = Array.from({ length: mask.shape[2] }, (_, k) => mask.data.slice(k * per, (k + 1) * per).filter(Boolean).length);
    // The first encloses nothing but a point; squares of 1, 2 and 3 voxels a side.
    expect(counts).toEqual([1, 4, 9]);
  });

  it("nearly the same contour twice is refused, as nothing would be left", async () => {
    const region = await one(at(5, square(2.5, 12.5), square(2.504, 12.503)));
    expect(region.error).toEqual(code("REGION_INVALID", /lie on each other/));
    expect(found(await one(at(5, square(2.5, 12.5), square(3.5, 11.5))))).toEqual({ 5: 36 });
  });

  it("a structure whose contours stand in two items has both; those of no structure are told; one number twice is refused", async () => {
    const { regions, notes } = await structures([[1, "A"], [2, "B"], [2, "C"]], drawn(1, at(5, square(2.5, 12.5))), drawn(1, at(6, square(2.5, 12.5))), drawn(2, at(6, square(2.5, 4.5))), drawn(9, at(6, square(2.5, 4.5)))); // biome-ignore format: a line
    expect(found(regions[0])).toEqual({ 5: 100, 6: 100 });
    expect(regions.slice(1).map(({ name, error }) => [name, error?.message])).toEqual([
      ["B", expect.stringMatching(/another structure has the number 2/)],
      ["C", expect.stringMatching(/another structure has the number 2/)],
    ]);
    expect(notes).toEqual([{ code: "REGIONS_LEFT", message: expect.stringMatching(/does not list \(number 9\)/) }]);
  });

  it("the file's only frame of reference is that of structures that name none", async () => {
    const of = (frames: readonly string[], own?: string): Uint8Array =>
      dicomFile({
        "00080016": ["UI", "1.2.840.10008.5.1.4.1.1.481.3"],
        "00080060": ["CS", "RTSTRUCT"],
        "30060010": ["SQ", frames.map((uid): Elements => ({ "00200052": ["UI", uid] }))],
        "30060020": ["SQ", [{ "30060022": ["IS", 1], "30060026": ["LO", "A"], ...(own && { "30060024": ["UI", own] as const }) }]],
        "30060039": ["SQ", [drawn(1, at(5, square(2.5, 12.5)))]],
      });
    const frame = async (...of_: Parameters<typeof of>) => (await readRegions(of(...of_))).regions[0].frameOfReference;
    expect([await frame(["1.9"]), await frame(["1.9"], "1.8"), await frame(["1.9", "1.7"]), await frame([])]).toEqual(["1.9", "1.8", undefined, undefined]);
    const scan = { data: new Int16Array(4800), ...grid, meta: { frameOfReference: "1.7" } };
    const file = await readRegions(of(["1.9"]));
    expect(() => checkSamePlace(file, scan)).toThrow(code("REGION_ELSEWHERE", /another frame of reference/));
  });

  it("many points are compared with few: combs either way are read, a wide winding is refused", async () => {
    const comb = (turn: (x: number, y: number) => readonly [number, number]): Flat => [
      ...Array.from({ length: 4000 }, (_, i) => turn(i % 2 ? 2 : 15 + (i % 7) * 0.01, 1 + i * 0.004)),
      turn(1, 17),
      turn(1, 0),
    ];
    const [level, upright] = [
      await one(
        at(
          5,
          comb((x, y) => [x, y]),
        ),
      ),
      await one(
        at(
          5,
          comb((x, y) => [y, x]),
        ),
      ),
    ];
    expect([level.error, upright.error]).toEqual([undefined, undefined]);
    const slanted = await one(
      at(
        5,
        Array.from({ length: 6000 }, (_, i) => [i % 2 ? 1e4 + i : i, i % 2 ? 1e4 - i : -i] as const),
      ),
    );
    expect(slanted.error).toEqual(code("REGION_INVALID", /wind so much/));
    // Planes through the origin, their normals spread over half a sphere.
    const triangle = (i: number): Points => {
      const [z, turn] = [(i + 0.5) / 300, 2.39996 * i];
      const r = Math.sqrt(1 - z * z);
      return [[0, 0, 0], [10 * z * Math.cos(turn), 10 * z * Math.sin(turn), -10 * r], [-10 * Math.sin(turn), 10 * Math.cos(turn), 0]]; // biome-ignore format: a line
    };
    const across = await one(Array.from({ length: 300 }, (_, i) => triangle(i)));
    expect(across.error).toEqual(code("REGION_INVALID", /more than 256 of its contours lie across each other/));
  });

  it("a report's line that comes back to its beginning is an outline", async () => {
    const line = (points: Points): Elements => ({
      "0040a040": ["CS", "SCOORD3D"],
      "0040a043": ["SQ", [{ "00080100": ["SH", "1"], "00080102": ["SH", "99X"], "00080104": ["LO", "Edge"] }]],
      "00700022": ["FL", points.flat()],
      "00700023": ["CS", "POLYLINE"],
      "30060024": ["UI", "1.9"],
    });
    const [box] = at(5, square(2.5, 12.5));
    const report = dicomFile({ "00080016": ["UI", "1.2.840.10008.5.1.4.1.1.88.34"], "00080060": ["CS", "SR"], "0040a730": ["SQ", [line([...box, box[0]]), line(box)]] }); // biome-ignore format: a line
    const { regions } = await readRegions(report);
    expect(found(regions[0])).toEqual({ 5: 100 });
    expect(regions[1]).toMatchObject({ size: 30, point: [-12.5, -7.5, 5] });
  });
});
