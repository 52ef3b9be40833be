// Regions: found in every orientation and space, cut out to the voxel, answered as the crop alone, put back in their place.
import { type Adapter, type Backbone, type ClassifyResult, checkStudy, classify, loadAdapter, type Region, type Tensor, type Volume } from "@anymc3d/core";
import { writeSafetensors } from "@anymc3d/core/engine";
import { adapterShapes, cutRegion, putBack, seededRandom } from "@anymc3d/core/learn";
import { loadTiny } from "@anymc3d/core/testing";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { axisOrders, expectClose, type Loose, manifestJson, pinned, positionOf, refusal, volumeOf } from "@anymc3d/testkit/expectations";
import { fixtures } from "@anymc3d/testkit/fixtures";
import { afterAll, describe, expect, test } from "vitest";

type Triple = readonly [number, number, number];

const whole = { kind: "whole" } as const;
const cut = (volume: Volume, region: Region, roi: Loose = whole) => cutRegion(volume, region, roi, "finder");
const marked = ({ noData, data }: Volume) => [...data.keys()].filter((i) => noData && (noData[i >> 3] >> (i & 7)) & 1);
/** Voxel (i, j, k) holds 10000·k + 100·j + i. */
const numbered = (shape: Triple, rest: Partial<Volume> = {}) => volumeOf(shape, (i, j, k) => 10_000 * k + 100 * j + i, rest);
const RAS = [2, 0, 0, -20, 0, 2, 0, -10, 0, 0, 3, 5, 0, 0, 0, 1];

