// task.json: what to train and how. It is adapter.json without what training finds out, plus `dataset` and `training`.

import { type AdapterManifest, AnyMC3DError, adapterManifestSchema, type BackboneSpec } from "@anymc3d/core";
import { z } from "zod";
import { RESERVED_COLUMNS } from "./columns.js";

const share = z.number().min(0).max(1);
const positive = z.number().positive();

/** Chances `p` are per volume and epoch. Amounts of brightness and noise are shares of the intensity range the adapter sees. */
const augmentSchema = z.strictObject({
  /** Chance of mirroring, for rows and for columns each. */
  flip: share.default(0.5),
  /** Chance of reversing the order of the slices. */
  reverse: share.default(0.5),
  /** Rotation in the slice plane, uniform in ± degrees. */
  rotate: z.strictObject({ p: share, degrees: z.number().min(0).max(180) }).default({ p: 0.2, degrees: 30 }),
  /** Magnification in the plane, log-uniform in [low, high]. Keep it near 1 where labels depend on size. */
  zoom: z.strictObject({ p: share, low: positive, high: positive }).default({ p: 0.2, low: 0.7, high: 1.4 }),
  /** Shift in the plane, uniform in ± share of the slice's sides. */
  shift: z.strictObject({ p: share, share: share }).default({ p: 0.2, share: 0.08 }),
  /** Gaussian noise per pixel, standard deviation as a share of the intensity range. */
  noise: z.strictObject({ p: share, sd: z.number().min(0) }).default({ p: 0.2, sd: 0.0125 }),
  /** Gaussian blur in the plane, standard deviation in pixels uniform in [0, sd]. */
  blur: z.strictObject({ p: share, sd: z.number().min(0) }).default({ p: 0.1, sd: 1 }),
  /** Added to all values, normal with this standard deviation as a share of the intensity range. */
  brightness: z.strictObject({ p: share, sd: z.number().min(0) }).default({ p: 0.2, sd: 0.01 }),
  /** Values scaled about their mean, uniform in [low, high]. */
  contrast: z.strictObject({ p: share, low: positive, high: positive }).default({ p: 0.1, low: 0.9, high: 1.1 }),
  /** Power of the value within the intensity range, log-uniform in [low, high]. */
  gamma: z.strictObject({ p: share, low: positive, high: positive }).default({ p: 0.1, low: 0.7, high: 1.5 }),
});

const trainingSchema = z.strictObject({
  epochs: z.int().min(1).default(6),
  /** Volumes an optimiser step. Their gradients are accumulated, so memory does not grow with it. */
  batch: z.int().min(1).default(8),
  /** Most slices of a view and volume in a training step, drawn anew each epoch; evaluation takes all of them. */
  slices: z.int().min(1).default(12),
  /** `focal`: γ and α of `focal`; `bce`: binary cross-entropy; `cross-entropy`: softmax, for multiclass tasks. Default: `bce`, multiclass `cross-entropy`. */
  loss: z.enum(["focal", "bce", "cross-entropy"]).optional(),
  focal: z.strictObject({ gamma: z.number().min(0), alpha: share }).default({ gamma: 2, alpha: 0.25 }),
  /** Weight of positives (multiclass: of each class): √(negatives/positives), negatives/positives, or 1. */
  classWeights: z.enum(["sqrt", "balanced", "none"]).default("sqrt"),
  learningRate: z.strictObject({ lora: positive, head: positive }).default({ lora: 1e-4, head: 1e-3 }),
  weightDecay: z.strictObject({ lora: z.number().min(0), head: z.number().min(0) }).default({ lora: 1e-5, head: 1e-4 }),
  /** Share of the steps in which the learning rate rises from 0; then it falls along a half cosine. */
  warmup: share.default(0.05),
  /** Gradients are scaled down to this norm; null: never. */
  clip: positive.nullable().default(1),
  /** Stop after so many epochs without a better validation AUROC; null: never. */
  patience: z.int().min(1).nullable().default(null),
  /** Which epoch becomes the adapter: the best mean validation AUROC, or the last. */
  keep: z.enum(["best", "last"]).default("best"),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0),
  augment: z.union([z.literal(false), augmentSchema], { error: 'expected false, or amounts such as { "flip": 0.5 }' }).default(augmentSchema.parse({})),
  /** Pixel-level supervision by the masks of the cases that have one: λ·(Dice + BCE) is added to the loss. null: masks are not used. */
  masks: z
    .strictObject({ weight: z.number().min(0).default(0.5), hidden: z.int().min(1).default(64) })
    .nullable()
    .default(null),
  /** How decision thresholds are chosen on validation: Youden's index, or the highest threshold that reaches a sensitivity. */
  threshold: z.union([z.literal("youden"), z.strictObject({ sensitivity: share })], { error: 'expected "youden" or { "sensitivity": 0.9 }' }).default("youden"),
  /** Temperature scaling on validation, folded into the head. */
  calibrate: z.boolean().default(true),
});

const { task, input, modules } = adapterManifestSchema.shape;
const view = input.shape.views.element;

const text = z.string().min(1);

