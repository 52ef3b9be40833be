// task.json: what to train and how. It is adapter.json without what training finds out, plus `dataset` and `training`.

import { type AdapterManifest, AnyMC3DError, type BackboneSpec, taskKind } from "@anymc3d/core";
import { adapterManifestSchema, faultsOf } from "@anymc3d/core/learn";
import * as z from "zod";
import { RESERVED_COLUMNS } from "./data/columns.js";
import { TASK_TRAININGS, taskTraining } from "./tasks/index.js";
import type { LossName } from "./tasks/task-training.js";

const LOSS_NAMES = [...new Set(TASK_TRAININGS.flatMap(({ losses }) => losses))] as [LossName, ...LossName[]];
/** "binary: bce, focal; …". */
const LOSSES = TASK_TRAININGS.map(({ id, losses }) => `${id}: ${losses.join(", ")}`).join("; ");

const share = z.number().min(0).max(1);
const positive = z.number().positive();

const chance = share.describe("Chance, 0 … 1, a volume and epoch.");
const low = positive.describe("Smallest factor.");
const high = positive.describe("Largest factor; not below `low`.");
const rates = (schema: z.ZodNumber) => ({ lora: schema.describe("Of the LoRA matrices."), head: schema.describe("Of head and queries.") });

const augmentSchema = z
  .strictObject({
    flip: share.default(0.5).describe("Chance of mirroring, for rows and for columns each."),
    reverse: share.default(0.5).describe("Chance of reversing the order of the slices."),
    rotate: z
      .strictObject({ p: chance, degrees: z.number().min(0).max(180).describe("Largest angle.") })
      .default({ p: 0.2, degrees: 30 })
      .describe("Rotation in the slice plane, uniform in ± degrees."),
    zoom: z
      .strictObject({ p: chance, low, high })
      .default({ p: 0.2, low: 0.7, high: 1.4 })
      .describe("Magnification in the plane, log-uniform in [low, high]. Keep it near 1 where labels depend on size."),
    shift: z
      .strictObject({ p: chance, share: share.describe("Largest shift, as a share of the side.") })
      .default({ p: 0.2, share: 0.08 })
      .describe("Shift in the plane, uniform in ± share of the slice's sides."),
    region: z
      .strictObject({ p: chance, mm: z.number().min(0).max(100).describe("Largest shift along each axis.") })
      .default({ p: 0.5, mm: 3 })
      .describe("Of cases about a region of a study: the box is cut out elsewhere, uniform in ± mm along each axis; it sees the study's own voxels."),
    noise: z
      .strictObject({ p: chance, sd: z.number().min(0).describe("Standard deviation, as a share of the intensity range.") })
      .default({ p: 0.2, sd: 0.0125 })
      .describe("Gaussian noise, drawn for every pixel."),
    blur: z
      .strictObject({ p: chance, sd: z.number().min(0).describe("Largest standard deviation, pixels.") })
      .default({ p: 0.1, sd: 1 })
      .describe("Gaussian blur in the plane, standard deviation uniform in [0, sd]."),
    brightness: z
      .strictObject({ p: chance, sd: z.number().min(0).describe("Standard deviation, as a share of the intensity range.") })
      .default({ p: 0.2, sd: 0.01 })
      .describe("One normal number, added to all values."),
    contrast: z
      .strictObject({ p: chance, low, high })
      .default({ p: 0.1, low: 0.9, high: 1.1 })
      .describe("Values scaled about their mean, uniform in [low, high]."),
    gamma: z
      .strictObject({ p: chance, low, high })
      .default({ p: 0.1, low: 0.7, high: 1.5 })
      .describe("Power of the value within the intensity range, log-uniform in [low, high]."),
  })
  .describe("Amounts. Noise and brightness are shares of the intensity range that the adapter sees.");

