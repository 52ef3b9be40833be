// labels.csv and a folder → cases; one check that lists every fault; masks; class balance.
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseTrainConfig, type Task } from "../src/config.js";
import { checkCases } from "../src/data/check-cases.js";
import { csvCases } from "../src/data/csv-cases.js";
import { expectationsOf, looksOf } from "../src/data/looks.js";
import { checkLabels, summariseCases } from "../src/data/summary.js";
import { binaryTask, folderOf, lps, multilabelTask, taskJson, volumeOf } from "./build.js";

const ct = (depth: number, spacing = 0.8) => volumeOf([6, 5, depth], lps([spacing, spacing, 2.5]));
const mask = (depth: number, inside: boolean) => volumeOf([6, 5, depth], lps([0.8, 0.8, 2.5]), (i) => (inside && i > 2 ? 1 : 0));
const one = { task: binaryTask, sources: ["volume"] };

test("rows become cases; images and masks are read when asked for", async () => {
  const folder = await folderOf({
    "labels.csv": "id,group,split,sick,mask\n0001,p1,train,1,masks/x.nii.gz\n001,p2,train,0,\n1,p3,dev,,\n2,p3,dev,0,\n",
    "images/0001.nii.gz": ct(4),
    "images/001.nii": ct(3),
    "images/2.nii.gz": ct(3),
    "masks/x.nii.gz": mask(4, true),
  });
  const { cases, warnings } = await csvCases(path.join(folder, "labels.csv"), { ...one, read: { modality: "CT" } });
  expect(cases.map(({ id, group, split, labels, loadMask }) => [id, group, split, labels.get("sick"), loadMask !== undefined])).toEqual([
    ["0001", "p1", "train", 1, true],
    ["001", "p2", "train", 0, false],
    ["2", "p3", "val", 0, false],
  ]);
  expect(warnings).toEqual([{ code: "NO_LABEL", message: expect.stringContaining("1 of 4 rows have no label") }]);
  expect(await cases[0].load()).toMatchObject({ volume: { ...ct(4), affine: expect.anything(), modality: "CT" } });
  expect((await cases[0].loadMask?.())?.data.filter((v) => v > 0)).toHaveLength(3 * 5 * 4);
  const without = await csvCases(path.join(folder, "labels.csv"), { ...one, masks: false });
  expect(without.cases[0].loadMask).toBeUndefined();
});

test("several volumes a study", async () => {
  const folder = await folderOf({
    "labels.csv": "id,path:t1,path:t2,sick\na,a1.nii,a2.nii,1\nb,b1.nii,b2.nii,0\n",
    "a1.nii": ct(2),
    "a2.nii": ct(3),
    "b1.nii": ct(4),
    "b2.nii": ct(5),
  });
  const { cases } = await csvCases(path.join(folder, "labels.csv"), { task: binaryTask, sources: ["t1", "t2", "t1"] });
  const volumes = await cases[0].load();
  expect([volumes.t1.shape[2], volumes.t2.shape[2]]).toEqual([2, 3]);
  const { volumes: facts } = await checkCases(cases);
  expect(looksOf(facts).map(({ source, shape }) => [source, shape[2]])).toEqual([["t1", [2, 4]], ["t2", [3, 5]]]); // biome-ignore format: one line
});

