// A tiny backbone, an adapter of random weights for it with a right conformance vector, and a volume.
import { type Adapter, type Backbone, loadAdapter, type Tensor } from "@anymc3d/core";
import { writeSafetensors } from "@anymc3d/core/engine";
import { adapterShapes, conformanceLogits, seededRandom } from "@anymc3d/core/learn";
import { loadTiny } from "@anymc3d/core/testing";
import { type Loose, manifestJson, pinned, volumeOf } from "@anymc3d/testkit/expectations";
import { fixtures } from "@anymc3d/testkit/fixtures";
import { plainEngine } from "./plain-engine.js";

export const backbone: Backbone = { ...(await loadTiny(fixtures, "tiny-dinov2")).backbone, hash: `sha256-${"cd".repeat(32)}` };
export const volume = volumeOf([20, 24, 5], (i, j, k) => Math.sin(i * 0.4 + j * 0.23) * Math.cos(k), {
  affine: [-1, 0, 0, 10, 0, -1, 0, 12, 0, 0, 2, -4, 0, 0, 0, 1],
});

/** With the vector that a plain engine computes; `damage`: tensors changed after that, and pinned as they are. */
export async function tinyAdapter(damage: (name: string, value: number) => number = (_, value) => value): Promise<Adapter> {
  const manifest = manifestJson((m: Loose) => {
    m.backbone.hash = backbone.hash;
    m.modules = { lora: { rank: 2, alpha: 4, targets: ["patch", "qkv", "proj"] }, pooling: "attention", fusion: "none", head: "linear" };
    m.input.views[0].spacing = 1;
  });
  const random = seededRandom(4);
  const tensors = new Map<string, Tensor>();
  for (const [name, shape] of adapterShapes(manifest, backbone.spec))
    tensors.set(name, { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random() - 0.5) });
  const whole = writeSafetensors(tensors);
  manifest.conformance.logits = await conformanceLogits(await loadAdapter(await pinned(manifest, whole), whole), plainEngine(backbone));
  const weights = writeSafetensors(new Map([...tensors].map(([name, { shape, data }]) => [name, { shape, data: data.map((value) => damage(name, value)) }])));
  return loadAdapter(await pinned(manifest, weights), weights);
}
