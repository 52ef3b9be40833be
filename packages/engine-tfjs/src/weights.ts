// Folded weights as tensors on the device: uploaded once, disposed together.

import type { BackboneSpec, LoraTensors } from "@anymc3d/core";
import type { FoldedBackbone, FoldedLora, Linear, Norm } from "@anymc3d/core/engine";
import * as tf from "@tensorflow/tfjs-core";

export interface DeviceLinear {
  /** [in, out] */
  readonly weight: tf.Tensor2D;
  /** [out] */
  readonly bias: tf.Tensor1D;
}

export interface DeviceNorm {
  readonly weight: tf.Tensor1D;
  readonly bias: tf.Tensor1D;
}

export interface DeviceBlock {
  readonly norm1: DeviceNorm;
  readonly qkv: DeviceLinear;
  readonly proj: DeviceLinear;
  readonly norm2: DeviceNorm;
  readonly fc1: DeviceLinear;
  readonly fc2: DeviceLinear;
}

export interface DeviceBackbone {
  readonly patch: DeviceLinear;
  readonly blocks: readonly DeviceBlock[];
  readonly norm: DeviceNorm;
}

/** By map name, only adapted maps: a [in, r], b [r, out]. */
export type DeviceLora = ReadonlyMap<string, { readonly a: tf.Tensor2D; readonly b: tf.Tensor2D }>;

/** Uploads a backbone to the current backend. GELU's factor ½ is folded into fc2, which is exact. */
export function uploadBackbone(spec: BackboneSpec, folded: FoldedBackbone): DeviceBackbone {
  const matrix = ({ weight, bias, in: into, out }: Linear, factor = 1): DeviceLinear => ({
    weight: tf.tensor2d(factor === 1 ? weight : weight.map((value) => factor * value), [into, out]),
    bias: tf.tensor1d(bias),
  });
  const norm = ({ weight, bias }: Norm): DeviceNorm => ({ weight: tf.tensor1d(weight), bias: tf.tensor1d(bias) });
  const blocks = folded.blocks.map((block) => ({
    norm1: norm(block.norm1),
    qkv: matrix(block.qkv),
    proj: matrix(block.proj),
    norm2: norm(block.norm2),
    fc1: matrix(block.fc1),
    fc2: matrix(block.fc2, spec.mlp.activation === "gelu" ? 0.5 : 1),
  }));
  return { patch: matrix(folded.patch), blocks, norm: norm(folded.norm) };
}

function uploadLora(lora: LoraTensors, folded: ReadonlyMap<string, FoldedLora>): DeviceLora {
  const maps = new Map<string, { a: tf.Tensor2D; b: tf.Tensor2D }>();
  for (const [map, { a, b, in: into, out, rank }] of folded) {
    if (!lora.tensors.has(`${map}.A`)) continue;
    maps.set(map, { a: tf.tensor2d(a, [into, rank]), b: tf.tensor2d(b, [rank, out]) });
  }
  return maps;
}

const disposeLora = (lora: DeviceLora) => lora.forEach((pair) => tf.dispose([pair.a, pair.b]));

/** Adapters on the device: the last two used, and those that a recorded pass goes back through. */
export class LoraCache {
  readonly #live = new Map<LoraTensors, DeviceLora>();
  readonly #holds = new Map<LoraTensors, number>();
  readonly #most: number;

  constructor(most = 2) {
    this.#most = most;
  }

  /** The adapter's tensors, uploaded to the current backend if they are not there. Valid until the next call, or while it is held. */
  get(lora: LoraTensors, folded: ReadonlyMap<string, FoldedLora>): DeviceLora {
    const known = this.#live.get(lora);
    this.#live.delete(lora);
    if (!known) this.#makeRoom();
    const device = known ?? uploadLora(lora, folded);
    this.#live.set(lora, device);
    return device;
  }

  /** Keeps an adapter where it is until what is returned was called. */
  hold(lora: LoraTensors): () => void {
    this.#holds.set(lora, (this.#holds.get(lora) ?? 0) + 1);
    let held = true;
    return () => {
      const left = (this.#holds.get(lora) ?? 0) - (held ? 1 : 0);
      held = false;
      if (left > 0) this.#holds.set(lora, left);
      else this.#holds.delete(lora);
    };
  }

  /** For one adapter more. */
  #makeRoom(): void {
    for (const [lora, device] of this.#live) {
      if (this.#live.size < this.#most) return;
      if (this.#holds.has(lora)) continue;
      this.#live.delete(lora);
      disposeLora(device);
    }
  }

  clear(): void {
    for (const device of this.#live.values()) disposeLora(device);
    this.#live.clear();
  }
}
