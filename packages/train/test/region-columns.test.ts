// Rows about regions of a study: the box that classify() would cut, moved inside the study, one patient a study; columns that would be misread.
import path from "node:path";
import { cutRegion } from "@anymc3d/core/learn";
import { readVolume } from "@anymc3d/io";
import { describe, expect, test } from "vitest";
import { type CsvCasesOptions, csvCases } from "../src/data/csv-cases.js";
import { parseLabels } from "../src/data/labels.js";
import { binaryTask, folderOf, lps, multilabelTask, volumeOf } from "./build.js";

const shape = [40, 36, 20] as const;
/** Every voxel another value, so that a box is known by what it holds. */
const scan = (offset: number) => ({
  ...volumeOf([...shape], lps([1, 1, 2])),
  data: Int16Array.from({ length: 40 * 36 * 20 }, (_, n) => (n + offset) % 30_000),
});
const valuesOf = (at: readonly [number, number, number], size: readonly [number, number, number], offset: number) => {
  const values: number[] = [];
  for (let k = 0; k < size[2]; k++)
    for (let j = 0; j < size[1]; j++) for (let i = 0; i < size[0]; i++) values.push((((at[2] + k) * 36 + at[1] + j) * 40 + at[0] + i + offset) % 30_000);
  return values;
};

const parse = (text: string, task = binaryTask) => parseLabels(text, { file: "labels.csv", task });
const roi: NonNullable<CsvCasesOptions["roi"]> = { kind: "point", size: [10, 10, 8], margin: 0 };

describe("columns", () => {
  test("a place, a size, a region of a file, or the whole", () => {
    const rows = parse(
      "id;path;space;x;y;z;roi_size;roi;roi_label;sick\na;s.nii;lps;-1,5;2;3;;;;1\nb;s.nii;voxel;1;2;3;20x20x8;;;0\nc;s.nii;;;;;;m.nii;liver;1\nd;t.nii;;;;;;;;0\n",
    );
    expect(rows.map(({ region }) => region)).toEqual([
      { point: [-1.5, 2, 3], space: "LPS" },
      { point: [1, 2, 3], space: "voxel", size: [20, 20, 8] },
      { file: "m.nii", label: "liver" },
      undefined,
    ]);
    // Regions of one study are one patient where nothing else is said.
    expect(rows.map(({ group }) => group)).toEqual(["s.nii", "s.nii", "s.nii", "d"]);
  });

  test.each([
    ["id,x,y,z,sick\na,1,2,3,1\n", /in which space\? Add a column "space"/],
    ["id,space,x,y,sick\na,RAS,1,2,1\n", /there is no z/],
    ["id,space,x,y,z,sick\na,MNI,1,2,3,1\n", /line 2, column space: "MNI" is none of RAS, LPS, voxel/],
    ["id,space,x,y,z,sick\na,,1,2,3,1\n", /line 2, column space: "" is none of/],
    ["id,space,x,y,z,sick\na,RAS,1,,3,1\n", /column y: blank/],
    ["id,space,x,y,z,sick\na,RAS,1,2 mm,3,1\n", /column y: "2 mm" is no number/],
    ["id,space,x,y,z,roi_size,sick\na,RAS,1,2,3,-5,1\n", /column roi_size: "-5"/],
    ["id,space,x,y,z,roi_size,sick\na,RAS,,,,5,1\n", /no place/],
    ["id,roi_label,sick\na,3,1\n", /column "roi"/],
    ["id,roi,roi_label,sick\na,,3,1\n", /region of no file/],
    ["id,roi,space,x,y,z,sick\na,m.nii,RAS,1,2,3,1\n", /give one of them/],
    ["id,path,group,roi,sick\na,s.nii,p1,m.nii,1\nb,./s.nii,p2,n.nii,0\n", /lines 2 and 3 are about one study, and in the groups "p1" and "p2"/],
  ])("%j", (text, says) => {
    expect(() => parse(text)).toThrow(says);
  });

  test("x, y and z may be labels, but not beside a space", () => {
    const task = { ...multilabelTask, labels: ["x", "y", "z"].map((id) => ({ id, name: id, threshold: 0.5 })) } as typeof multilabelTask;
    expect([...parse("id,x,y,z\na,1,0,1\n", task)[0].labels]).toEqual([["x", 1], ["y", 0], ["z", 1]]); // biome-ignore format: one line
    expect(() => parse("id,space,x,y,z\na,RAS,1,0,1\n", task)).toThrow(/"x" is a label of the task, and beside "space" a place/);
  });
});

