// Hugging Face checkpoints (config.json + tensors) of DINOv2, DINOv2 with registers, DINOv3 ViT and ViT → a backbone's spec and tensors.

import { backboneShapes, checkTensors } from "./backbone.js";
import { AnyMC3DError } from "./errors.js";
import type { BackboneSpec, Tensor, Tensors } from "./types.js";

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const HALF = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;

type Config = Record<string, unknown>;

function unsupported(what: string): never {
  throw new AnyMC3DError(
    "BACKBONE_UNSUPPORTED",
    `config.json: ${what}. Importable are Hugging Face models of type dinov2, dinov2_with_registers, dinov3_vit and vit.`,
  );
}

function number(config: Config, key: string, fallback?: number): number {
  const value = config[key] ?? fallback;
  if (typeof value !== "number" || !Number.isFinite(value)) return unsupported(`${key} is ${JSON.stringify(config[key])}, a number is needed`);
  return value;
}

function activation(config: Config): "gelu" | "silu" {
  const name = config.hidden_act ?? "gelu";
  if (name === "gelu" || name === "silu") return name;
  return unsupported(`hidden_act is ${JSON.stringify(name)}; gelu (exact) and silu are built in`);
}

function learnedGrid(config: Config, patch: number): [number, number] {
  const size = config.image_size;
  const [height, width] = Array.isArray(size) ? size : [size, size];
  const grid: [number, number] = [Math.floor(height / patch), Math.floor(width / patch)];
  if (!grid.every((n) => Number.isInteger(n) && n > 0)) return unsupported(`image_size is ${JSON.stringify(size)}`);
  return grid;
}

/**
 * Reads what a checkpoint's config.json says about its architecture.
 * @param preprocessor preprocessor_config.json, whose image_mean and image_std count if it is there
 * @throws AnyMC3DError `BACKBONE_UNSUPPORTED`
 */
export function specFromHuggingFace(config: Config, preprocessor?: Config): BackboneSpec {
  const type = config.model_type;
  if (type !== "dinov2" && type !== "dinov2_with_registers" && type !== "dinov3_vit" && type !== "vit")
    return unsupported(`model_type is ${JSON.stringify(type)}`);
  if (number(config, "num_channels", 3) !== 3) unsupported("num_channels is not 3");
  const width = number(config, "hidden_size");
  const patch = number(config, "patch_size");
  const normalisation = type === "vit" ? HALF : IMAGENET;
  return {
    family: type === "vit" ? "vit" : type === "dinov3_vit" ? "dinov3" : "dinov2",
    patch,
    width,
    depth: number(config, "num_hidden_layers"),
    heads: number(config, "num_attention_heads"),
    mlp: mlpOf(config, type, width),
    layerScale: type !== "vit",
    registers: type === "dinov2_with_registers" || type === "dinov3_vit" ? number(config, "num_register_tokens", 4) : 0,
    position:
      type === "dinov3_vit"
        ? { kind: "rope", theta: number(config, "rope_theta", 100) }
        : { kind: "learned", grid: learnedGrid(config, patch), antialias: type === "dinov2_with_registers" },
    normEps: number(config, "layer_norm_eps", type === "vit" ? 1e-12 : type === "dinov3_vit" ? 1e-5 : 1e-6),
    mean: (preprocessor?.image_mean as BackboneSpec["mean"]) ?? normalisation.mean,
    std: (preprocessor?.image_std as BackboneSpec["std"]) ?? normalisation.std,
  };
}

function mlpOf(config: Config, type: string, width: number): BackboneSpec["mlp"] {
  if (type === "vit") return { kind: "plain", activation: activation(config), hidden: number(config, "intermediate_size", 4 * width) };
  if (type === "dinov3_vit") {
    return { kind: config.use_gated_mlp ? "gated" : "plain", activation: activation(config), hidden: number(config, "intermediate_size", 4 * width) };
  }
  const hidden = Math.floor(width * number(config, "mlp_ratio", 4));
  if (config.use_swiglu_ffn) return { kind: "gated", activation: "silu", hidden: Math.floor((Math.floor((hidden * 2) / 3) + 7) / 8) * 8 };
  return { kind: "plain", activation: activation(config), hidden };
}

/** Checkpoint tensors that play no part in the features. */
const IGNORED = /^(embeddings\.mask_token|pooler\..*|classifier\..*|rope_embeddings\..*)$/;

