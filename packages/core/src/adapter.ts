// An adapter from its two files: manifest and tensors, checked against each other exactly.

import { checkTensors } from "./backbone.js";
import { adapterDoubts } from "./doubts.js";
import { loraMapPlace, loraMaps } from "./engine/fold.js";
import type { LoraTensors } from "./engine/types.js";
import { AnyMC3DError } from "./errors.js";
import { contentHash, sha256 } from "./hash.js";
import { fusionKind } from "./kinds/fusion/index.js";
import { headKind } from "./kinds/head/index.js";
import { poolingKind } from "./kinds/pooling/index.js";
import { type AdapterManifest, parseAdapterManifest } from "./manifest.js";
import { readSafetensors, toFloat32 } from "./safetensors.js";
import { taskKind } from "./tasks/index.js";
import type { Adapter, Backbone, BackboneSpec, Tensor, Tensors, Warning } from "./types.js";

/**
 * Reads an adapter. Whether its tensors fit is known once the backbone is: see {@link bindAdapter}.
 * @throws AnyMC3DError `MANIFEST_INVALID`, `SAFETENSORS_INVALID`, `TENSORS_MISMATCH` for values that are not finite,
 * `INTEGRITY_MISMATCH` for other weights than the manifest pins
 */
export async function loadAdapter(manifestJson: unknown, weights: Uint8Array): Promise<Adapter> {
  const manifest = parseAdapterManifest(manifestJson);
  const raw = readSafetensors(weights, `${manifest.name} weights`);
  const tensors = new Map<string, Tensor>();
  for (const [name, tensor] of raw) {
    const data = toFloat32(tensor);
    if (!data.every(Number.isFinite))
      throw new AnyMC3DError("TENSORS_MISMATCH", `adapter ${manifest.name}: tensor ${name} holds NaN or infinite values. Export the adapter again.`, {
        details: { notFinite: [name] },
      });
    tensors.set(name, { shape: tensor.shape, data });
  }
  const weightsHash = await contentHash(raw);
  const warnings = [...checkPin(manifest, weightsHash), ...adapterDoubts(manifest)];
  const text = JSON.stringify(sortKeys(manifestJson));
  const hash = `sha256-${await sha256(new TextEncoder().encode(`${text}\n${weightsHash}`))}`;
  return { manifest, tensors, hash, ...(warnings.length ? { warnings } : {}) };
}

/** `weights.hash` of a manifest, for the content of weights.safetensors. @throws AnyMC3DError `SAFETENSORS_INVALID` */
export const weightsHash = (weights: Uint8Array): Promise<string> => contentHash(readSafetensors(weights, "weights.safetensors"));

/** @throws AnyMC3DError `INTEGRITY_MISMATCH` */
function checkPin({ name, schemaVersion, weights }: AdapterManifest, found: string): Warning[] {
  if (!weights) {
    const message = `${name}: its adapter.json is of version ${schemaVersion} and does not say which weights belong to it; \`anymc3d adapter upgrade\` writes version 2, which does`;
    return [{ code: "WEIGHTS_NOT_PINNED", message }];
  }
  if (weights.hash === found) return [];
  throw new AnyMC3DError(
    "INTEGRITY_MISMATCH",
    `adapter ${name}: weights.safetensors holds ${found}, adapter.json expects ${weights.hash}. One of the two was replaced or damaged; fetch the adapter again.`,
    { details: { expected: weights.hash, found, of: "weights" } },
  );
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, sortKeys(inner)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Which LoRA maps a manifest adapts. */
function adaptedMaps(manifest: Pick<AdapterManifest, "modules">, spec: BackboneSpec): Map<string, { in: number; out: number }> {
  const { lora } = manifest.modules;
  const maps = new Map<string, { in: number; out: number }>();
  if (!lora) return maps;
  const first = spec.depth - (lora.lastBlocks ?? spec.depth);
  for (const [map, size] of loraMaps(spec)) {
    const { kind, block } = loraMapPlace(map);
    if (lora.targets.includes(kind) && (kind === "patch" || block >= first)) maps.set(map, size);
  }
  return maps;
}

/** Every tensor a manifest implies on a backbone, with its shape. */
export function adapterShapes(manifest: Pick<AdapterManifest, "modules" | "input" | "task">, spec: BackboneSpec): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  const { modules, input, task } = manifest;
  input.views.forEach((_, v) => {
    for (const [map, size] of adaptedMaps(manifest, spec)) {
      const rank = modules.lora?.rank ?? 0;
      shapes.set(`views.${v}.lora.${map}.A`, [rank, size.in]).set(`views.${v}.lora.${map}.B`, [size.out, rank]);
    }
    if (poolingKind(modules.pooling).query) shapes.set(`views.${v}.pool.query`, [spec.width]);
  });
  const fusion = fusionKind(modules.fusion);
  if (fusion.query) shapes.set("fusion.query", [spec.width]);
  const fused = fusion.width(input.views.length, spec.width);
  const head = headKind(modules.head).shapes(taskKind(task).outputs(task), fused);
  return shapes.set("head.weight", [...head.weight]).set("head.bias", [...head.bias]);
}

