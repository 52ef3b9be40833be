// adapter.json: the schema of an adapter's manifest. Unknown keys are errors; the JSON Schema is made from this at build.

// As a namespace: where `z` is imported by name, webpack 5.113 takes `z.iso.date` for `z.date`.
import * as z from "zod";
import { AnyMC3DError, bounded } from "./errors.js";
import { featuresSchema } from "./kinds/features/index.js";
import { FUSION_IDS, FUSIONS, fusionKind } from "./kinds/fusion/index.js";
import { HEAD_FORMS, HEADS } from "./kinds/head/index.js";
import { intensityKind, intensitySchema } from "./kinds/intensity/index.js";
import { valueRange } from "./kinds/intensity/intensity-kind.js";
import { POOLING_IDS, POOLINGS } from "./kinds/pooling/index.js";
import { roiSchema } from "./kinds/roi/index.js";
import { fromVersion1 } from "./manifest-upgrade.js";
import { faultsOf, fieldsOf, key, line, npmName, paragraphs, value } from "./schema-fields.js";
import { taskKind, taskSchema } from "./tasks/index.js";

const count = z.int().min(1).max(100_000);

const plane = z
  .enum(["axial", "coronal", "sagittal", "acquired"])
  .describe("Anatomical plane of the slices, in radiological display order. `acquired`: the plane in which the slices were stored.");

const expectation = z.strictObject({
  range: valueRange.describe("[low, high], both included."),
  otherwise: z
    .enum(["refuse", "warn"])
    .describe('What happens outside the range: `refuse`: an error, unless the user passes `checks: "warn"`; `warn`: it is classified, with a warning.'),
});

const expect = z
  .strictObject({
    modality: z
      .array(line)
      .min(1)
      .optional()
      .describe("DICOM modalities (`CT`, `MR`, `PT`, …). A volume that names another is refused; one that names none is let through."),
    minimum: expectation.optional().describe("Where the volume's smallest voxel value must lie, in its units (CT: Hounsfield units)."),
    maximum: expectation.optional().describe("Where the volume's largest voxel value must lie, in its units."),
    pixelSpacing: expectation.optional().describe("Voxel size in the plane, mm, each side. Not held against volumes without orientation and spacing."),
    sliceSpacing: expectation.optional().describe("Distance of the slices' middles, mm. Not held against volumes without orientation and spacing."),
    extent: expectation.optional().describe("In-plane extent of the whole volume, mm, each side. Not held against volumes without orientation and spacing."),
    slices: expectation.optional().describe("Number of slices of the volume in this plane."),
    percentiles: z
      .strictObject({
        p1: expectation.optional().describe("The 1st percentile."),
        p50: expectation.optional().describe("The median."),
        p99: expectation.optional().describe("The 99th percentile."),
      })
      .optional()
      .describe("Where percentiles of all the volume's voxels must lie, in its units: judges the values by their distribution, not by two voxels."),
  })
  .describe("What a volume must look like. What is left out is not checked. NaN and infinite voxels are refused in any case.");

const slices = z
  .discriminatedUnion("choice", [
    z.strictObject({ choice: z.literal("all") }).describe("All slices of the crop."),
    z
      .strictObject({ choice: z.literal("even"), count: count.describe("Number of slices.") })
      .describe("`count` slices spread evenly; all of them where there are fewer."),
    z
      .strictObject({
        choice: z.literal("foreground"),
        above: value.describe("A slice is taken if one of its voxels is above this value, in the volume's units."),
        every: count.optional().describe("Of those slices every n-th, from the first; absent: every one."),
        count: count.optional().describe("At most so many of what is left, spread evenly; absent: all."),
      })
      .describe("Only slices with a voxel above a value. A volume that has none is refused."),
  ])
  .describe("Which slices are taken.");

const labels = z
  .strictObject({
    known: z
      .array(z.int())
      .min(2)
      .max(256)
      .refine((numbers) => new Set(numbers).size === numbers.length, "a number twice")
      .describe("The label numbers that the adapter was trained on, 0 (nothing) among them: `[0, 255]`, `[0, 1, 2, 3]`."),
    map: z
      .record(z.string().regex(/^(0|-?[1-9]\d*)$/, "not a whole number"), z.int())
      .optional()
      .describe('Other numbers that are taken, and which of `known` each stands for: `{ "1": 255 }`. Used where it knows all numbers of a volume.'),
  })
  .describe(
    "The volume is a segmentation. Its numbers are never mixed: two of them are brought onto the pixels as a 0/1 image, more of them one at a time, and the one with the largest share of a pixel is taken. A volume with other numbers is refused; what of them is missing is told.",
  );

