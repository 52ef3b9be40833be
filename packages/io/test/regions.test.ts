// Files of regions: label maps, markups, tables of points. Places are worked out by hand.
import { AnyMC3DError } from "@anymc3d/core";
import { checkSamePlace, readRegions, regionNamed, regionOf, writeNifti, writeNrrd } from "@anymc3d/io";
import { describe, expect, it } from "vitest";

const text = (lines: string) => new TextEncoder().encode(lines);
const csv = (lines: string, options = {}) => readRegions(text(lines), options);
const code = (code: string, message: RegExp) => expect.objectContaining({ code, message: expect.stringMatching(message) });

/** 6 × 5 × 4 voxels of 2 × 3 × 4 mm, x to the left: voxel (i, j, k) lies at (100 - 2 i, 3 j - 10, 4 k + 50). */
const AFFINE = [-2, 0, 0, 100, 0, 3, 0, -10, 0, 0, 4, 50, 0, 0, 0, 1];
const SHAPE = [6, 5, 4] as const;
const at = (i: number, j: number, k: number) => i + SHAPE[0] * (j + SHAPE[1] * k);
function labelMap() {
  const data = new Uint8Array(120);
  for (const [i, j, k] of [[1, 1, 1], [2, 1, 1], [2, 2, 1]]) data[at(i, j, k)] = 3; // biome-ignore format: a table
  for (const [i, j, k] of [[5, 4, 3], [5, 4, 2]]) data[at(i, j, k)] = 7; // biome-ignore format: a table
  return { data, shape: SHAPE, affine: AFFINE, labels: {} };
}