/** Checkpoint name → ours, for a tensor that carries over as it is. */
function renamed(name: string): string | undefined {
  const fixed: Record<string, string> = {
    "embeddings.cls_token": "cls",
    "embeddings.register_tokens": "registers",
    "embeddings.position_embeddings": "position",
  };
  if (fixed[name]) return fixed[name];
  const patch = /^embeddings\.patch_embeddings\.(?:projection\.)?(weight|bias)$/.exec(name);
  if (patch) return `patch.${patch[1]}`;
  const norm = /^(?:layernorm|norm)\.(weight|bias)$/.exec(name);
  if (norm) return `norm.${norm[1]}`;
  const block = /^(?:encoder\.|model\.)?layer\.(\d+)\.(.+)$/.exec(name);
  if (!block) return undefined;
  const inner = renamedInBlock(block[2]);
  return inner && `blocks.${Number(block[1])}.${inner}`;
}

function renamedInBlock(name: string): string | undefined {
  const scale = /^layer_scale([12])\.lambda1$/.exec(name);
  if (scale) return `scale${scale[1]}`;
  const rules: [RegExp, string][] = [
    [/^(?:norm1|layernorm_before)\./, "norm1."],
    [/^(?:norm2|layernorm_after)\./, "norm2."],
    [/^attention\.(?:attention\.)?(?:query|q_proj)\./, "q."],
    [/^attention\.(?:attention\.)?(?:key|k_proj)\./, "k."],
    [/^attention\.(?:attention\.)?(?:value|v_proj)\./, "v."],
    [/^attention\.(?:output\.dense|o_proj)\./, "proj."],
    [/^mlp\.gate_proj\./, "gate."],
    [/^mlp\.up_proj\./, "up."],
    [/^(?:mlp\.(?:fc1|weights_in)|intermediate\.dense)\./, "fc1."],
    [/^(?:mlp\.(?:fc2|weights_out|down_proj)|output\.dense)\./, "fc2."],
  ];
  for (const [pattern, to] of rules) if (pattern.test(name)) return name.replace(pattern, to);
  return undefined;
}

/** Stacks tensors of equal trailing shape along the first axis; an absent bias counts as zeros. */
function stack(parts: (Tensor | undefined)[], rows: number, rest: readonly number[]): Tensor {
  const size = rows * rest.reduce((a, b) => a * b, 1);
  const data = new Float32Array(parts.length * size);
  parts.forEach((part, i) => {
    if (part && part.data.length !== size) unsupported(`a tensor to be stacked has ${part.data.length} values, ${size} are needed`);
    if (part) data.set(part.data, i * size);
  });
  return { shape: [parts.length * rows, ...rest], data };
}

/**
 * Renames and reshapes a checkpoint's tensors to a backbone's.
 * @throws AnyMC3DError `BACKBONE_UNSUPPORTED` for a tensor of unknown purpose, `TENSORS_MISMATCH` for missing or mis-shaped ones
 */
export function tensorsFromHuggingFace(spec: BackboneSpec, checkpoint: Tensors): Tensors {
  const found = new Map<string, Tensor>();
  for (const [name, tensor] of checkpoint) {
    const bare = name.replace(/^(?:dinov2|dinov2_with_registers|vit|model|dinov3_vit)\.(?=embeddings|encoder|layer\.|layernorm|norm|pooler)/, "");
    if (IGNORED.test(bare)) continue;
    const to = renamed(bare);
    if (!to) unsupported(`the checkpoint's tensor ${name} has no place in a ${spec.family} backbone`);
    found.set(to, tensor);
  }
  const out = new Map<string, Tensor>();
  for (const [name, shape] of backboneShapes(spec)) {
    const tensor = stacked(spec, found, name) ?? found.get(name);
    const size = shape.reduce((a, b) => a * b, 1);
    // Checkpoints keep broadcast axes ([1, 1, D]) and the convolution form of the patch embedding ([D, 3, p, p]).
    if (tensor) out.set(name, tensor.data.length === size ? { shape, data: tensor.data } : tensor);
    found.delete(name);
  }
  for (const name of found.keys()) if (!/\.(q|k|v|gate|up)\.(weight|bias)$/.test(name)) out.set(name, found.get(name) as Tensor);
  checkTensors("checkpoint", out, backboneShapes(spec));
  return out;
}

function stacked(spec: BackboneSpec, found: Tensors, name: string): Tensor | undefined {
  const match = /^(blocks\.\d+)\.(qkv|fc1)\.(weight|bias)$/.exec(name);
  if (!match) return undefined;
  const [, block, map, kind] = match;
  const names = map === "qkv" ? ["q", "k", "v"] : spec.mlp.kind === "gated" ? ["gate", "up"] : ["up"];
  const parts = names.map((part) => found.get(`${block}.${part}.${kind}`));
  if (parts.every((part) => !part) && !(map === "qkv" && kind === "bias")) return undefined;
  if (kind === "weight" && parts.some((part) => !part)) return undefined;
  return stack(parts, map === "qkv" ? spec.width : spec.mlp.hidden, kind === "weight" ? [spec.width] : []);
}
