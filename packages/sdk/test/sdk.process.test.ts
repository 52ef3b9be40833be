// The SDK as a program uses it: sources of every kind, adapters by module and folder, abort, fallbacks.
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import lungNodule, { sample } from "@anymc3d/adapter-lung-nodule";
import { slice, words } from "@anymc3d/testkit/dicom";
import { describe, expect, test } from "vitest";
import { checkStudy, classify, createClassifier, createEngine, isAbortError, openAdapter, openBackbone, readVolume, writeVolume } from "../src/index.js";

const folder = fileURLToPath(new URL("../../adapters-lung-nodule", import.meta.url));
/** PyTorch's logits of the sample. */
const LOGITS = [2.69495, 2.0404, 1.66451, -5.02184, -3.10637];

function expectLogits(result: { logits: readonly number[] }): void {
  result.logits.forEach((logit, i) => expect(logit).toBeCloseTo(LOGITS[i], 3));
}

describe("classify()", () => {
  test("a URL and an imported adapter, with heatmap", async () => {
    const result = await classify(sample, lungNodule, { heatmap: true });
    expectLogits(result);
    expect(result.provenance.engine).toBe("onnxruntime-node/cpu");
    expect(result.heatmap?.shape).toEqual((await readVolume(sample)).shape);
    expect(result.warnings).toEqual([]);
  });

  test("the same CT as a DICOM series, its files in any order; its modality is known", async () => {
    const { data, shape, affine = [] } = await readVolume(sample);
    const size = shape[0] * shape[1];
    // RAS to LPS: x and y change their sign.
    const lps = (column: number, scale = 1) => [-affine[column], -affine[4 + column], affine[8 + column]].map((value) => value / scale);
    const spacing = [0, 1].map((column) => Math.hypot(...lps(column)));
    const files = Array.from({ length: shape[2] }, (_, k) => {
      const position = lps(3).map((value, axis) => value + k * lps(2)[axis]);
      const bytes = slice(k, [0], {
        "00200032": ["DS", position],
        "00200037": ["DS", [...lps(0, spacing[0]), ...lps(1, spacing[1])].map((value) => value.toFixed(12)).join("\\")],
        "00280010": ["US", shape[1]],
        "00280011": ["US", shape[0]],
        "00280030": ["DS", [spacing[1], spacing[0]]],
        "7fe00010": ["OW", words([...data.subarray(k * size, (k + 1) * size)])],
      });
      return new File([bytes as Uint8Array<ArrayBuffer>], `${(7 * k) % shape[2]}`);
    });
    const result = await classify([...files].reverse(), lungNodule);
    expectLogits(result);
    expect(result.warnings).toEqual([]);
    const mr = { ...(await readVolume(files)), modality: "MR" };
    await expect(classify(mr, lungNodule)).rejects.toMatchObject({ code: "INPUT_MODALITY" });
  });

  test("regions of a scan: a point, a mask from a file; what fails of a list is its own answer", async () => {
    const crop = await readVolume(sample);
    const [nx, ny, nz] = crop.shape;
    const shape = [nx + 40, ny + 30, nz + 6] as const;
    const inCrop = (n: number) => [(n % shape[0]) - 25, (Math.floor(n / shape[0]) % shape[1]) - 10, Math.floor(n / (shape[0] * shape[1])) - 2] as const;
    const isInside = ([i, j, k]: readonly number[]) => i >= 0 && j >= 0 && k >= 0 && i < nx && j < ny && k < nz;
    const fill = (value: (place: readonly number[]) => number) => Int16Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, n) => value(inCrop(n)));
    const affine = (crop.affine as number[]).map((v, at, m) => (at < 12 && at % 4 === 3 ? v - 25 * m[at - 3] - 10 * m[at - 2] - 2 * m[at - 1] : v));
    const scan = { ...crop, shape, affine, data: fill((place) => (isInside(place) ? crop.data[(place[2] * ny + place[1]) * nx + place[0]] : -900)) };
    const folder = await mkdtemp(join(tmpdir(), "anymc3d-roi-"));
    const mask = join(folder, "mask.nii.gz");
    await writeVolume(mask, { ...scan, data: fill((place) => (isInside(place) ? 5 : 0)) });
    const box = [[25, 10, 2], [24 + nx, 9 + ny, 1 + nz]] as const; // biome-ignore format: one line
    const classifier = await createClassifier();
    const roi = [{ box, space: "voxel" }, { mask, label: 6 }, { point: [0, 0, 9999], space: "LPS" }] as const; // biome-ignore format: one line
    const answers = await classifier.classify(scan, lungNodule, { roi });
    expect(answers.map((answer) => ("error" in answer ? answer.error.code : "answered"))).toEqual(["answered", "REGION_NOT_FOUND", "REGION_ELSEWHERE"]);
    if ("error" in answers[0]) throw answers[0].error;
    expectLogits(answers[0]);
    // The label spans the sample; the adapter adds 10 mm in the plane.
    const result = await classifier.classify(scan, lungNodule, { roi: { mask }, heatmap: true, heatmapGrid: "region" });
    expect(result.region?.shape).toEqual(result.heatmap?.shape);
    expect(result.region?.shape[2]).toBe(nz);
    expect(await checkStudy(scan, lungNodule, { roi: { box, space: "voxel" } })).toEqual({ verdict: "accepted", findings: [] });
    expect((await checkStudy(scan, lungNodule, { roi: { mask, label: 6 } })).verdict).toBe("impossible");
    await classifier.dispose();
    await rm(folder, { recursive: true });
  });

  test("abort before and during work", async () => {
    await expect(classify(sample, lungNodule, { signal: AbortSignal.abort() })).rejects.toSatisfy(isAbortError);
    const controller = new AbortController();
    const work = classify(sample, lungNodule, { signal: controller.signal, onProgress: ({ stage }) => stage === "encode" && controller.abort() });
    await expect(work).rejects.toSatisfy(isAbortError);
  });
});