const trainConfigSchema = z.strictObject({
  $schema: z.string().optional(),
  name: adapterManifestSchema.shape.name,
  version: adapterManifestSchema.shape.version.default("0.1.0"),
  title: text,
  description: text,
  task,
  input: z.strictObject({
    bodyParts: z.array(text).default([]),
    /** As in adapter.json. An `expect` that is left out is filled with what the training volumes look like. */
    views: z
      .array(view.extend({ expect: view.shape.expect.optional() }))
      .min(1)
      .max(16),
  }),
  modules: z
    .strictObject({
      lora: modules.shape.lora,
      pooling: modules.shape.pooling,
      /** Of several views; default "attention". A single view has nothing to fuse. */
      fusion: modules.shape.fusion.exclude(["none"]).optional(),
    })
    .default({ lora: { rank: 8, alpha: 16, rankStabilised: false, targets: ["patch", "qkv", "proj"] }, pooling: "attention" }),
  /** What the data is called in the metrics and on the card, with its licence. */
  dataset: text,
  intendedUse: text.optional(),
  limits: z.array(text).default([]),
  license: text.default("UNLICENSED"),
  citation: z.array(text).default([]),
  training: trainingSchema.default(trainingSchema.parse({})),
});

export type TrainConfig = z.infer<typeof trainConfigSchema>;
export type TrainingOptions = TrainConfig["training"];
export type AugmentOptions = z.infer<typeof augmentSchema>;
export type Task = AdapterManifest["task"];

/** The parts of a manifest that follow from the configuration alone: an `expect` that is left out is empty, a single view has no fusion. */
export function manifestParts({ name, version, title, description, task, input, modules, license, citation }: TrainConfig) {
  return {
    schemaVersion: 1 as const,
    name,
    version,
    title,
    description,
    task,
    input: { ...input, views: input.views.map((view) => ({ ...view, expect: view.expect ?? {} })) },
    modules: { ...modules, fusion: input.views.length > 1 ? (modules.fusion ?? ("attention" as const)) : ("none" as const), head: "linear" as const },
    license,
    citation,
  };
}

/** JSON Schema of task.json (draft 2020-12). */
export function trainConfigJsonSchema(): unknown {
  return z.toJSONSchema(trainConfigSchema, { io: "input", unrepresentable: "any" });
}

/**
 * Refuses a configuration that the backbone cannot take, before anything is read.
 * @throws AnyMC3DError `CONFIG_INVALID` for slices that do not divide into patches, or more blocks with LoRA than there are
 */
export function checkFits({ input, modules }: TrainConfig, { patch, depth }: Pick<BackboneSpec, "patch" | "depth">, name = "task.json"): void {
  const faults = input.views.flatMap(({ size }, v) =>
    size.some((side) => side % patch) ? [`input.views[${v}].size ${size.join("×")} is no multiple of the backbone's patch, ${patch}`] : [],
  );
  const blocks = modules.lora?.lastBlocks ?? 0;
  if (blocks > depth) faults.push(`modules.lora.lastBlocks is ${blocks}, the backbone has ${depth} blocks`);
  if (faults.length) throw new AnyMC3DError("CONFIG_INVALID", `${name}: ${faults.join("; ")}.`);
}

/**
 * Checks a task.json and fills the defaults in.
 * @throws AnyMC3DError `CONFIG_INVALID`, naming every field at fault
 */
export function parseTrainConfig(json: unknown, name = "task.json"): TrainConfig {
  const parsed = trainConfigSchema.safeParse(json);
  const faults = parsed.success ? crossFaults(parsed.data) : [z.prettifyError(parsed.error)];
  if (!parsed.success || faults.length) throw new AnyMC3DError("CONFIG_INVALID", `${name}: ${faults.join("; ")}.`);
  const { task, training } = parsed.data;
  return { ...parsed.data, training: { ...training, loss: training.loss ?? (task.kind === "multiclass" ? "cross-entropy" : "bce") } };
}

function crossFaults({ task, training, modules }: TrainConfig): string[] {
  const faults: string[] = [];
  const ids = task.labels.map(({ id }) => id);
  const reserved = ids.filter((id) => RESERVED_COLUMNS.includes(id));
  if (reserved.length) faults.push(`task.labels: ${reserved.join(", ")} is a column of labels.csv with another meaning; choose another id`);
  if (new Set(ids).size !== ids.length) faults.push("task.labels: two labels share an id");
  if (task.kind === "binary" && ids.length !== 1) faults.push(`task: binary has one label, found ${ids.length}`);
  if (task.kind === "multiclass" && ids.length < 2) faults.push("task: multiclass needs at least two labels");
  if (training.loss === "cross-entropy" && task.kind !== "multiclass")
    faults.push('training.loss "cross-entropy" is for multiclass tasks; use "bce" or "focal"');
  if (task.kind === "multiclass" && training.loss === "bce")
    faults.push('training.loss "bce" is for binary and multilabel tasks; use "cross-entropy" or "focal"');
  for (const [name, range] of Object.entries(training.augment || {}))
    if (typeof range === "object" && "low" in range && range.low > range.high)
      faults.push(`training.augment.${name}: low ${range.low} is above high ${range.high}`);
  if (modules.lora === null && training.masks) faults.push("training.masks needs LoRA: without it nothing that is kept would learn from the masks");
  return faults;
}