describe("label maps", () => {
  it("a region for each number above 0, with its bounds and its mask", async () => {
    const file = await readRegions(await writeNifti(labelMap()), { names: { "7": "cyst" } });
    expect(file).toMatchObject({ kind: "labels", name: "volume" });
    const [three, seven] = file.regions;
    expect(file.regions.map(({ name, number }) => [name, number])).toEqual([["label 3", 3], ["cyst", 7]]); // biome-ignore format: a table
    // Voxels 1 to 2, 1 to 2, 1: from 100 - 2·2.5 to 100 - 2·0.5, 3·0.5 - 10 to 3·2.5 - 10, 4·0.5 + 50 to 4·1.5 + 50.
    expect(three.box).toEqual([[95, -8.5, 52], [99, -2.5, 56]]); // biome-ignore format: a table
    expect(three.mask).toMatchObject({ shape: [2, 2, 1], labels: {}, data: Uint8Array.from([1, 1, 0, 1]) });
    expect(three.mask?.affine).toEqual([-2, 0, 0, 98, 0, 3, 0, -7, 0, 0, 4, 54, 0, 0, 0, 1]);
    expect(seven.box).toEqual([[89, 0.5, 56], [91, 3.5, 64]]); // biome-ignore format: a table
    expect(regionOf(seven, labelMap())).toMatchObject({ label: 1, mask: { shape: [1, 1, 2] } });
  });

  it("a region by number or name; those that are there", async () => {
    const file = await readRegions(await writeNrrd(labelMap()), { names: { "3": "Lesion" } });
    expect(regionNamed(file, "Lesion").number).toBe(3);
    expect(regionNamed(file, "7").number).toBe(7);
    expect(regionNamed(file, 7).number).toBe(7);
    expect(() => regionNamed(file, "lesion")).toThrow(code("REGION_NOT_FOUND", /no region "lesion"; there are 3 \(Lesion\), 7\./));
    // A name that is another's number; letters in one character or two, and blanks at the ends.
    const named = { name: "f", regions: [{ name: "2", number: 1 }, { name: "b", number: 2 }, { name: "La\u0308sion ", number: 3 }, { name: "4", number: 4 }] }; // biome-ignore format: a line
    expect(() => regionNamed(named, "2")).toThrow(code("REGION_NOT_FOUND", /2 regions are called "2", by name or number/));
    expect([regionNamed(named, 2).name, regionNamed(named, "L\u00e4sion").number, regionNamed(named, "4").number]).toEqual(["b", 3, 4]);
    expect(() => regionNamed({ name: "f", regions: [{ name: "a", number: 1 }, { name: "a", number: 2 }] }, "a")).toThrow(code("REGION_NOT_FOUND", /2 regions/)); // biome-ignore format: a line
  });

  const tables: Record<string, readonly [table: string, name: string]> = {
    "ITK-SNAP": [
      '# columns\n    0     0    0    0        0  0  0    "Clear Label"\n    3   255    0    0        1  1  1    "left lung, lower"\n',
      "left lung, lower",
    ],
    FreeSurfer: ["# No. Label R G B A\n0 Unknown 0 0 0 0\n3   3rd-Ventricle   204 182 142 0\n", "3rd-Ventricle"],
    CSV: ['label,name,color\n3,"left lung, lower",red\n', "left lung, lower"],
    "a name with a number": ["3,Lobe 2\n", "Lobe 2"],
    "words alone": ["3 Lobe 2\n", "Lobe 2"],
    "words with a comma": ["3 Lobe 2, left\n", "Lobe 2, left"],
    "CSV, colours before the name": ["3,255,0,0,left lung\n", "left lung"],
    "CSV, columns in another order": ["Name;Colour;Label\nleft lung;red;3\n", "left lung"],
    "CSV, a colour between": ["label,color,name\n3,red,left lung\n", "left lung"],
    "CSV, numbers as fractions": ["index,name\n3.0,left lung\n", "left lung"],
    "ITK-SNAP, a name with a comma in the first line": ['3 255 0 0 1 1 1 "left lung, lower"\n', "left lung, lower"],
    tabs: ["index\tname\n3\tliver\n", "liver"],
    "JSON by number": ['{"3": "left lung, lower"}', "left lung, lower"],
    "nnU-Net": ['{"labels": {"background": 0, "left lung, lower": 3}}', "left lung, lower"],
  };
  it.each(Object.entries(tables))("names from a table: %s", async (_, [table, name]) => {
    const { regions } = await readRegions(await writeNifti(labelMap()), { nameTable: text(table) });
    expect(regions.map((region) => region.name)).toEqual([name, "label 7"]);
  });

  it("a table without names is refused", async () => {
    await expect(readRegions(await writeNifti(labelMap()), { nameTable: text("name\nliver\n") })).rejects.toThrow(code("REGION_INVALID", /no table of labels/));
  });

  it("what is no label map", async () => {
    const made = async (values: (i: number) => number, Type: typeof Int16Array | typeof Float32Array = Int16Array) =>
      readRegions(await writeNrrd({ data: new Type(Array.from({ length: 120 }, (_, i) => values(i))), shape: SHAPE, affine: AFFINE }));
    await expect(made((i) => i - 60)).rejects.toThrow(code("REGION_INVALID", /an image, not a label map: a voxel is -60/));
    await expect(made((i) => i / 4, Float32Array)).rejects.toThrow(code("REGION_INVALID", /a voxel is 0\.25/));
    await expect(made((i) => i)).rejects.toThrow(code("REGION_INVALID", /119 numbers lie scattered/));
    await expect(made(() => 0)).rejects.toThrow(code("REGION_INVALID", /all of its voxels are 0/));
    const { affine: _, ...nowhere } = labelMap();
    await expect(readRegions(await writeNrrd(nowhere))).rejects.toThrow(code("GEOMETRY_INVALID", /no orientation/));
  });
});