describe("cases", () => {
  const files = (labels: string) =>
    folderOf({
      "labels.csv": labels,
      "a.nii.gz": scan(0),
      "b.nii.gz": scan(7),
      "b-mask.nii.gz": { ...scan(0), data: Uint8Array.from({ length: 40 * 36 * 20 }, (_, n) => (n % 40 > 20 ? 1 : 0)) },
      // Label 4 spans x 10 to 15, y 8 to 13, z 5 to 6.
      "lesions.nii.gz": {
        ...scan(0),
        data: Uint8Array.from({ length: 40 * 36 * 20 }, (_, n) => {
          const [i, j, k] = [n % 40, Math.floor(n / 40) % 36, Math.floor(n / 1440)];
          return i >= 10 && i < 16 && j >= 8 && j < 14 && (k === 5 || k === 6) ? 4 : k === 0 && i < 3 ? 2 : 0;
        }),
      },
    });
  const options = { task: binaryTask, sources: ["volume"], roi, read: { modality: "CT" } };

  test("the voxels of the box; a mask is cut with it; a label gives its bounds", async () => {
    const folder = await files(
      "id,path,mask,split,space,x,y,z,roi,roi_label,sick\na1,a.nii.gz,,train,voxel,20,18,10,,,1\na2,a.nii.gz,,train,,,,,lesions.nii.gz,4,0\nb1,b.nii.gz,b-mask.nii.gz,val,voxel,20,18,10,,,1\nb2,b.nii.gz,,val,voxel,39,18,10,,,0\n",
    );
    const { cases } = await csvCases(path.join(folder, "labels.csv"), options);
    const loaded = [];
    for (const one of cases) loaded.push((await one.load()).volume);
    // 10 mm are 10 voxels of 1 mm around the middle, 8 mm 4 of 2 mm.
    expect(loaded[0].shape).toEqual([10, 10, 4]);
    expect([...loaded[0].data]).toEqual(valuesOf([15, 13, 8], [10, 10, 4], 0));
    // Label 4 with the adapter's least box: the middle of 10 to 15 is 12.5.
    expect(loaded[1].shape).toEqual([10, 10, 4]);
    expect([...loaded[1].data]).toEqual(valuesOf([8, 6, 4], [10, 10, 4], 0));
    const outline = await cases[2].loadMask?.();
    expect(outline?.shape).toEqual([10, 10, 4]);
    expect([...(outline?.data ?? [])].slice(0, 10)).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
    // At the edge of the scan the box ends.
    expect(loaded[3].shape).toEqual([6, 10, 4]);
    // As classify() cuts it.
    const whole = await readVolume(path.join(folder, "a.nii.gz"));
    const { volume } = cutRegion(whole, { point: [20, 18, 10], space: "voxel" }, roi, "x");
    expect(loaded[0].affine).toEqual(volume.affine);
  });

  test("moved in patient mm, it sees the study's own voxels; at the reach's end it stays within", async () => {
    const folder = await files("id,path,mask,split,space,x,y,z,sick\na1,a.nii.gz,,train,voxel,20,18,10,1\nb1,b.nii.gz,b-mask.nii.gz,val,voxel,20,18,10,0\n");
    const { cases } = await csvCases(path.join(folder, "labels.csv"), { ...options, reach: 4 });
    // 3 mm to the left are 3 voxels on along x, which runs to the left; 2 mm up are one slice.
    const left = (await cases[0].load(undefined, [-3, 0, 2])).volume;
    const affine = (await cases[0].load()).volume.affine as readonly number[];
    const direction = Math.sign(affine[0]);
    expect([...left.data]).toEqual(valuesOf([15 - 3 * direction, 13, 9], [10, 10, 4], 0));
    const far = (await cases[0].load(undefined, [99 * direction, 0, 0])).volume;
    expect([...far.data]).toEqual(valuesOf([19, 13, 8], [10, 10, 4], 0));
    const mask = await cases[1].loadMask?.(undefined, [3 * direction, 0, 0]);
    expect([...(mask?.data ?? [])].slice(0, 10)).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
  });

  test("a region that cannot be cut is a fault of its case", async () => {
    const folder = await files(
      "id,path,split,space,x,y,z,roi,roi_label,sick\na1,a.nii.gz,train,voxel,20,18,100,,,1\na2,a.nii.gz,train,,,,,lesions.nii.gz,9,0\na3,a.nii.gz,train,,,,,lesions.nii.gz,,0\na4,a.nii.gz,train,,,,,gone.nii.gz,,0\nb1,b.nii.gz,val,voxel,20,18,10,,,0\n",
    );
    const { cases } = await csvCases(path.join(folder, "labels.csv"), options);
    await expect(cases[0].load()).rejects.toMatchObject({ code: "REGION_ELSEWHERE" });
    await expect(cases[1].load()).rejects.toMatchObject({ code: "REGION_NOT_FOUND", message: expect.stringContaining("there are 2, 4") });
    await expect(cases[2].load()).rejects.toMatchObject({ code: "REGION_NOT_FOUND" });
    await expect(cases[3].load()).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
    expect((await cases[4].load()).volume.shape).toEqual([10, 10, 4]);
  });
});