const view = z.strictObject({
  source: key.describe('Which of the volumes given to classify(); adapters that read one call it "volume".'),
  plane,
  crop: z
    .union([
      z.literal("volume").describe("The whole volume."),
      z
        .strictObject({
          foreground: z
            .strictObject({
              above: value.describe("Voxels above this value are foreground, in the volume's units."),
              margin: z.number().min(0).max(10_000).describe("Added on each side, mm, as far as the volume reaches."),
            })
            .describe("What counts as foreground."),
        })
        .describe("The bounding box of the foreground. A volume that has none is refused."),
    ])
    .describe("What part of the volume is looked at."),
  spacing: z
    .number()
    .min(0.001)
    .max(1000)
    .nullable()
    .describe("Pixel size, mm; the middle of the crop is the middle of the slice. null stretches the crop over the slice."),
  size: z
    .tuple([count.max(4096), count.max(4096)])
    .refine(([rows, columns]) => rows * columns <= 2 ** 22, "more than 2048×2048 pixels")
    .describe("Slice size, pixels: [rows, columns]; multiples of the backbone's patch (14 for DINOv2 ViT-S/14)."),
  slices,
  labels: labels.optional(),
  intensity: intensitySchema,
  pad: value.describe("Value outside the volume, before the intensity step, in the volume's units (CT: -1000 is air)."),
  expect,
});

/** Figures of quantities are in their units. */
const measured = z.number().min(-1e15).max(1e15);

const interval = z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]);

const decision = z.strictObject({
  value: z.number().min(0).max(1).nullable().describe("The figure; null where it is undefined."),
  interval: interval.nullable().describe("Its 95 % interval: [low, high]; null where there is none."),
});

const labelMetrics = z.strictObject({
  id: line.describe("The label's id."),
  n: z.int().min(1).describe("Cases whose label is known."),
  positives: z.int().min(0).describe("Of these, the cases where it is there."),
  auroc: z.number().min(0).max(1).nullable().describe("Area under the ROC curve; null where only one class occurs."),
  interval: interval.nullable().describe("95 % interval of the AUROC: [low, high]; null where there is none."),
  sensitivity: decision.optional().describe("At the decision threshold: share of the cases with it that are decided for."),
  specificity: decision.optional().describe("At the decision threshold: share of the cases without it that are decided against."),
  trained: z
    .strictObject({ n: z.int().min(0).describe("Cases whose label is known."), positives: z.int().min(0).describe("Of these, the cases where it is there.") })
    .optional()
    .describe("Cases that it was trained on whose label is known, and those of them where it is there."),
});

const figure = z.strictObject({
  id: line.describe("What programs call it: `quadraticKappa`, `meanAbsoluteError`, `r2`, `topOneAccuracy`, `macroF1`."),
  name: line.describe("What people read."),
  n: z.int().min(1).describe("Cases that it was measured on."),
  value: measured.nullable().describe("The figure; null where it is undefined."),
  interval: z.tuple([measured, measured]).nullable().describe("Its 95 % interval: [low, high]; null where there is none."),
  unit: line.optional().describe("Of the value; absent: a pure number."),
});

const coverage = z.strictObject({
  id: line.describe("What it is about: a label, the classes' column, the quantity."),
  nominal: z.number().gt(0).lt(1).describe("What the calibration promises, `task.conformal.coverage`."),
  measured: z.number().min(0).max(1).describe("Share of cases, none of which calibrated it, whose truth the sets or intervals held."),
  spread: measured.min(0).optional().describe("Its standard deviation over repeated measurements."),
  n: z.int().min(1).describe("Cases."),
  how: paragraphs.describe("How calibration and measurement were kept apart."),
  size: measured.min(0).optional().describe("Mean number of answers in a set, or mean width of an interval, in the unit."),
});

const metrics = z.strictObject({
  dataset: paragraphs.describe("What the data is called, with its licence."),
  split: line.describe("Which part of it the figures are from: val, test."),
  date: z.iso.date().describe("When they were computed, YYYY-MM-DD."),
  seed: z.int().describe("Of the training run."),
  madeBy: line.describe("How the figures came about: program and version."),
  thresholds: line.optional().describe("How decision thresholds were chosen, and on what: Youden's index on val."),
  labels: z.array(labelMetrics).describe("One entry a label; none where the task's figures are not label by label."),
  figures: z
    .array(figure)
    .optional()
    .describe("Figures of the task as a whole: of ordered classes and of quantities all, of labels and classes those over all of them."),
  coverage: z.array(coverage).optional().describe("How often prediction sets or intervals hold the truth: one entry a quantile of `task.conformal`."),
  baselines: z
    .array(
      z.strictObject({
        id: line.describe("What programs call it: `size`."),
        name: line.describe("What it is, for people: the best that size alone does."),
        labels: z.array(labelMetrics).optional().describe("Its figures, label by label."),
        figures: z.array(figure).optional().describe("Its figures of the task as a whole."),
      }),
    )
    .optional()
    .describe("What simpler means reach on the same cases."),
  warnings: z
    .array(
      z.strictObject({
        about: line.optional().describe("Id of the label or figure that it is about; absent: all of them."),
        code: line.describe("`FEW_CASES`, `NEAR_CHANCE`, `WORSE_THAN_CHANCE`, `NOT_CALIBRATED`, `NO_SETS`; the first three follow from the figures."),
        message: paragraphs.describe("For people."),
      }),
    )
    .optional()
    .describe("What speaks against relying on these figures. Cards, lists and results tell it."),
});