describe("tables of points", () => {
  it("in the space that the table or the caller names, as RAS", async () => {
    const rows = "name,x,y,z,size,space\nnodule,10,-20,30.5,12,LPS\n,1,2,3,,ras\nthird,4,5,6,,voxel\n";
    expect((await csv(rows)).regions).toEqual([
      { name: "nodule", number: 1, point: [-10, 20, 30.5], size: 12 },
      { name: "row 2", number: 2, point: [1, 2, 3] },
      { name: "third", number: 3, point: [4, 5, 6], space: "voxel" },
    ]);
    expect((await csv("x,y,z\n1,2,3", { space: "LPS" })).regions[0].point).toEqual([-1, -2, 3]);
    expect((await csv("x,y,z\n1,2,3")).regions[0].point).toEqual([1, 2, 3]);
  });

  it.each([
    ["semicolons, a byte order mark, quotes, blank rows", '\ufeff"x";"y";"z";"name"\r\n1;2;3;"a; b ""c"""\r\n;;;\r\n\r\n', { point: [1, 2, 3], name: 'a; b "c"' }],
    ["tabs", "x\ty\tz\n1\t2\t3\n", { point: [1, 2, 3] }],
    ["columns of a space", "l,p,s\n1,2,3\n", { point: [-1, -2, 3] }],
    ["columns of the other space", "R,A,S\n1,2,3\n", { point: [1, 2, 3] }],
    ["units in the head", "x (mm),y [mm],z(mm),diameter (mm)\n1,2,3,4\n", { point: [1, 2, 3], size: 4 }],
    ["commas as decimal signs, semicolons between cells", "x;y;z;size\n1,5;-2,25;3;4,5\n", { point: [1.5, -2.25, 3], size: 4.5 }],
    ["a delimiter at the end of rows", "x,y,z\n1,2,3,\n", { point: [1, 2, 3] }],
    ["3D Slicer 5's list", "# Markups fiducial file version = 5.2\n# CoordinateSystem = LPS\n# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n1,1,2,3,0,0,0,1,1,1,0,F-1,,,2,0\n", { point: [-1, -2, 3], name: "F-1" }],
    ["columns of voxels", "i,j,k\n1,2,3\n", { point: [1, 2, 3], space: "voxel" }],
    ["challenge tables", "coordX,coordY,coordZ,diameter_mm\n-128.7,-175.3,-298.4,5.65\n", { point: [-128.7, -175.3, -298.4], size: 5.65 }],
    ["3D Slicer's older list", "# Markups fiducial file version = 4.11\n# CoordinateSystem = LPS\n# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n1,1,2,3,0,0,0,1,1,1,0,F-1,,\n", { point: [-1, -2, 3], name: "F-1" }],
    ["3D Slicer's oldest list", "# Markups fiducial file version = 4.6\n# CoordinateSystem = 0\n# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\nv,1,2,3,0,0,0,1,1,1,0,F-1,,\n", { point: [1, 2, 3], name: "F-1" }],
  ])("%s", async (_, table, region) => { expect((await csv(table)).regions).toEqual([expect.objectContaining(region)]); }); // biome-ignore format: a line

  it("a control point that is not placed; bytes that are no UTF-8; a series that is named", async () => {
    const columns = "# CoordinateSystem = LPS\n# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n";
    const { regions } = await csv(`${columns}1,0,0,0,0,0,0,1,1,1,0,F-1,,,0,0\n2,1,2,3,0,0,0,1,1,1,0,F-2,,,2,0\n`);
    expect(regions.map(({ name, error }) => [name, error?.message])).toEqual([["F-1", expect.stringMatching(/position status is "0"/)], ["F-2", undefined]]); // biome-ignore format: a line
    const latin = Uint8Array.from("x,y,z,name\n1,2,3,L\u00e4sion\n", (char) => char.charCodeAt(0));
    expect((await readRegions(latin)).regions[0].name).toBe("L\u00e4sion");
    expect((await readRegions(await writeNifti(labelMap()), { nameTable: Uint8Array.from("3,L\u00e4sion", (char) => char.charCodeAt(0)) })).regions[0].name).toBe("L\u00e4sion"); // biome-ignore format: a line
    expect((await csv("seriesuid,x,y,z\n1.2,1,2,3\n1.2,4,5,6\n")).regions).toHaveLength(2);
  });

  it("UTF-16, as spreadsheets write Unicode text", async () => {
    const words = Uint16Array.from("\ufeffx\ty\tz\n1\t2\t3\n", (char) => char.charCodeAt(0));
    expect((await readRegions(new Uint8Array(words.buffer))).regions[0].point).toEqual([1, 2, 3]);
  });

  it("rows that are none say which, and the others are answered", async () => {
    const { regions } = await csv(
      'x,y,z,size,space\n1,2,3,,\n1,zwei,3,,\n1,2,,,\n1,2,3,-1,\n1,2,3,,MNI\n"1,5",2,3,,\n1,5,2,3,,LPS\n0x10,2,3,,\n1,1e999,3,,\n4,5,6,,\n',
    );
    expect(regions.map(({ point }) => Boolean(point))).toEqual([true, false, false, false, false, false, false, false, false, true]);
    const messages = regions.map(({ error }) => error?.message);
    expect(regions.slice(1, 9).every(({ error }) => error instanceof AnyMC3DError && error.code === "REGION_INVALID")).toBe(true);
    expect(messages[1]).toMatch(/line 3: y is "zwei"; expected a number/);
    expect(messages[3]).toMatch(/line 5: size is "-1"/);
    expect(messages[4]).toMatch(/RAS, LPS and voxel/);
    expect(messages[5]).toMatch(/"1,5"; expected a number, with a point/);
    expect(messages[6]).toMatch(/6 cells, where the head has 5. Is a comma/);
  });

  it("numbers that are no place in a patient", async () => {
    const { regions } = await csv("x,y,z,size\n1e300,2,3,\n1,2,3,1e9\n1,2,-999999,\n");
    expect(regions.map(({ error }) => error?.code)).toEqual(["REGION_INVALID", "REGION_INVALID", undefined]);
  });

  it.each([
    ["no head", "1,2,3\n4,5,6\n", /needs a head with the columns x, y, z/],
    ["a column that is missing", "x,y\n1,2\n", /z is missing in "x,y"/],
    ["no row", "x,y,z\n", /no row follows/],
    ["a column twice", "x,X,y,z\n1,2,3,4\n", /two columns are of x/],
    ["points of several scans", "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2.3,1,2,3,4\n1.2.4,1,2,3,4\n", /rows are of 2 scans \(column "seriesuid": 1\.2\.3, 1\.2\.4\)/],
    ["two spaces", "r,p,s\n1,2,3\n", /two spaces/],
    ["3D Slicer's list in voxels", "# CoordinateSystem = 2\n# columns = id,x,y,z\n1,1,2,3\n", /CoordinateSystem is "2"; LPS and RAS/],
    ["a quote that is open", 'x,y,z,name\n1,2,3,"a\n4,5,6,b\n', /line 2 is not closed/],
  ])("%s is refused", async (_, table, message) => { await expect(csv(table)).rejects.toThrow(code("REGION_INVALID", message)); }); // biome-ignore format: a line

  it("columns that are not read are told", async () => {
    expect((await csv("x,y,z,units\n1,2,3,cm")).notes).toEqual([{ code: "REGIONS_LEFT", message: expect.stringContaining('"units"') }]);
  });
});