describe("the check before training", () => {
  const files = async () =>
    folderOf({
      "labels.csv": [
        "id,split,sick,mask",
        "good,train,1,masks/good.nii",
        "gone,train,0,",
        "cut,train,0,",
        "web,train,1,",
        "nan,val,1,",
        "nomask,val,0,masks/none.nii",
        "othergrid,val,0,masks/other.nii",
        "empty,val,1,masks/empty.nii",
      ].join("\n"),
      "images/good.nii": ct(4),
      "images/cut.nii": new Uint8Array(348),
      "images/web.nii": "<!DOCTYPE html><html><body>Sign in</body></html>",
      "images/nan.nii": { ...ct(2), data: Float32Array.from({ length: 60 }, (_, i) => (i === 7 ? Number.NaN : i)) },
      "images/nomask.nii": ct(2),
      "images/othergrid.nii": ct(2),
      "images/empty.nii": ct(3),
      "masks/good.nii": mask(4, true),
      "masks/other.nii": volumeOf([2, 2, 2], lps([2.4, 2, 2.5]), () => 1),
      "masks/empty.nii": mask(3, false),
    });

  test("lists all that cannot be read, each with file and code, and goes on (O59)", async () => {
    const csv = path.join(await files(), "labels.csv");
    const { cases } = await csvCases(csv, one);
    const steps: number[] = [];
    const checked = await checkCases(cases, { onProgress: (done, total) => steps.push(done / total) });
    expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => n / 8));
    expect(checked.faults.map(({ id, code }) => [id, code])).toEqual([
      ["gone", "FILE_NOT_FOUND"],
      ["cut", "FORMAT_UNKNOWN"],
      ["web", "FORMAT_UNKNOWN"],
      ["nan", "VOXELS_NOT_FINITE"],
      ["nomask", "FILE_NOT_FOUND"],
      ["othergrid", "DATA_INVALID"],
    ]);
    expect(checked.faults[0]).toMatchObject({ origin: "labels.csv line 3", message: expect.stringContaining("images/gone.*") });
    expect(checked.faults[5]).toMatchObject({ origin: expect.stringContaining("images/othergrid.nii"), message: expect.stringContaining("masks/other.nii") });
    expect(checked.cases.map(({ id }) => id)).toEqual(["good", "empty"]);
    expect([...checked.emptyMasks]).toEqual(["empty"]);
    const again = await checkCases((await csvCases(csv, { ...one, resampleMasks: true })).cases);
    expect(again.faults.map(({ id }) => id)).toEqual(["gone", "cut", "web", "nan", "nomask"]);
  });

  test("lists what cannot be prepared, masks that are scans, and scans that are in both splits", async () => {
    const folder = await folderOf({
      "labels.csv": "id,split,sick,mask\na,train,1,\nb,val,0,\nc,val,1,images/c.nii\nd,train,0,\ne,val,0,masks/soft.nii\n",
      "images/a.nii": ct(4),
      "images/b.nii": ct(4),
      "images/c.nii": { ...ct(3), data: ct(3).data.map((value: number) => value - 1000) as Int16Array },
      "images/d.nii": { ...ct(2), data: ct(2).data.map(() => -5) as Int16Array },
      "images/e.nii": ct(5),
      "masks/soft.nii": { ...ct(5), data: Float32Array.from({ length: ct(5).data.length }, (_, i) => i / 1000) },
    });
    const { cases } = await csvCases(path.join(folder, "labels.csv"), one);
    const { views } = parseTrainConfig(taskJson(binaryTask)).input;
    const filled = views.map((view) => ({ ...view, slices: { choice: "foreground" as const, above: 0 } }));
    const { faults } = await checkCases(cases, { views: filled });
    expect(faults.map(({ id, code }) => [id, code])).toEqual([["b", "DATA_INVALID"], ["c", "INPUT_VALUES"], ["d", "INPUT_VALUES"], ["e", "DATA_INVALID"]]); // biome-ignore format: a line
    expect(faults[0].message).toMatch(/images\/b\.nii has the same voxels as case a of the train split/);
    const unprepared = await checkCases(cases);
    expect(unprepared.faults.find(({ id }) => id === "c")?.message).toMatch(/mask of c has values from -1000/);
    expect(unprepared.faults.find(({ id }) => id === "e")?.message).toMatch(/mask of e has the value 0\.001/);
    expect(new Set(unprepared.contents.values()).size).toBe(2);
  });

  test("stops when told to", async () => {
    const { cases } = await csvCases(path.join(await files(), "labels.csv"), one);
    const stop = new AbortController();
    const check = checkCases(cases, { signal: stop.signal, onProgress: (done) => done === 2 && stop.abort() });
    await expect(check).rejects.toMatchObject({ name: "AbortError" });
  });

  test("says what the volumes look like, and what an adapter may expect", async () => {
    const folder = await folderOf({
      "labels.csv": "id,split,sick\nx,train,1\ny,train,0\nz,val,0\n",
      "images/x.nii": ct(4),
      "images/y.nii": ct(9, 0.5),
      "images/z.nii": ct(30),
    });
    const { cases } = await csvCases(path.join(folder, "labels.csv"), { ...one, read: { modality: "CT" } });
    const { volumes } = await checkCases(cases);
    const facts = volumes.filter(({ split }) => split === "train");
    // voxels are i + 10·j + 100·k
    expect(looksOf(facts)).toEqual([
      {
        source: "volume",
        volumes: 2,
        shape: [[6, 6], [5, 5], [4, 9]], // biome-ignore format: a table
        spacing: [0, 1].map(() => [expect.closeTo(0.5, 6), expect.closeTo(0.8, 6)]).concat([[2.5, 2.5]]),
        minimum: [0, 0],
        maximum: [345, 845],
        modalities: ["CT"],
      },
    ]);
    const warn = (low: number, high: number) => ({ range: [expect.closeTo(low, 5), expect.closeTo(high, 5)], otherwise: "warn" });
    expect(expectationsOf(facts, { source: "volume", plane: "axial" })).toEqual({
      modality: ["CT"],
      minimum: warn(0, 0),
      maximum: warn(345, 845),
      // numpy.percentile of the two: 1.19, 172.5, 343.81 and 2.69, 422.5, 842.31; a twentieth of 842.31 - 1.19 is 42.056; outwards to four digits
      percentiles: { p1: warn(-40.87, 44.75), p50: warn(130.4, 464.6), p99: warn(301.7, 884.4) },
      pixelSpacing: warn(0.5, 0.8),
      sliceSpacing: warn(2.5, 2.5),
      extent: warn(2.5, 4.8),
      slices: warn(4, 9),
    });
    // Ten masks of 0 and 255: one of 0 and 1 is another encoding. Of two volumes, or with one that differs, nothing follows.
    const mask = { ...facts[0], minimum: 0, maximum: 255 };
    const refused = (value: number) => ({ range: [value, value], otherwise: "refuse" });
    const masks = Array.from({ length: 10 }, () => mask);
    const view = { source: "volume", plane: "axial" } as const;
    expect(expectationsOf(masks, view)).toMatchObject({ minimum: refused(0), maximum: refused(255), slices: warn(4, 4) });
    const zeros = { p1: 0, p50: 0, p99: 255 };
    const shapes = masks.map((each, i) => ({ ...each, percentiles: i === 0 ? { ...zeros, p99: 0 } : zeros }));
    const encoded = expectationsOf(shapes, view);
    expect(encoded.percentiles).toEqual({ p1: refused(0), p50: refused(0), p99: warn(0, 255) });
    expect(expectationsOf(masks.slice(1), view)).toMatchObject({ minimum: warn(0, 0), maximum: warn(255, 255) });
    expect(expectationsOf([...masks, { ...mask, maximum: 254 }], view)).toMatchObject({ minimum: warn(0, 0), maximum: warn(254, 255) });
    expect(expectationsOf(facts, { source: "volume", plane: "sagittal" })).toMatchObject({
      pixelSpacing: warn(0.5, 2.5),
      sliceSpacing: warn(0.5, 0.8),
      extent: warn(2.5, 22.5),
      slices: warn(6, 6),
    });
  });
});