const contentHash = z.string().regex(/^sha256-[0-9a-f]{64}$/);

const lora = z.strictObject({
  rank: z.int().min(1).max(256).describe("Rank r of the matrices."),
  alpha: z.number().min(1e-6).max(65_536).describe("Scale: W' = W + (alpha/rank)·B·A."),
  rankStabilised: z.boolean().default(false).describe("Scale by alpha/√rank instead of alpha/rank."),
  targets: z
    .array(z.enum(["patch", "qkv", "proj"]))
    .min(1)
    .describe("The maps that are adapted: patch embedding, fused queries, keys and values, the attention's output."),
  lastBlocks: z.int().min(1).optional().describe("Only the last n blocks; absent: all."),
});

/** The zod schema of adapter.json; every field is described in it. */
export const adapterManifestSchema = z.strictObject({
  $schema: z.string().optional().describe("Address of this schema, for editors."),
  schemaVersion: z.literal(2).describe("Version of this format. Version 1 is read, too, with a warning: it does not pin its weights."),
  name: npmName.describe("The npm package's name."),
  version: z
    .string()
    .regex(/^\d+\.\d+\.\d+(-[\w.]+)?$/)
    .describe("The package's version: major.minor.patch."),
  title: line.describe("One line, for lists."),
  description: paragraphs.describe("What is classified, from which input; one or two sentences."),
  task: taskSchema.describe("What is answered."),
  weights: z
    .strictObject(
      { hash: contentHash.describe("Content hash of the tensors in weights.safetensors, checked at every load; others are refused.") },
      { error: ({ input }) => (input === undefined ? "missing: schemaVersion 2 holds the hash of weights.safetensors" : undefined) },
    )
    .describe("The file beside this one."),
  backbone: z
    .strictObject({
      name: npmName.describe("The backbone's npm package."),
      hash: contentHash.describe("Content hash of its weights; other weights are refused."),
    })
    .describe("The frozen network the adapter was trained on."),
  input: z
    .strictObject({
      bodyParts: z.array(line).describe("Body parts, lower case (`lung`): for search and people; not checked."),
      roi: roiSchema,
      sources: z
        .record(
          key,
          z.strictObject({
            title: line.describe("What people call it: `T2-weighted`."),
            description: paragraphs.optional().describe("What it must be, where the title does not say it: sequence, phase, plane."),
          }),
        )
        .optional()
        .describe("What the volumes of `views[].source` are, by those names, for people who are asked for them."),
      views: z.array(view).min(1).max(16).describe("How slices are made; one entry a plane or a source, each with LoRA and query of its own."),
    })
    .describe("What goes in, and what it must look like."),
  modules: z
    .strictObject({
      lora: lora.nullable().describe("Low-rank matrices beside the frozen ones. null: frozen features, head only."),
      features: featuresSchema,
      members: z.literal(1).default(1).describe("How many sets of modules weights.safetensors holds, whose answers would be averaged; this version reads one."),
      pooling: z.enum(POOLING_IDS).describe(`How a view's slices become one vector: ${POOLINGS.map(({ id, text }) => `${text} (\`${id}\`)`).join(", or ")}.`),
      fusion: z
        .enum(FUSION_IDS)
        .describe(`Of several views: ${FUSIONS.flatMap((kind) => ("text" in kind ? `${kind.text} (\`${kind.id}\`)` : [])).join(", or ")}. One view: \`none\`.`),
      head: z
        .enum(HEAD_FORMS)
        .describe(`What gives the logits; follows from the task's kind. ${HEADS.map(({ id, text }) => `\`${id}\`: ${text}`).join("; ")}.`),
    })
    .describe("What was learned; the tensors in weights.safetensors must match."),
  metrics: z.array(metrics).describe("What was measured, on what."),
  intendedUse: paragraphs.describe("What it is for."),
  limits: z.array(paragraphs).min(1).describe("What it is not for, and what is known to go wrong."),
  license: line.describe("SPDX id of the weights' licence."),
  citation: z.array(paragraphs).describe("What to cite: method, data."),
  conformance: z
    .strictObject({
      seed: z.int().describe("Of the synthetic volumes, one a source, see `syntheticVolume`."),
      logits: z.array(value).min(1).describe("What the author's engine computed for them, all that the head gives."),
      tolerance: z.number().positive().describe("Largest difference of a logit that is let through; 100 times it for int8 engines."),
    })
    .describe("By which a machine checks that it computes what the author saw."),
});

/** adapter.json, checked. Every field is described by the schema, `@anymc3d/core/adapter.schema.json`. */
export type AdapterManifest = Omit<z.infer<typeof adapterManifestSchema>, "schemaVersion" | "weights"> & {
  /** That of the file. Version 1 has no `weights`; all else is filled in as version 2 has it. */
  readonly schemaVersion: 1 | 2;
  readonly weights?: { readonly hash: string };
};
/** One plane of one source, as `input.views` of adapter.json has it. */
export type ViewManifest = AdapterManifest["input"]["views"][number];
/** What a view expects of its volume; a range outside of which it is refused or warned about. */
export type Expectations = ViewManifest["expect"];
/** Anatomical plane, or `acquired`: the plane the slices were stored in. */
export type Plane = z.infer<typeof plane>;

/** JSON Schema of adapter.json (draft 2020-12). */
export function adapterJsonSchema(): unknown {
  return z.toJSONSchema(adapterManifestSchema, { io: "input", unrepresentable: "any" });
}

/**
 * Checks a manifest: shape, then what its parts say about each other.
 * @throws AnyMC3DError `MANIFEST_INVALID`, naming every field at fault
 */
export function parseAdapterManifest(json: unknown, name = "adapter.json"): AdapterManifest {
  const { schemaVersion } = (json ?? {}) as { schemaVersion?: unknown };
  if (typeof schemaVersion === "number" && schemaVersion > 2)
    throw new AnyMC3DError("MANIFEST_INVALID", `${name}: schemaVersion ${schemaVersion}; this version of @anymc3d/core reads 1 and 2. Update it.`, {
      details: { file: name, fields: ["schemaVersion"] },
    });
  const parsed = schemaVersion === 1 ? manifestSchema1.safeParse(fromVersion1(json)) : adapterManifestSchema.safeParse(json);
  const faults = parsed.success ? crossFaults(parsed.data) : [faultsOf(parsed.error)];
  if (!parsed.success || faults.length) {
    throw new AnyMC3DError("MANIFEST_INVALID", `${name}: ${bounded(faults.join("; "), 2000)}. The schema is adapter.schema.json of @anymc3d/core.`, {
      details: { file: name, fields: fieldsOf(parsed.error) },
    });
  }
  return parsed.data;
}

/** Version 1 is version 2 without the weights' hash. */
const manifestSchema1 = adapterManifestSchema.extend({ schemaVersion: z.literal(1), weights: adapterManifestSchema.shape.weights.optional() });

function crossFaults({ task, input, modules, conformance }: AdapterManifest): string[] {
  const kind = taskKind(task);
  const faults = [...kind.faults(task), ...kind.unfinished(task)];
  const outputs = kind.outputs(task);
  if (modules.head !== kind.head) faults.push(`modules.head is "${modules.head}", a task of kind "${task.kind}" has "${kind.head}"`);
  if (!fusionKind(modules.fusion).takes(input.views.length)) {
    const fitting = FUSIONS.filter((kind) => kind.takes(input.views.length)).map((kind) => `"${kind.id}"`);
    faults.push(`modules.fusion is "${modules.fusion}" with ${input.views.length} view(s), which need ${fitting.join(" or ")}`);
  }
  if (conformance.tolerance > kind.mostTolerance)
    faults.push(`conformance.tolerance is ${conformance.tolerance}, above ${kind.mostTolerance} it holds logits to nothing`);
  if (conformance.logits.length !== outputs) faults.push(`conformance.logits has ${conformance.logits.length} values, the head gives ${outputs}`);
  const known = new Set(input.views.map(({ source }) => source));
  const others = Object.keys(input.sources ?? {}).filter((source) => !known.has(source));
  if (others.length) faults.push(`input.sources: no view reads ${others.join(", ")}`);
  for (const { intensity, labels } of input.views) {
    faults.push(...(intensityKind(intensity).faults?.(intensity) ?? []));
    const astray = Object.entries(labels?.map ?? {}).filter(([from, to]) => !labels?.known.includes(to) || labels.known.includes(Number(from)));
    if (astray.length) faults.push(`labels.map: ${astray.map(([from]) => from).join(", ")} must not be in labels.known, and what each stands for must be`);
  }
  return faults;
}