describe("3D Slicer's markups", () => {
  const point = (label: string, position: unknown, more = {}) => ({ id: "1", label, description: "", position, orientation: [-1, -0, -0, -0, -1, -0, 0, 0, 1], selected: true, positionStatus: "defined", ...more }); // biome-ignore format: a line
  const markups = (...all: object[]) => text(JSON.stringify({ "@schema": "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/markups-schema-v1.0.3.json#", markups: all })); // biome-ignore format: a line

  it("points, in the file's space; LPS where it names none, as its schema says", async () => {
    const points = { type: "Fiducial", controlPoints: [point("F-1", [1, 2, 3]), point("", [4, 5, 6])] };
    for (const [space, x, y] of [
      ["LPS", -1, -2],
      ["RAS", 1, 2],
      [undefined, -1, -2],
      ["0", 1, 2],
    ] as const) {
      // biome-ignore format: a line
      const { regions, kind } = await readRegions(markups({ ...points, coordinateSystem: space, coordinateUnits: "mm" }));
      expect(kind).toBe("markups");
      expect(regions[0]).toEqual({ name: "F-1", number: 1, point: [x, y, 3] });
      expect(regions[1].name).toBe("point 2");
    }
  });

  it("a line: its middle, length and ends", async () => {
    const { regions } = await readRegions(
      markups({ type: "Line", name: "L", coordinateSystem: "RAS", controlPoints: [point("a", [0, 0, 0]), point("b", [3, 4, 0])] }),
    );
    expect(regions).toEqual([{ name: "L", point: [1.5, 2, 0], size: 5, box: [[0, 0, 0], [3, 4, 0]] }]); // biome-ignore format: a line
    expect(regionOf(regions[0], labelMap())).toEqual({ point: [1.5, 2, 0], space: "RAS", size: 5 });
  });

  it("a box: bounds of its corners, also turned about an axis", async () => {
    // By 30° about z: half lengths 10·cos + 20·sin and 10·sin + 20·cos.
    const [c, s] = [Math.cos(Math.PI / 6), Math.sin(Math.PI / 6)];
    const { regions } = await readRegions(markups({ type: "ROI", name: "R", coordinateSystem: "LPS", center: [5, -7, 9], size: [20, 40, 6], orientation: [c, -s, 0, s, c, 0, 0, 0, 1] })); // biome-ignore format: a line
    const [low, high] = regions[0].box ?? [[], []];
    const [x, y] = [10 * c + 20 * s, 10 * s + 20 * c];
    for (const [i, want] of [-5 - x, 7 - y, 6].entries()) expect(low[i]).toBeCloseTo(want, 9);
    for (const [i, want] of [-5 + x, 7 + y, 12].entries()) expect(high[i]).toBeCloseTo(want, 9);
    expect(regionOf(regions[0], labelMap())).toMatchObject({ space: "RAS", box: [low, high] });
  });

  it("what marks no place is told, what cannot be used has an error", async () => {
    const { regions, notes } = await readRegions(
      markups(
        { type: "Angle", name: "A", controlPoints: [] },
        { type: "Fiducial", controlPoints: [point("gone", [0, 0, 0], { positionStatus: "undefined" }), point("odd", ["1", 2, 3]), point("fine", [1, 2, 3])] },
        { type: "Line", name: "half", controlPoints: [point("a", [0, 0, 0])] },
        { type: "ROI", name: "flat", center: [0, 0, 0], size: [1, 0, 1] },
      ),
    );
    expect(notes).toEqual([{ code: "REGIONS_LEFT", message: expect.stringContaining("A (Angle)") }]);
    expect(regions.map(({ name, error }) => [name, error?.code])).toEqual([
      ["gone", "REGION_INVALID"],
      ["odd", "REGION_INVALID"],
      ["fine", undefined],
      ["half", "REGION_INVALID"],
      ["flat", "REGION_INVALID"],
    ]);
    expect(() => regionNamed({ name: "f", regions }, "flat")).toThrow(code("REGION_INVALID", /no size/));
  });

  it.each([
    ["no mark at all", { type: "Plane", name: "P" }, "REGION_INVALID", /P \(Plane\)/],
    ["another unit", { type: "Fiducial", coordinateUnits: "um", controlPoints: [] }, "REGION_INVALID", /coordinateUnits/],
    ["another space", { type: "Fiducial", coordinateSystem: "IJK", controlPoints: [] }, "REGION_INVALID", /coordinateSystem/],
  ])("%s is refused", async (_, markup, name, message) => {
    await expect(readRegions(markups(markup))).rejects.toThrow(code(name, message));
  });

  it("JSON of another kind, damaged JSON, other files", async () => {
    await expect(csv('{"a": 1}')).rejects.toThrow(code("FORMAT_UNKNOWN", /no file of regions; its content looks like JSON/));
    await expect(csv('{"markups": [')).rejects.toThrow(code("FORMAT_INVALID", /damaged/));
    await expect(readRegions(Uint8Array.of(1, 0, 2, 0))).rejects.toThrow(code("FORMAT_UNKNOWN", /no file of regions/));
    await expect(readRegions(new Uint8Array())).rejects.toThrow(code("FILE_EMPTY", /empty/));
  });
});

