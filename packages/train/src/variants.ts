// Ablations by name: what a variant changes in a configuration.

import { AnyMC3DError } from "@anymc3d/core";
import { parseTrainConfig, type TrainConfig } from "./config.js";

/** Epochs of a variant on frozen features, where an epoch costs next to nothing. */
const FROZEN_EPOCHS = 60;

/** What the variant's name does not say. */
export const HEAD_ONLY = `head-only: on frozen features, at least ${FROZEN_EPOCHS} epochs, all slices, no augmentation, the best epoch kept.`;

/** What is worth comparing with where nothing is named: frozen features pooled in two ways, and LoRA in the last four blocks; without LoRA the other pooling and fusion. */
export function defaultVariants({ modules: { lora, fusion }, input }: TrainConfig): string[] {
  const otherFusion = fusion === "concat" ? "attention-fusion" : "concat-fusion";
  if (!lora) return ["mean-pooling", ...(input.views.length > 1 ? [otherFusion] : [])];
  return ["head-only", "head-only+mean-pooling", ...(lora.lastBlocks === undefined || lora.lastBlocks > 4 ? ["last-4"] : [])];
}

const CHANGES: readonly [pattern: RegExp, change: (config: TrainConfig, n: number) => TrainConfig][] = [
  [/^head-only$/, headOnly],
  [/^mean-pooling$/, (config) => ({ ...config, modules: { ...config.modules, pooling: "mean" } })],
  [/^attention-fusion$/, (config) => ({ ...config, modules: { ...config.modules, fusion: "attention" } })],
  [/^concat-fusion$/, (config) => ({ ...config, modules: { ...config.modules, fusion: "concat" } })],
  [/^last-(\d+)$/, (config, n) => ({ ...config, modules: { ...config.modules, lora: lora(config, { lastBlocks: n }) } })],
  [
    /^rank-(\d+)$/,
    (config, n) => ({
      ...config,
      modules: { ...config.modules, lora: lora(config, { rank: n, alpha: (n * lora(config, {}).alpha) / lora(config, {}).rank }) },
    }),
  ],
  [/^no-masks$/, noMasks],
  [/^no-augmentation$/, (config) => ({ ...config, training: { ...config.training, augment: false } })],
];

/**
 * The configuration of a variant. Names, joined by `+`: `head-only` (frozen features, no augmentation, 60 epochs, the best kept), `mean-pooling`,
 * `attention-fusion`, `concat-fusion`, `last-K` (LoRA in the last K blocks), `rank-R` (alpha/rank stays), `no-masks`, `no-augmentation`.
 * @throws AnyMC3DError `CONFIG_INVALID` naming what is known, or what the variant makes invalid
 */
export function variantConfig(config: TrainConfig, name: string): TrainConfig {
  return parseTrainConfig(changedConfig(config, name), `variant ${name}`);
}

function changedConfig(config: TrainConfig, name: string): TrainConfig {
  return name.split("+").reduce((changed, part) => {
    for (const [pattern, change] of CHANGES) {
      const found = pattern.exec(part);
      if (found && !(found[1] && Number(found[1]) < 1)) return change(changed, Number(found[1]));
    }
    throw new AnyMC3DError(
      "CONFIG_INVALID",
      `"${part}" is no variant; known are head-only, mean-pooling, attention-fusion, concat-fusion, last-K, rank-R, no-masks, no-augmentation, joined by +`,
    );
  }, config);
}

function noMasks(config: TrainConfig): TrainConfig {
  if (!config.training.masks) throw new AnyMC3DError("CONFIG_INVALID", '"no-masks" leaves masks out, and this configuration uses none (training.masks)');
  return { ...config, training: { ...config.training, masks: null } };
}

function headOnly({ modules, training, ...rest }: TrainConfig): TrainConfig {
  return {
    ...rest,
    modules: { ...modules, lora: null },
    training: { ...training, masks: null, augment: false, keep: "best", patience: null, epochs: Math.max(FROZEN_EPOCHS, training.epochs) },
  };
}

type Lora = NonNullable<TrainConfig["modules"]["lora"]>;

function lora({ modules }: TrainConfig, changes: Partial<Lora>): Lora {
  if (!modules.lora) throw new AnyMC3DError("CONFIG_INVALID", "last-K and rank-R change LoRA, and this variant or configuration has none");
  return { ...modules.lora, ...changes };
}