describe("class balance", () => {
  const summaryOf = async (rows: string) => {
    const folder = await folderOf({ "labels.csv": `id,group,split,a,b,mask\n${rows}` });
    const { cases } = await csvCases(path.join(folder, "labels.csv"), { task: multilabelTask, sources: ["volume"] });
    return summariseCases(cases, multilabelTask, new Set(["x"]));
  };

  test("counts cases, groups, labels and masks by split", async () => {
    const summary = await summaryOf("x,p,train,1,0,x.nii\ny,p,train,0,,y.nii\nz,q,train,1,1,\nv,r,val,1,0,\nw,s,test,0,0,\n");
    expect(summary).toEqual([
      {
        split: "train",
        n: 3,
        groups: 2,
        labels: [
          { id: "a", positives: 2, negatives: 1, unknown: 0, text: "a: 2 of 3" },
          { id: "b", positives: 1, negatives: 1, unknown: 1, text: "b: 1 of 2 (1 unknown)" },
        ],
        masks: 2,
        emptyMasks: 1,
      },
      expect.objectContaining({ split: "val", n: 1, groups: 1, masks: 0, emptyMasks: 0 }),
      expect.objectContaining({ split: "test", n: 1 }),
    ]);
  });

  test("a label of one class: refused in training, warned of in validation, which is to know each", async () => {
    const learnable = await summaryOf("x,x,train,1,0,\ny,y,train,0,1,\nv,v,val,1,0,\nw,w,val,0,0,\n");
    expect(checkLabels(learnable, multilabelTask, "l.csv")).toEqual([
      { code: "ONE_CLASS", message: expect.stringMatching(/^l\.csv: .* for b \(0 positive, 2 negative, 0 unknown\): its AUROC is undefined/) },
    ]);
    const hopeless = await summaryOf("x,x,train,1,0,\ny,y,train,1,,\nv,v,val,0,1,\n");
    const check = () => checkLabels(hopeless, multilabelTask, "l.csv");
    expect(check).toThrow(expect.objectContaining({ code: "LABELS_INVALID" }));
    expect(check).toThrow(/one class only for a \(2 positive, 0 negative, 0 unknown\), b \(0 positive, 1 negative, 1 unknown\)/);
    const unjudged = await summaryOf("x,x,train,1,0,\ny,y,train,0,1,\nv,v,val,1,,\nw,w,val,0,,\n");
    expect(() => checkLabels(unjudged, multilabelTask, "l.csv")).toThrow(
      expect.objectContaining({ code: "LABELS_INVALID", message: expect.stringMatching(/^l\.csv: no validation case says anything of b, /) }),
    );
    // Of each label some, of none all.
    expect(checkLabels(await summaryOf("x,x,train,1,0,\ny,y,train,0,1,\nv,v,val,1,,\nw,w,val,,0,\n"), multilabelTask, "l.csv")).toHaveLength(2);
  });
});