describe("bounds", () => {
  it("the byte limit and the signal hold", async () => {
    const big = new Blob([text(`x,y,z\n${"1,2,3\n".repeat(1000)}`)]);
    await expect(readRegions(big, { maxBytes: 1000 })).rejects.toThrow(code("FILE_TOO_LARGE", /1000 bytes/));
    await expect(readRegions(text("x,y,z\n1,2,3"), { signal: AbortSignal.abort(new Error("stop")) })).rejects.toThrow("stop");
    await expect(csv("x,y,z\n1,2,3", { spcae: "LPS" })).rejects.toThrow(code("OPTION_INVALID", /spcae/));
    await expect(csv("x,y,z\n1,2,3", { space: "MNI" })).rejects.toThrow(code("OPTION_INVALID", /RAS, LPS and voxel/));
  });

  it("a region outside of the scan is refused, and the other space named", async () => {
    const scan = labelMap();
    const file = async (row: string) => csv(`x,y,z\n${row}\n`);
    expect(checkSamePlace(await file("95,-5,55"), scan)).toBeUndefined();
    expect(() => checkSamePlace({ ...{ name: "f", kind: "csv", notes: [] }, regions: [{ name: "p", point: [-95, 5, 55] }] }, scan)).toThrow(code("REGION_ELSEWHERE", /p lies outside .* the other way round/)); // biome-ignore format: a line
    const two = await csv("x,y,z\n95,-5,55\n0,0,0\n");
    expect(checkSamePlace(two, scan)).toBeUndefined();
    expect(() => checkSamePlace(two, scan, two.regions[1])).toThrow(code("REGION_ELSEWHERE", /row 2 lies outside/));
  });
});