describe("a box around a point", () => {
  test("the voxels whose centres lie in it, in every orientation and space", () => {
    for (const affine of axisOrders([1, 1.5, 2], [11, -7, 3])) {
      const volume = numbered([9, 8, 7], { affine });
      const [x, y, z] = positionOf(affine, [4, 5, 3]) as unknown as Triple;
      const regions: Region[] = [
        { point: [x, y, z], space: "RAS", size: 6 },
        { point: [-x, -y, z], space: "LPS", size: 6 },
        { point: [4, 5, 3], space: "voxel", size: 6 },
      ];
      for (const region of regions) {
        const { volume: part, place } = cut(volume, region);
        // 6 mm are ±3, ±2 and ±1.5 voxels.
        expect(place).toMatchObject({ start: [1, 3, 2], shape: [6, 4, 3] });
        expect([part.data[0], part.data.at(-1)]).toEqual([20_301, 40_606]);
        expectClose(positionOf(part.affine as number[], [0, 0, 0]), positionOf(affine, [1, 3, 2]), 1e-9);
        const corners = [positionOf(affine, [0.5, 2.5, 1.5]), positionOf(affine, [6.5, 6.5, 4.5])];
        for (const axis of [0, 1, 2]) {
          expect(place.mm?.[0][axis]).toBeCloseTo(Math.min(corners[0][axis], corners[1][axis]), 9);
          expect(place.mm?.[1][axis]).toBeCloseTo(Math.max(corners[0][axis], corners[1][axis]), 9);
        }
      }
    }
  });

  test("sizes are along the patient's axes, whatever the order of the voxels", () => {
    // x runs toward superior (2 mm), y toward right (1 mm), z toward anterior (1 mm).
    const volume = numbered([11, 12, 13], { affine: [0, 1, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 1] });
    // 3 mm right–left, 5 mm anterior–posterior, 12 mm superior–inferior.
    expect(cut(volume, { point: [5, 5, 5], space: "voxel", size: [3, 5, 12] }).place.shape).toEqual([6, 3, 5]);
  });

  test("ends at the volume's edge, and says so", () => {
    const volume = numbered([10, 10, 4], { affine: RAS });
    const { place, warnings } = cut(volume, { point: [0, 9, 0], space: "voxel", size: [8, 8, 3] });
    expect(place).toMatchObject({ start: [0, 7, 0], shape: [2, 3, 1] });
    // 2 × 3 of 4 × 4 voxels are inside.
    expect(warnings).toEqual([{ code: "REGION_CLIPPED", message: "63 % of the region lie outside of the volume, and are left out" }]);
    expect(cut(volume, { point: [4, 4, 1], space: "voxel", size: 4 }).warnings).toEqual([]);
  });

  test("what belongs to the voxels comes along", () => {
    const noData = new Uint8Array(12);
    noData[0] = 0b100;
    noData[11] = 0b1000_0000;
    const volume = numbered([6, 4, 4], { affine: RAS, noData, modality: "CT", meta: { units: "HU" }, labels: {} });
    const { volume: part } = cut(volume, { box: [[2, 0, 0], [5, 3, 3]], space: "voxel" }); // biome-ignore format: one line
    expect([part.shape, part.modality, part.meta, part.labels, marked(part)]).toEqual([[4, 4, 4], "CT", { units: "HU" }, {}, [0, 63]]);
    expect(part.data).toBeInstanceOf(Float32Array);
    const all = cut(volume, { box: [[0, 0, 0], [5, 3, 3]], space: "voxel" }); // biome-ignore format: one line
    expect(all.volume).toBe(volume);
  });

  test("outside of the volume: the space by which it lies inside is named", async () => {
    // RAS -20 … , so that LPS numbers of a point inside are outside as RAS.
    const volume = numbered([10, 10, 4], { affine: RAS });
    const inside = positionOf(RAS, [2, 6, 1]) as unknown as Triple;
    const error = await refusal(() => cut(volume, { point: [-inside[0], -inside[1], inside[2]], space: "RAS", size: 5 }));
    expect([error.code, error.details]).toEqual(["REGION_ELSEWHERE", { point: [16, -2, 8], space: "RAS", voxel: [18, 4, 1], others: ["LPS"] }]);
    expect(error.message).toMatch(
      /The point 16, -2, 8 \(RAS\) lies outside of the volume, which reaches over -21 to -1, -11 to 9, 3\.5 to 15\.5\. Taken as LPS it lies inside: .*--space lps/,
    );
    expect((await refusal(() => cut(volume, { point: [9, 8, 3], space: "RAS", size: 5 }))).message).toMatch(/Taken as voxel it lies inside/);
    expect((await refusal(() => cut(volume, { point: [900, 8, 3], space: "LPS", size: 5 }))).message).toMatch(
      /reaches over 1 to 21, -9 to 11, 3\.5 to 15\.5\. Is it of another scan/,
    );
    // The outer half of the outer voxels is inside.
    expect(cut(volume, { point: [-0.5, 9.5, 3], space: "voxel", size: 5 }).place.start[0]).toBe(0);
    expect((await refusal(() => cut(volume, { point: [-0.51, 9, 3], space: "voxel", size: 5 }))).code).toBe("REGION_ELSEWHERE");
  });

  test("without orientation: voxel indices, and millimetres are refused", async () => {
    const volume = numbered([10, 10, 4]);
    expect(cut(volume, { point: [4, 5, 1], space: "voxel", size: 3 }).place).toEqual({ start: [3, 4, 0], shape: [3, 3, 3] });
    const error = await refusal(() => cut(volume, { point: [4, 5, 1], space: "RAS", size: 3 }));
    expect([error.code, /--space voxel/.test(error.message)]).toEqual(["GEOMETRY_INVALID", true]);
  });

  test.each<[Loose, RegExp]>([
    [{ point: [1, 2], space: "RAS" }, /expected three numbers/],
    [{ point: [1, 2, Number.NaN], space: "RAS" }, /expected three numbers/],
    [{ point: ["1", 2, 3], space: "RAS" }, /expected three numbers/],
    [{ point: [1, 2, 3] }, /space` is undefined; expected "RAS", "LPS" or "voxel"/],
    [{ point: [1, 2, 3], space: "ras" }, /expected "RAS", "LPS" or "voxel"/],
    [{ point: [1, 2, 1], space: "voxel", size: 0 }, /expected mm above 0/],
    [{ point: [1, 2, 1], space: "voxel", size: [4, 4, -1] }, /expected mm above 0/],
    [{ point: [1, 2, 1], space: "voxel" }, /finder does not say how large a region around a point is: give `size`/],
    [{ point: [1.5, 2, 1], space: "voxel", size: 0.4 }, /holds the centre of no voxel: these are 2 × 2 × 3 mm/],
    [{ box: [[1, 2, 3]], space: "voxel" }, /two corners/],
    [{ box: [[1, 2, 3], [1, 4, 5]], space: "RAS" }, /has no size/], // biome-ignore format: one line
    [{}, /a region is \{ point, space \}/i],
    [null, /a region is/i],
    ["1,2,3", /a region is/i],
  ])("%j is refused", async (region, says) => {
    const error = await refusal(() => cut(numbered([10, 10, 4], { affine: RAS }), region));
    expect([error.code, error.message]).toEqual(["REGION_INVALID", expect.stringMatching(says)]);
  });
});

describe("a box", () => {
  test("in mm by its faces, as voxels with both corners in it, in any order of the corners", () => {
    const volume = numbered([10, 10, 4], { affine: RAS });
    const place = { start: [2, 3, 1], shape: [4, 2, 2] };
    expect(cut(volume, { box: [[2, 3, 1], [5, 4, 2]], space: "voxel" }).place).toMatchObject(place); // biome-ignore format: one line
    expect(cut(volume, { box: [[5, 3, 2], [2, 4, 1]], space: "voxel" }).place).toMatchObject(place); // biome-ignore format: one line
    // Faces of these voxels: x -17 … -9, y -5 … -1, z 6.5 … 12.5.
    const mm = [[-17, -5, 6.5], [-9, -1, 12.5]] as const; // biome-ignore format: one line
    expect(cut(volume, { box: mm, space: "RAS" }).place).toMatchObject({ ...place, mm });
    expect(cut(volume, { box: [[17, 5, 6.5], [9, 1, 12.5]], space: "LPS" }).place).toMatchObject({ ...place, mm }); // biome-ignore format: one line
    expect(cut(volume, { box: [[3, 3, 2], [3, 3, 2]], space: "voxel" }).place.shape).toEqual([1, 1, 1]); // biome-ignore format: one line
  });
  test("outside of the volume", async () => {
    const box = [[100, 100, 100], [120, 120, 120]] as const; // biome-ignore format: one line
    expect((await refusal(() => cut(numbered([4, 4, 4], { affine: RAS }), { box, space: "RAS" }))).message).toMatch(
      /outside of the volume.*Is it of another scan/,
    );
    const voxels = [[1, 2, 1], [3, 3, 3]] as const; // biome-ignore format: one line
    const error = await refusal(() => cut(numbered([4, 4, 4], { affine: RAS }), { box: voxels, space: "RAS" }));
    expect([error.details, error.message]).toEqual([
      { space: "RAS", others: ["voxel"] },
      expect.stringMatching(/box from 1, 2, 1 to 3, 3, 3 \(RAS\).*--space voxel/),
    ]);
  });
});

describe("a label of a mask", () => {
  const volume = numbered([10, 10, 6], { affine: RAS });
  const maskOf = (value: (i: number, j: number, k: number) => number, rest: Partial<Volume> = {}) => volumeOf([10, 10, 6], value, { affine: RAS, ...rest });
  const two = maskOf((i, j, k) => (i >= 2 && i <= 4 && j === 5 && k >= 1 && k <= 3 ? 3 : i > 7 && k === 5 ? 7 : 0), { labels: { 3: "Nodule", 7: "Vessel" } });

  test("by number, by name; of one alone without", () => {
    for (const label of [3, "Nodule", "3"]) expect(cut(volume, { mask: two, label }).place).toMatchObject({ start: [2, 5, 1], shape: [3, 1, 3] });
    expect(cut(volume, { mask: two, label: 7 }).place).toMatchObject({ start: [8, 0, 5], shape: [2, 10, 1] });
    const one = maskOf((i, j, k) => (i === 4 && j === 4 && k === 4 ? 0.9999999 : 0));
    expect(cut(volume, { mask: one }).place).toMatchObject({ start: [4, 4, 4], shape: [1, 1, 1] });
  });
  test("on another grid: by its place in the patient", () => {
    // Half the voxel size, the other way round, its x along the volume's z.
    const fine = volumeOf([18, 20, 20], (i, j, k) => (i >= 4 && i < 8 && j < 4 && k === 10 ? 1 : 0), {
      affine: [0, 0, 1, -20, 0, 1, 0, -10, -1, 0, 0, 22, 0, 0, 0, 1],
    });
    // In mm: x -10.5 … -9.5, y -10.5 … -6.5, z 22 - 7.5 … 22 - 3.5; voxels x 4.75 … 5.25, y -0.25 … 1.75, z 3.17 … 4.5.
    expect(cut(volume, { mask: fine }).place).toMatchObject({ start: [5, 0, 4], shape: [1, 2, 1] });
  });
  test("what is not there", async () => {
    const none = await refusal(() => cut(volume, { mask: two, label: "Kidney" }));
    expect([none.code, none.details, /has no voxel of label "Kidney"; there are 3 \(Nodule\), 7 \(Vessel\)/.test(none.message)]).toEqual([
      "REGION_NOT_FOUND",
      { labels: [3, 7] },
      true,
    ]);
    expect((await refusal(() => cut(volume, { mask: two }))).message).toMatch(/holds several labels; there are 3 \(Nodule\), 7 \(Vessel\)/);
    expect((await refusal(() => cut(volume, { mask: maskOf(() => 0) }))).message).toMatch(/mask is empty/);
    expect((await refusal(() => cut(volume, { mask: maskOf((i) => i / 3) }))).message).toMatch(/Is it the scan itself/);
    const other = volumeOf([5, 5, 5], () => 1);
    expect((await refusal(() => cut(volume, { mask: other }))).code).toBe("GEOMETRY_INVALID");
    expect((await refusal(() => cut(volume, { mask: maskOf(() => 1, { affine: RAS.map((v, i) => (i === 3 ? 500 : v)) }) }))).code).toBe("REGION_ELSEWHERE");
  });
});

describe("what an adapter declares", () => {
  const volume = numbered([40, 40, 20], { affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1] });
  const finger = { kind: "point", size: [11, 9, 6], margin: [4, 4, 0], least: 5, most: [21, 21, 30] };
  const mask = volumeOf([40, 40, 20], (i, j, k) => (Math.abs(i - 20) <= 4 && Math.abs(j - 20) <= 1 && Math.abs(k - 10) <= 3 ? 1 : 0), {
    affine: volume.affine,
  });

  test("size around a point, unless asked for; around a label at least that, and its margin", () => {
    expect(cut(volume, { point: [20, 20, 10], space: "voxel" }, finger).place).toMatchObject({ start: [15, 16, 9], shape: [11, 9, 3] });
    expect(cut(volume, { point: [20, 20, 10], space: "voxel", size: 7 }, finger).place).toMatchObject({ start: [17, 17, 9], shape: [7, 7, 3] });
    // 9 × 3 × 14 mm: 17 with the margin, 11, and 14; at least 11, 9 and 6.
    expect(cut(volume, { mask }, finger).place.shape).toEqual([17, 11, 7]);
    expect(cut(volume, { mask }, { kind: "box", margin: 2 }).place.shape).toEqual([13, 7, 9]);
    expect(cut(volume, { mask }).place.shape).toEqual([9, 3, 7]);
  });
  test("smaller or larger than it takes is refused, with its sizes", async () => {
    for (const size of [4, 22]) {
      const error = await refusal(() => cut(volume, { point: [20, 20, 10], space: "voxel", size }, finger));
      expect([error.code, error.message]).toEqual([
        "REGION_INVALID",
        expect.stringMatching(/finder takes 5 × 5 × 5 to 21 × 21 × 30 mm\. Give a (larger|smaller) one/),
      ]);
    }
    expect((await refusal(() => cut(volume, { box: [[0, 0, 0], [30, 5, 5]], space: "RAS" }, finger))).message).toMatch(/30 × 5 × 5 mm/); // biome-ignore format: one line
  });
});

test("a map goes back to where its region was", () => {
  const volume = numbered([5, 4, 3], { affine: RAS });
  const part = cut(volume, { box: [[1, 1, 1], [2, 3, 2]], space: "voxel" }); // biome-ignore format: one line
  const back = putBack(part.volume, part, volume);
  expect([...back.data]).toEqual([...volume.data].map((value, at) => (at % 5 >= 1 && at % 5 <= 2 && Math.floor(at / 5) % 4 >= 1 && at >= 20 ? value : 0)));
});

describe("classify() of a region", async () => {
  const HASH = `sha256-${"ab".repeat(32)}`;
  const tiny: Backbone = { ...(await loadTiny(fixtures, "tiny-dinov2")).backbone, hash: HASH };
  const engine = await createOnnxEngine(tiny, { threads: 1, chunk: 2 });
  afterAll(() => engine.dispose());
  const adapterOf = async (change: (m: Loose) => void = () => {}): Promise<Adapter> => {
    const manifest = manifestJson((m) => {
      m.backbone.hash = HASH;
      m.modules = { lora: null, pooling: "attention", fusion: "none", head: "linear" };
      Object.assign(m.input.views[0], { spacing: 1, expect: { extent: { range: [5, 30], otherwise: "refuse" } } });
      m.input.roi = { kind: "point", size: [12, 12, 8] };
      change(m);
    });
    const random = seededRandom(3);
    const tensors = new Map<string, Tensor>();
    for (const [name, shape] of adapterShapes(manifest, tiny.spec))
      tensors.set(name, { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.6 * (random() - 0.5)) });
    const weights = writeSafetensors(tensors);
    return loadAdapter(await pinned(manifest, weights), weights);
  };
  const scene = (x: number, y: number, z: number) => 0.5 + 0.5 * Math.sin(x * 0.4 + y * 0.23 - z * 0.31) * Math.cos(y * 0.2 + z * 0.6);
  const affine = [-1, 0, 0, 60, 0, -1, 0, 50, 0, 0, 2, -30, 0, 0, 0, 1];
  const study = volumeOf([100, 90, 40], (i, j, k) => scene(60 - i, 50 - j, 2 * k - 30), { affine });
  // The middle of voxels 30 … 41, 40 … 51, 10 … 13: 12 × 12 × 8 mm.
  const point = positionOf(affine, [35.5, 45.5, 11.5]) as unknown as Triple;
  const start = [30, 40, 10];
  const crop = volumeOf([12, 12, 4], (i, j, k) => study.data[(k + 10) * 9000 + (j + 40) * 100 + i + 30], {
    affine: affine.map((v, at) => (at % 4 === 3 && at < 12 ? positionOf(affine, start)[(at - 3) / 4] : v)),
  });

  test("equals that of the crop alone; slices and heatmap are told in the study's voxels", async () => {
    const adapter = await adapterOf();
    const alone = await classify(crop, adapter, { engine, heatmap: true });
    const found = await classify(study, adapter, { engine, heatmap: true, roi: { point, space: "RAS" } });
    expectClose(found.logits, alone.logits, 1e-5);
    expect(found.region).toMatchObject({ start, shape: [12, 12, 4] });
    expect(alone.region).toBeUndefined();
    expect(found.views[0].slices.map(({ index }) => index)).toEqual(alone.views[0].slices.map(({ index }) => index + 10));
    expect(found.heatmap).toMatchObject({ shape: study.shape, affine });
    const inRegion = cut(found.heatmap as Volume, { box: [[30, 40, 10], [41, 51, 13]], space: "voxel" }).volume; // biome-ignore format: one line
    expectClose(inRegion.data, (alone.heatmap as Volume).data, 1e-5);
    expect(found.heatmap?.data.filter((v) => v > 0)).toHaveLength(inRegion.data.filter((v) => v > 0).length);
    const own = await classify(study, adapter, { engine, heatmap: true, heatmapGrid: "region", roi: { point, space: "RAS" } });
    expect(own.heatmap).toMatchObject({ shape: crop.shape, affine: crop.affine });
    expect((await refusal(() => classify(study, adapter, { engine, heatmapGrid: "all" as never }))).code).toBe("OPTION_INVALID");
  });

  test("the checks see the region; without one the refusal says how to give it, and never to force it", async () => {
    const adapter = await adapterOf();
    const error = await refusal(() => classify(study, adapter, { engine }));
    expect([error.code, error.message]).toEqual([
      "INPUT_SIZE",
      expect.stringMatching(/extent is 100 mm.*give a region, roi: \{ point, space \} \(--at x,y,z\)/),
    ]);
    expect(error.message).not.toContain("checks");
    expect(checkStudy(study, adapter.manifest).verdict).toBe("refused");
    expect(checkStudy(study, adapter.manifest, { roi: { point, space: "RAS" } }).verdict).toBe("accepted");
    expect(checkStudy(study, adapter.manifest, { roi: { point: [999, 0, 0], space: "RAS" } })).toMatchObject({
      verdict: "impossible",
      findings: [{ code: "REGION_ELSEWHERE" }],
    });
    const small = await refusal(() => classify(study, adapter, { engine, roi: { point, space: "RAS", size: 3 } }));
    expect(small.message).toMatch(/extent is 3 mm.*Give a larger region/);
  });

  test("a list gives a list: of forty regions two fail, and the others are answered", async () => {
    const adapter = await adapterOf();
    const regions = Array.from({ length: 40 }, (_, n): Region => ({ point: n === 7 ? [999, 0, 0] : [20 - n, 10, n === 23 ? 999 : 0], space: "RAS", size: 8 }));
    const steps: number[] = [];
    const answers = await classify(study, adapter, {
      engine,
      roi: regions,
      onProgress: ({ stage, done, total }) => void (stage === "encode" && steps.push(done / total)),
    });
    const failed = answers.flatMap((answer, n) => ("error" in answer ? [[n, answer.error.code]] : []));
    expect(failed).toEqual([[7, "REGION_ELSEWHERE"], [23, "REGION_ELSEWHERE"]]); // biome-ignore format: one line
    const single = await classify(study, adapter, { engine, roi: regions[30] });
    expectClose((answers[30] as ClassifyResult).logits, single.logits, 1e-5);
    expect(steps.every((step, i) => i === 0 || step >= steps[i - 1]) && steps.at(-1) === 1).toBe(true);
    expect((await refusal(() => classify(study, adapter, { engine, roi: [] }))).code).toBe("OPTION_INVALID");
    const stop = new AbortController();
    await expect(
      classify(study, adapter, { engine, signal: stop.signal, roi: regions, onProgress: ({ done }) => done >= 3 && stop.abort() }),
    ).rejects.toMatchObject({ name: "AbortError" });
  });

  test("of several sources the same place in each", async () => {
    const adapter = await adapterOf((m) => {
      const [view] = m.input.views;
      m.input.views = [{ ...view, source: "t1" }, { ...view, source: "t2" }]; // biome-ignore format: one line
      m.modules.fusion = "attention";
    });
    const shifted = volumeOf([100, 90, 40], (i, j, k) => study.data[k * 9000 + j * 100 + i], { affine: affine.map((v, at) => (at === 3 ? v + 5 : v)) });
    const result = await classify({ t1: study, t2: shifted }, adapter, { engine, heatmap: true, heatmapGrid: "region", roi: { point, space: "RAS" } });
    expect(positionOf(result.heatmaps?.t1.affine as number[], [0, 0, 0])).toEqual(positionOf(result.heatmaps?.t2.affine as number[], [0, 0, 0]));
    expect(result.region).toMatchObject({ start });
  });
});
