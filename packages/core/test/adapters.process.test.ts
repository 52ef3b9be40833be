// The shipped adapters on the shipped backbone, end to end: the logits and slice weights that PyTorch gives from the same files
// (scripts/reference/adapter_logits.py), and their conformance vectors.
import { readFile } from "node:fs/promises";
import { type Adapter, checkConformance, classify, loadAdapter, type Volume } from "@anymc3d/core";
import { readTensors, writeSafetensors } from "@anymc3d/core/engine";
import { weightsHash } from "@anymc3d/core/learn";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { type NpyArray, readNpz, readVolume } from "@anymc3d/io";
import { expectClose, refusal } from "@anymc3d/testkit/expectations";
import { hasShared, shared, shippedBackbone } from "@anymc3d/testkit/fixtures";
import { afterAll, describe, expect, test } from "vitest";

const engine = await createOnnxEngine(await shippedBackbone());
afterAll(() => engine.dispose());

const packageFile = (name: string, file: string) => new URL(`../../adapters-${name}/${file}`, import.meta.url);
const readJson = async (url: URL) => JSON.parse(await readFile(url, "utf8"));
const weightsOf = (name: string) => readFile(packageFile(name, "weights.safetensors"));
const open = async (name: string) => loadAdapter(await readJson(packageFile(name, "adapter.json")), await weightsOf(name));

if (!hasShared) console.warn("SKIPPED: validation volumes of the shipped adapters, ../shared is absent");
const archives = new Map<string, ReadonlyMap<string, NpyArray>>();

/** "sample.nii.gz" of the package, "ct_0009.nii.gz" of the lung nodules, "adrenalmnist3d_64_trainval.npz#val_images[4]". */
async function volumeOf(adapter: string, name: string): Promise<Volume> {
  if (name.startsWith("sample")) return readVolume(packageFile(adapter, name));
  const [file, array, index] = name.split(/[#[\]]/);
  if (!array) return readVolume(`${shared}/data/lung-nodule/images/${name}`);
  const held = archives.get(file) ?? readNpz(await readFile(`${shared}/data/${file.startsWith("adrenal") ? "adrenal" : "vessel"}/${file}`), { only: [array] });
  archives.set(file, held);
  const { data, shape } = held.get(array) as NpyArray;
  const size = shape[1] * shape[2] * shape[3];
  return { data: data.subarray(Number(index) * size, (Number(index) + 1) * size), shape: [shape[3], shape[2], shape[1]] };
}

describe.each(["lung-nodule", "adrenal-shape", "vessel-aneurysm"])("%s", async (name) => {
  const adapter: Adapter = await open(name);
  const expected: Record<string, { logits: number[]; sliceWeights: number[] }> = await readJson(new URL(`reference/${name}.json`, import.meta.url));
  const volumes = Object.keys(expected);

  test.each(volumes.filter((volume) => hasShared || volume.startsWith("sample")))("%s: PyTorch's logits and slice weights", async (volume) => {
    const { logits: found, views } = await classify(await volumeOf(name, volume), adapter, { engine });
    const { logits, sliceWeights } = expected[volume];
    expectClose(found, logits, 0.02);
    expectClose(views[0].slices.map(({ weight }) => weight), sliceWeights, 0.02); // biome-ignore format: a line
  });

  test.skipIf(name === "lung-nodule" || !hasShared)("a mask of 0 and 1, as other programs write it, is refused", async () => {
    const mask = await volumeOf(name, volumes[0]);
    const binary = { ...mask, data: Uint8Array.from(mask.data, (value) => Math.min(value, 1)) };
    const { code, message } = await refusal(() => classify(binary, adapter, { engine }));
    expect([code, message]).toEqual(["INPUT_VALUES", expect.stringMatching(/largest voxel value is 1, expected 255\./)]);
  });

  test("the conformance vector passes as shipped", async () =>
    expect(await checkConformance(adapter, engine)).toBeLessThan(adapter.manifest.conformance.tolerance));
});

describe("the bundled lung nodule, ct_0258", () => {
  test("decisions, and a heatmap on the CT's own grid", async () => {
    const volume = await readVolume(packageFile("lung-nodule", "sample.nii.gz"));
    const before = volume.data.slice();
    const result = await classify(volume, await open("lung-nodule"), { engine, heatmap: true });
    // Rated malignant and spiculated by the majority of its radiologists; lobulated is the adapter's opinion alone.
    expect(result.labels.filter(({ positive }) => positive).map(({ id }) => id)).toEqual(["malignant", "spiculated", "lobulated"]);
    expect(result.warnings).toEqual([]);
    expect(result.heatmap?.shape).toEqual(volume.shape);
    expect(result.heatmap?.affine).toEqual(volume.affine);
    expect(Math.max(...(result.heatmap?.data ?? []))).toBe(1);
    expect(volume.data).toEqual(before);
  });
});

describe("a conformance vector catches", () => {
  test("another vector: CONFORMANCE_FAILED with found and expected", async () => {
    const tampered = await readJson(packageFile("lung-nodule", "adapter.json"));
    tampered.conformance.logits[2] += 0.1;
    const error = await refusal(async () => checkConformance(await loadAdapter(tampered, await weightsOf("lung-nodule")), engine));
    expect(error.code).toBe("CONFORMANCE_FAILED");
    expect(error.message).toContain(String(tampered.conformance.logits[2]));
  });

  test("tampered weights, and another LoRA scale", async () => {
    const manifest = await readJson(packageFile("lung-nodule", "adapter.json"));
    const weights = await weightsOf("lung-nodule");
    const other = structuredClone(manifest);
    other.modules.lora.alpha = 32;
    expect((await refusal(async () => checkConformance(await loadAdapter(other, weights), engine))).code).toBe("CONFORMANCE_FAILED");
    const tensors = readTensors(weights);
    tensors.get("head.weight")?.data.fill(0, 0, 20);
    const replaced = writeSafetensors(tensors);
    expect((await refusal(() => loadAdapter(manifest, replaced))).code).toBe("INTEGRITY_MISMATCH");
    const pinnedAgain = { ...manifest, weights: { hash: await weightsHash(replaced) } };
    expect((await refusal(async () => checkConformance(await loadAdapter(pinnedAgain, replaced), engine))).code).toBe("CONFORMANCE_FAILED");
  });
});