const trainingSchema = z.strictObject({
  epochs: z.int().min(1).default(6).describe("Passes over the training cases."),
  batch: z.int().min(1).default(8).describe("Volumes an optimiser step. Their gradients are accumulated, so memory does not grow with it."),
  slices: z
    .int()
    .min(1)
    .default(12)
    .describe(
      "Most slices of a view and volume in a training step, drawn anew each epoch. Evaluation takes all of them, and so does a head on frozen features.",
    ),
  loss: z
    .enum(LOSS_NAMES)
    .optional()
    .describe(
      `\`focal\`: γ and α of \`focal\`; \`bce\`: binary cross-entropy; \`cross-entropy\`: of softmax; \`proportional-odds\`: the likelihood of ordered classes; \`huber\`, \`squared\`: of a quantity, in standard deviations of the training set. Those of each kind, its default first: ${LOSSES}.`,
    ),
  focal: z
    .strictObject({
      gamma: z.number().min(0).describe("γ: how little cases count that are right already; 0: as much as others."),
      alpha: share.describe("α: weight of positives; negatives have 1 - α. Multiclass: of every class."),
    })
    .default({ gamma: 2, alpha: 0.25 })
    .describe("Focal loss (Lin et al. 2017); used with `loss` `focal`."),
  classWeights: z
    .enum(["sqrt", "balanced", "none"])
    .optional()
    .describe(
      "Weight of a label's positives: √(negatives/positives), negatives/positives, or 1. Of classes, of each: √(cases/(classes·its cases)), cases/(classes·its cases), or 1. Default: `sqrt`, of ordered classes `none`; quantities have none.",
    ),
  learningRate: z.strictObject(rates(positive)).default({ lora: 1e-4, head: 1e-3 }).describe("AdamW's learning rate at its highest."),
  weightDecay: z
    .strictObject(rates(z.number().min(0)))
    .default({ lora: 1e-5, head: 1e-4 })
    .describe("AdamW's decoupled weight decay."),
  warmup: share.default(0.05).describe("Share of the steps in which the learning rate rises from 0; then it falls along a half cosine."),
  clip: positive.nullable().default(1).describe("Gradients are scaled down to this norm; null: never."),
  patience: z.int().min(1).nullable().default(null).describe("Stop after so many epochs without a better validation score; null: never."),
  keep: z
    .enum(["best", "last"])
    .default("best")
    .describe("Which epoch becomes the adapter: the best on validation (mean AUROC; of ordered classes quadratic weighted κ; of a quantity R²), or the last."),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0)
    .describe("All that is drawn at random follows from it: first weights, order, slices, augmentation."),
  augment: z
    .union([z.literal(false), augmentSchema], { error: 'expected false, or amounts such as { "flip": 0.5 }' })
    .default(augmentSchema.parse({}))
    .describe("Random changes of the training slices; false: none. Not applied to frozen features (`modules.lora` null)."),
  masks: z
    .strictObject({
      weight: z.number().min(0).default(0.5).describe("λ, the weight of the masks' loss."),
      hidden: z.int().min(1).default(64).describe("Width of the mask decoder's hidden layer; the decoder is used in training only."),
    })
    .nullable()
    .default(null)
    .describe(
      "Pixel-level supervision by the masks of the cases that have one: λ·(Dice + binary cross-entropy) is added to the loss. null: masks are not used.",
    ),
  threshold: z
    .union(
      [
        z.literal("youden").describe("Youden's index: the largest sensitivity + specificity."),
        z.strictObject({ sensitivity: share.describe("Sensitivity to reach.") }).describe("The highest threshold that reaches a sensitivity."),
      ],
      { error: 'expected "youden" or { "sensitivity": 0.9 }' },
    )
    .optional()
    .describe(
      "How decision thresholds are chosen on validation; default: `youden`. Classes and quantities have none: the most probable or the median class is decided for.",
    ),
  calibrate: z.boolean().default(true).describe("Temperature scaling on validation, folded into the head."),
});

const { task, input, metrics, modules } = adapterManifestSchema.shape;
const view = input.shape.views.element;

