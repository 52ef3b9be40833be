// A whole classification of a 512×512×200 int16 CT, 64 slices of 224×224: what is not the backbone, peak memory, adapter swaps.
// usage: node benchmarks/pipeline.mjs [--slices N]     (npm run build first). Run it once with 64 and once with 640 slices to compare memory.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { classify } from "@anymc3d/core";
import { encode, selfTestInput, slicesOf } from "@anymc3d/core/engine";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { readVolume, writeNifti } from "@anymc3d/io";
import { lungNodule, backbone as openBackbone } from "./load.mjs";
import { spread } from "./statistics.mjs";

const { values } = parseArgs({ options: { slices: { type: "string", default: "64" }, rounds: { type: "string", default: "3" } } });
const count = Number(values.slices);
const folder = await mkdtemp(join(tmpdir(), "anymc3d-bench-"));
try {
  const shape = [512, 512, Math.max(200, count)];
  await makeVolume(shape);
  const backbone = await openBackbone();
  const engine = await createOnnxEngine(backbone);
  const adapter = withSlices(await lungNodule(), count);
  for (const [kind, file] of [
    [".nii", "ct.nii"],
    [".nii.gz", "ct.nii.gz"],
  ]) {
    const rest = [];
    const parts = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      const start = performance.now();
      const volume = await readVolume(join(folder, file));
      const read = performance.now() - start;
      const { provenance } = await classify(volume, adapter, { engine, heatmap: true, checks: "warn" });
      const { preprocess, encode, pool, heatmap } = provenance.times;
      const total = performance.now() - start;
      rest.push((100 * (total - encode)) / total);
      parts.push({ read, preprocess, encode, pool, heatmap, total });
    }
    const last = Object.entries(parts.at(-1)).map(([name, ms]) => `${name} ${ms.toFixed(0)}`);
    console.log(
      `${shape.join("×")} int16 ${kind}, ${count} slices of 224×224: ${spread(rest)} % of the time is not the backbone; last round, ms: ${last.join(", ")}`,
    );
  }
  console.log(`peak RSS ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
  await swaps(engine, backbone);
  await engine.dispose();
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Noise over smooth shapes in HU: neither flat (too easy to inflate) nor pure noise. */
async function makeVolume(shape) {
  const data = new Int16Array(shape[0] * shape[1] * shape[2]);
  let state = 1;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const [x, y] = [(i % 512) - 256, (Math.floor(i / 512) % 512) - 256];
    data[i] = (x * x + y * y < 40000 ? 40 : -1000) + (state >>> 27);
  }
  const bytes = writeNifti({ data, shape, affine: [-0.7, 0, 0, 0, 0, -0.7, 0, 0, 0, 0, 1.25, 0, 0, 0, 0, 1] });
  await writeFile(join(folder, "ct.nii"), bytes);
  await writeFile(join(folder, "ct.nii.gz"), gzipSync(bytes, { level: 1 }));
}

/** The lung-nodule adapter, made to look at `slices` slices of 224×224 over the whole plane. */
function withSlices(adapter, slices) {
  const view = { ...adapter.manifest.input.views[0], size: [224, 224], spacing: null, slices: { choice: "even", count: slices } };
  return { ...adapter, manifest: { ...adapter.manifest, input: { ...adapter.manifest.input, views: [view] } } };
}

/** A second adapter: no new session; what the change costs over running the same one again. */
async function swaps(engine, backbone) {
  const slices = slicesOf(new Float32Array(3 * 56 * 56), 56, 56);
  const time = async (lora) => {
    const start = performance.now();
    await encode(engine, slices, lora, {});
    return performance.now() - start;
  };
  const same = selfTestInput(backbone.spec, 1).lora;
  await time(same);
  const before = process.memoryUsage();
  const [again, fresh] = [[], []];
  for (let i = 0; i < 20; i++) {
    again.push(await time(same));
    fresh.push(await time(selfTestInput(backbone.spec, 100 + i).lora));
  }
  const after = process.memoryUsage();
  console.log(
    `adapter swap, one 56×56 slice, ms: same adapter ${spread(again)}, new adapter ${spread(fresh)}; 20 adapters later RSS ${((after.rss - before.rss) / 2 ** 20).toFixed(0)} MiB more`,
  );
}