test("no validation set, a patient in two splits, sources without columns, no file: refused at once", async () => {
  const cases = async (csv: string, sources = ["volume"]) => csvCases(path.join(await folderOf({ "labels.csv": csv }), "labels.csv"), { ...one, sources });
  await expect(cases("id,split,sick\nx,train,1\ny,test,0\n")).rejects.toMatchObject({
    code: "DATA_INVALID",
    message: expect.stringContaining("no validation set"),
  });
  await expect(cases("id,group,split,sick\nx,p,train,1\ny,p,val,0\n")).rejects.toMatchObject({ code: "LABELS_INVALID" });
  await expect(cases("id,sick\nx,1\ny,0\n", ["t1", "t2"])).rejects.toMatchObject({ code: "LABELS_INVALID", message: expect.stringContaining("path:t1") });
  await expect(csvCases("/nowhere/labels.csv", one)).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
});

test("without a split column groups are split by their names, the same way each time", async () => {
  const csv = ["id,group,sick", ...Array.from({ length: 20 }, (_, i) => `s${i},p${i >> 1},${i % 2}`)].join("\n");
  const folder = await folderOf({ "labels.csv": csv });
  const splitsOf = async (seed: number) => (await csvCases(path.join(folder, "labels.csv"), { ...one, seed })).cases.map(({ split }) => split);
  const [first, second, other] = [await splitsOf(1), await splitsOf(1), await splitsOf(2)];
  expect(first).toEqual(second);
  expect(other).not.toEqual(first);
  expect(first.filter((split) => split === "val")).toHaveLength(4);
});

const nodules = fileURLToPath(new URL("../../../../shared/data/lung-nodule/labels.csv", import.meta.url));
if (!existsSync(nodules)) console.warn(`SKIPPED: no ${nodules}`);

test.skipIf(!existsSync(nodules))("lung nodules: the published numbers of cases, real crops are read", async () => {
  const task: Task = { kind: "multilabel", labels: ["spiculated", "subsolid"].map((id) => ({ id, name: id })) };
  const { cases } = await csvCases(nodules, { task, sources: ["volume"], read: { modality: "CT" } });
  expect(summariseCases(cases, task).map(({ split, n }) => [split, n])).toEqual([["train", 667], ["val", 127]]); // biome-ignore format: one line
  const { faults, volumes } = await checkCases(cases.slice(0, 20));
  expect([faults, volumes.length]).toEqual([[], 20]);
});

test("expected ranges are rounded outwards, to four digits", () => {
  const facts = [0.5859379768371582, 0.70312344].map((spacing, i) => ({
    id: String(i),
    split: "train" as const,
    source: "volume",
    shape: [10, 10, 4] as const,
    affine: lps([spacing, spacing, 2.5]),
    minimum: -1024,
    maximum: 1234.56,
  }));
  const { pixelSpacing, sliceSpacing, maximum, minimum } = expectationsOf(facts, { source: "volume", plane: "axial" });
  expect([pixelSpacing?.range, sliceSpacing?.range, minimum?.range, maximum?.range]).toEqual([[0.5859, 0.7032], [2.5, 2.5], [-1024, -1024], [1234, 1235]]); // biome-ignore format: a line
});