const trainConfigSchema = z.strictObject({
  $schema: adapterManifestSchema.shape.$schema,
  name: adapterManifestSchema.shape.name,
  version: adapterManifestSchema.shape.version.default("0.1.0"),
  title: adapterManifestSchema.shape.title,
  description: adapterManifestSchema.shape.description,
  task: task.describe("What is answered. Training finds the thresholds and replaces those given; `anymc3d adapter import` takes those given, 0.5 without."),
  input: z
    .strictObject({
      bodyParts: input.shape.bodyParts.default([]),
      roi: input.shape.roi,
      sources: input.shape.sources,
      views: z
        .array(
          view.extend({
            expect: view.shape.expect
              .optional()
              .describe(
                "What a volume must look like. Left out: filled with the ranges of the training volumes, with a warning outside them; where smallest and largest value are the same in all of ten or more volumes, others are refused.",
              ),
          }),
        )
        .min(1)
        .max(16)
        .describe("As in adapter.json: how slices are made; one entry a plane or a source."),
    })
    .describe("What goes in."),
  modules: z
    .strictObject({
      lora: modules.shape.lora,
      features: modules.shape.features,
      pooling: modules.shape.pooling,
      fusion: modules.shape.fusion
        .exclude(["none"])
        .optional()
        .describe(
          "Of several views: pooled by a learned query (`attention`, the default), or one after the other, the head as wide as all of them (`concat`). A single view has nothing to fuse.",
        ),
    })
    .default({ lora: { rank: 8, alpha: 16, rankStabilised: false, targets: ["patch", "qkv", "proj"] }, features: [{ kind: "cls" }], pooling: "attention" })
    .describe("What is learned."),
  dataset: metrics.element.shape.dataset.describe("What the data is called in the metrics and on the card, with its licence."),
  intendedUse: adapterManifestSchema.shape.intendedUse
    .optional()
    .describe('What the adapter is for; default: "Research on TITLE." That it is for research only, and no medical device, is added.'),
  limits: z
    .array(adapterManifestSchema.shape.limits.element)
    .default([])
    .describe("What it is not for, and what is known to go wrong. Left out: that it was trained and judged on this data only."),
  license: adapterManifestSchema.shape.license.default("UNLICENSED"),
  citation: adapterManifestSchema.shape.citation.default([]),
  training: trainingSchema.default(trainingSchema.parse({})).describe("How it is trained."),
});

/** task.json, checked, its defaults filled in. Every field is described by the schema, `@anymc3d/train/task.schema.json`. */
export type TrainConfig = z.infer<typeof trainConfigSchema>;
/** `training` of task.json: epochs, rates, loss, augmentation, thresholds. */
export type TrainingOptions = TrainConfig["training"];
/** `training.augment` of task.json. */
export type AugmentOptions = z.infer<typeof augmentSchema>;
/** `task` of task.json and adapter.json: its kind and its labels. */
export type Task = AdapterManifest["task"];

/** The parts of a manifest that follow from the configuration alone: an `expect` that is left out is empty, a single view has no fusion. */
export function manifestParts({ name, version, title, description, task, input, modules, license, citation }: TrainConfig) {
  return {
    schemaVersion: 2 as const,
    name,
    version,
    title,
    description,
    task,
    input: { ...input, views: input.views.map((view) => ({ ...view, expect: view.expect ?? {} })) },
    modules: {
      ...modules,
      members: 1 as const,
      fusion: input.views.length > 1 ? (modules.fusion ?? ("attention" as const)) : ("none" as const),
      head: taskKind(task).head,
    },
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
  const faults = parsed.success ? crossFaults(parsed.data) : [faultsOf(parsed.error)];
  if (!parsed.success || faults.length) {
    const fields = [...new Set(parsed.error?.issues.map(({ path }) => path.join(".")))];
    throw new AnyMC3DError("CONFIG_INVALID", `${name}: ${faults.join("; ")}.`, { details: { file: name, fields } });
  }
  const { task, training } = parsed.data;
  const { losses, classWeights, threshold } = taskTraining(task);
  const { loss = losses[0] } = training;
  return {
    ...parsed.data,
    training: { ...training, loss, classWeights: training.classWeights ?? classWeights, threshold: training.threshold ?? threshold },
  };
}

function crossFaults({ task, training, modules }: TrainConfig): string[] {
  const faults = taskKind(task).faults(task);
  const ids = task.labels.map(({ id }) => id);
  const reserved = ids.filter((id) => RESERVED_COLUMNS.includes(id));
  if (reserved.length) faults.push(`task.labels: ${reserved.join(", ")} is a column of labels.csv with another meaning; choose another id`);
  const { losses, classWeights, threshold } = taskTraining(task);
  if (training.loss !== undefined && !losses.includes(training.loss))
    faults.push(`training.loss "${training.loss}" is not for ${task.kind} tasks; use ${losses.map((loss) => `"${loss}"`).join(" or ")}`);
  if (training.classWeights !== undefined && classWeights === undefined) faults.push(`training.classWeights: ${task.kind} tasks have no classes; leave it out`);
  if (training.threshold !== undefined && threshold === undefined)
    faults.push(`training.threshold: ${task.kind} tasks decide without a threshold; leave it out`);
  for (const [name, range] of Object.entries(training.augment || {}))
    if (typeof range === "object" && "low" in range && range.low > range.high)
      faults.push(`training.augment.${name}: low ${range.low} is above high ${range.high}`);
  if (modules.lora === null && training.masks) faults.push("training.masks needs LoRA: without it nothing that is kept would learn from the masks");
  return faults;
}
