// A backbone's and an adapter's linear maps in the form engines multiply with: [in, out], constants folded in.
// Exact algebra, done once: the attention's 1/√(head size) goes into the query rows of qkv, LayerScale into proj and fc2,
// alpha/rank into LoRA's B. Engines then need neither operation.

import { tensorOf } from "../backbone.js";
import { AnyMC3DError } from "../errors.js";
import type { Backbone, BackboneSpec, Tensor } from "../types.js";
import type { LoraTensors } from "./types.js";

/** x·weight + bias. `weight` is [in, out]. */
export interface Linear {
  readonly in: number;
  readonly out: number;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** Scale and shift of a LayerNorm, [D] each. */
export interface Norm {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** One transformer block of a {@link FoldedBackbone}. */
export interface FoldedBlock {
  readonly norm1: Norm;
  readonly qkv: Linear;
  readonly proj: Linear;
  readonly norm2: Norm;
  /** Gated MLPs: gate columns first, then up columns. */
  readonly fc1: Linear;
  readonly fc2: Linear;
}

/** A backbone's matrices as engines multiply them, see {@link foldBackbone}. */
export interface FoldedBackbone {
  readonly patch: Linear;
  readonly blocks: readonly FoldedBlock[];
  readonly norm: Norm;
}

/** One adapted map: x·W becomes x·W + (x·a)·b. a [in, r], b [r, out], scale and constants in b. */
export interface FoldedLora {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly in: number;
  readonly out: number;
  readonly rank: number;
}

/** Transposes [rows, columns] and multiplies each row by its factor. */
function transpose(data: Float32Array, rows: number, columns: number, factor?: (row: number) => number): Float32Array {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    const f = factor ? factor(r) : 1;
    for (let c = 0; c < columns; c++) out[c * rows + r] = f * data[r * columns + c];
  }
  return out;
}

/** What each output of a map is multiplied with. */
function outputFactor(backbone: Pick<Backbone, "spec" | "tensors">, map: string): ((row: number) => number) | undefined {
  const { spec } = backbone;
  if (map.endsWith(".qkv")) {
    const scale = 1 / Math.sqrt(spec.width / spec.heads);
    return (row) => (row < spec.width ? scale : 1);
  }
  const layerScale = spec.layerScale && /^(.*)\.(proj|fc2)$/.exec(map);
  if (!layerScale) return undefined;
  const values = tensorOf(backbone.tensors, `${layerScale[1]}.${layerScale[2] === "proj" ? "scale1" : "scale2"}`).data;
  return (row) => values[row];
}

function foldLinear(backbone: Pick<Backbone, "spec" | "tensors">, map: string): Linear {
  const weight = tensorOf(backbone.tensors, `${map}.weight`);
  const [out, into] = weight.shape;
  const factor = outputFactor(backbone, map);
  const bias = tensorOf(backbone.tensors, `${map}.bias`).data.map((value, row) => value * (factor ? factor(row) : 1));
  return { in: into, out, weight: transpose(weight.data, out, into, factor), bias };
}

/** Folds a backbone's tensors. Needs as much memory as the tensors themselves. */
export function foldBackbone(backbone: Pick<Backbone, "spec" | "tensors">): FoldedBackbone {
  const norm = (name: string): Norm => ({
    weight: tensorOf(backbone.tensors, `${name}.weight`).data,
    bias: tensorOf(backbone.tensors, `${name}.bias`).data,
  });
  const blocks = Array.from({ length: backbone.spec.depth }, (_, i) => ({
    norm1: norm(`blocks.${i}.norm1`),
    qkv: foldLinear(backbone, `blocks.${i}.qkv`),
    proj: foldLinear(backbone, `blocks.${i}.proj`),
    norm2: norm(`blocks.${i}.norm2`),
    fc1: foldLinear(backbone, `blocks.${i}.fc1`),
    fc2: foldLinear(backbone, `blocks.${i}.fc2`),
  }));
  return { patch: foldLinear(backbone, "patch"), blocks, norm: norm("norm") };
}

/** The maps LoRA can adapt, `patch`, `blocks.N.qkv`, `blocks.N.proj`, each with its sizes. */
export function loraMaps(spec: BackboneSpec): Map<string, { in: number; out: number }> {
  const maps = new Map([["patch", { in: 3 * spec.patch * spec.patch, out: spec.width }]]);
  for (let i = 0; i < spec.depth; i++) {
    maps.set(`blocks.${i}.qkv`, { in: spec.width, out: 3 * spec.width });
    maps.set(`blocks.${i}.proj`, { in: spec.width, out: spec.width });
  }
  return maps;
}

/** Which linear map of which block a name of {@link loraMaps} stands for; the patch embedding comes before all blocks, at -1. */
export function loraMapPlace(map: string): { readonly kind: "patch" | "qkv" | "proj"; readonly block: number } {
  const [, block, kind] = /^blocks\.(\d+)\.(qkv|proj)$/.exec(map) ?? [];
  return kind ? { kind: kind as "qkv" | "proj", block: Number(block) } : { kind: "patch", block: -1 };
}

/**
 * Folds a view's LoRA; every map of {@link loraMaps} gets an entry, zeros (rank kept) where it is not adapted.
 * @throws AnyMC3DError `LORA_SHAPE`
 */
export function foldLora(backbone: Pick<Backbone, "spec" | "tensors">, lora: LoraTensors): Map<string, FoldedLora> {
  const maps = loraMaps(backbone.spec);
  checkLora(maps, lora);
  const folded = new Map<string, FoldedLora>();
  for (const [map, size] of maps) {
    const a = lora.tensors.get(`${map}.A`);
    const b = lora.tensors.get(`${map}.B`);
    const factor = outputFactor(backbone, map);
    const { rank } = lora;
    folded.set(map, {
      ...size,
      rank,
      a: a ? transpose(a.data, rank, size.in) : new Float32Array(size.in * rank),
      b: b ? transpose(b.data, size.out, rank, (row) => lora.scale * (factor ? factor(row) : 1)) : new Float32Array(rank * size.out),
    });
  }
  return folded;
}

/**
 * The way back for gradients: from those of the folded a [in, r] and b [r, out] to those of A [r, in] and B [out, r].
 * @param folded gradients by map; maps that the LoRA does not adapt are left out
 */
export function unfoldLoraGradient(
  backbone: Pick<Backbone, "spec" | "tensors">,
  lora: LoraTensors,
  folded: ReadonlyMap<string, { readonly a: Float32Array; readonly b: Float32Array }>,
): LoraTensors {
  const tensors = new Map<string, Tensor>();
  for (const [map, size] of loraMaps(backbone.spec)) {
    const gradient = lora.tensors.has(`${map}.A`) ? folded.get(map) : undefined;
    if (!gradient) continue;
    const factor = outputFactor(backbone, map);
    const b = transpose(gradient.b, lora.rank, size.out);
    for (let i = 0; i < b.length; i++) b[i] *= lora.scale * (factor ? factor(Math.floor(i / lora.rank)) : 1);
    tensors.set(`${map}.A`, { shape: [lora.rank, size.in], data: transpose(gradient.a, size.in, lora.rank) });
    tensors.set(`${map}.B`, { shape: [size.out, lora.rank], data: b });
  }
  return { rank: lora.rank, scale: lora.scale, tensors };
}

function checkLora(maps: ReadonlyMap<string, { in: number; out: number }>, lora: LoraTensors): void {
  const fail = (what: string): never => {
    throw new AnyMC3DError("LORA_SHAPE", `LoRA: ${what}. The adapter was made for another backbone or is damaged.`);
  };
  const seen = new Set<string>();
  const expectShape = (name: string, tensor: Tensor | undefined, shape: readonly number[]) => {
    if (!tensor) return fail(`${name} is missing beside its pair`);
    if (tensor.shape.join() !== shape.join()) fail(`${name} is [${tensor.shape}], expected [${shape}]`);
    seen.add(name);
  };
  for (const [map, size] of maps) {
    const a = lora.tensors.get(`${map}.A`);
    const b = lora.tensors.get(`${map}.B`);
    if (!a && !b) continue;
    expectShape(`${map}.A`, a, [lora.rank, size.in]);
    expectShape(`${map}.B`, b, [size.out, lora.rank]);
  }
  for (const name of lora.tensors.keys()) if (!seen.has(name)) fail(`${name} belongs to no map of the backbone`);
}