describe("createClassifier()", () => {
  test("one engine for paths, bytes, blobs and volumes; adapters by module, folder and name", async () => {
    const classifier = await createClassifier();
    const bytes = await readFile(sample);
    const volume = await readVolume(sample);
    for (const source of [fileURLToPath(sample), bytes, new Blob([bytes]), volume, { volume }]) expectLogits(await classifier.classify(source, lungNodule));
    for (const adapter of [folder, pathToFileURL(folder), "lung-nodule", "@anymc3d/adapter-lung-nodule", await openAdapter(lungNodule)])
      expectLogits(await classifier.classify(volume, adapter));
    await classifier.dispose();
    await expect(classifier.classify(volume, lungNodule)).rejects.toMatchObject({ code: "ENGINE_DISPOSED" });
  });

  test("options that do not exist, or lie in the wrong place, are refused", async () => {
    await expect(classify(sample, lungNodule, { heatmap: "gradcam" as never })).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringMatching(/heatmap is "gradcam"/),
    });
    await expect(classify(sample, lungNodule, { read: { frmae: 0 } as never })).rejects.toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringMatching(/no option frmae/),
    });
    await expect(openBackbone({} as never)).rejects.toMatchObject({ code: "BACKBONE_NOT_FOUND" });
    const refused = (options: object) => expect(classify(sample, lungNodule, options)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await refused({ precison: "int8" });
    await refused({ precision: "fp16" });
    await refused({ checks: "ignore" });
    await refused({ threads: -1 });
    await expect(classify(sample, lungNodule, { modality: "MR" } as object)).rejects.toThrow(/read: \{ modality/);
    await expect(classify(sample, lungNodule, { read: { modality: "MR" } })).rejects.toMatchObject({ code: "INPUT_MODALITY" });
  });

  test("what is missing is named", async () => {
    await expect(openAdapter("./no-such-folder")).rejects.toMatchObject({ code: "ADAPTER_NOT_FOUND" });
    await expect(openAdapter("never-published")).rejects.toMatchObject({
      code: "ADAPTER_NOT_FOUND",
      message: expect.stringContaining("npm install @anymc3d/adapter-never-published"),
    });
    await expect(openBackbone("./no-such-folder")).rejects.toMatchObject({ code: "BACKBONE_NOT_FOUND" });
    const backbone = await openBackbone();
    await expect(createEngine(backbone, { engine: "abacus" as "auto" })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(createEngine(backbone, { engine: "tfjs/wasm", precision: "int8" })).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });
});

test("an adapter that could not be loaded once is asked for again", async () => {
  const place = await mkdtemp(join(tmpdir(), "anymc3d-late-"));
  const late = { name: "late", manifest: pathToFileURL(join(place, "adapter.json")), weights: pathToFileURL(join(place, "adapter.safetensors")) };
  const classifier = await createClassifier();
  try {
    await expect(classifier.classify(sample, late)).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
    await cp(lungNodule.manifest, late.manifest);
    await cp(lungNodule.weights, late.weights);
    expectLogits(await classifier.classify(sample, late));
  } finally {
    await classifier.dispose();
    await rm(place, { recursive: true });
  }
});