/** An adapter bound to a backbone: its parts by view. */
export interface BoundAdapter {
  readonly adapter: Adapter;
  readonly views: readonly { readonly lora: LoraTensors | undefined; readonly query: Float32Array | undefined }[];
  readonly fusion: Float32Array | undefined;
  readonly head: { readonly weight: Tensor; readonly bias: Tensor };
}

const bound = new WeakMap<Adapter, Map<string, BoundAdapter>>();

/**
 * Checks that an adapter belongs to a backbone and takes it apart. Binding the same adapter again returns the same parts.
 * @throws AnyMC3DError `BACKBONE_MISMATCH`, `TENSORS_MISMATCH`, `INPUT_SHAPE`
 */
export function bindAdapter(adapter: Adapter, backbone: Pick<Backbone, "name" | "hash" | "spec">): BoundAdapter {
  const known = bound.get(adapter)?.get(backbone.hash);
  if (known) return known;
  const { manifest, tensors } = adapter;
  if (manifest.backbone.hash !== backbone.hash) {
    throw new AnyMC3DError(
      "BACKBONE_MISMATCH",
      `adapter ${manifest.name} was made for backbone ${manifest.backbone.name} (${manifest.backbone.hash}), the engine runs ${backbone.name} (${backbone.hash}). Install the backbone it names.`,
      { details: { backbone: manifest.backbone.name, expected: manifest.backbone.hash, found: backbone.hash } },
    );
  }
  checkTensors(`adapter ${manifest.name}`, tensors, adapterShapes(manifest, backbone.spec));
  const faults = headKind(manifest.modules.head).faults((tensors.get("head.bias") as Tensor).data);
  if (faults.length)
    throw new AnyMC3DError("TENSORS_MISMATCH", `adapter ${manifest.name}: ${faults.join("; ")}. Export the adapter again.`, {
      details: { invalid: ["head.bias"] },
    });
  for (const { size } of manifest.input.views) {
    if (size.some((side) => side % backbone.spec.patch))
      throw new AnyMC3DError("INPUT_SHAPE", `adapter ${manifest.name}: slice size ${size} is no multiple of the backbone's patch, ${backbone.spec.patch}`);
  }
  const made: BoundAdapter = {
    adapter,
    views: manifest.input.views.map((_, v) => ({ lora: viewLora(manifest.modules.lora, tensors, v), query: tensors.get(`views.${v}.pool.query`)?.data })),
    fusion: tensors.get("fusion.query")?.data,
    head: { weight: tensors.get("head.weight") as Tensor, bias: tensors.get("head.bias") as Tensor },
  };
  bound.set(adapter, (bound.get(adapter) ?? new Map()).set(backbone.hash, made));
  return made;
}

/**
 * LoRA of one view out of an adapter's tensors; undefined without LoRA. A new object each time: engines remember a LoRA by its object.
 * The scale is alpha/rank, or alpha/√rank where it is rank-stabilised.
 */
export function viewLora(lora: AdapterManifest["modules"]["lora"], tensors: Tensors, view: number): LoraTensors | undefined {
  if (!lora) return undefined;
  const prefix = `views.${view}.lora.`;
  const own = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) if (name.startsWith(prefix)) own.set(name.slice(prefix.length), tensor);
  return { rank: lora.rank, scale: lora.alpha / (lora.rankStabilised ? Math.sqrt(lora.rank) : lora.rank), tensors: own };
}
