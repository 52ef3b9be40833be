// adapter.json: the schema of an adapter's manifest. Unknown keys are errors; the JSON Schema is made from this at build.

import { z } from "zod";
import { AnyMC3DError } from "./errors.js";

const range = z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, "low must not exceed high");
const count = z.int().min(1).max(100_000);
const text = z.string().min(1);

/** Anatomical plane, or `acquired`: the plane the slices were stored in. */
const plane = z.enum(["axial", "coronal", "sagittal", "acquired"]);

/** A declared range; a volume outside it is refused, or only warned about. */
const expectation = z.strictObject({ range, otherwise: z.enum(["refuse", "warn"]) });

const expect = z.strictObject({
  /** DICOM modalities. A volume that names another is refused; one that names none is let through. */
  modality: z.array(text).min(1).optional(),
  /** Where the volume's smallest and largest voxel value must lie. */
  minimum: expectation.optional(),
  maximum: expectation.optional(),
  /** In-plane voxel size, mm. */
  pixelSpacing: expectation.optional(),
  /** Distance of slices, mm. */
  sliceSpacing: expectation.optional(),
  /** In-plane extent of the whole volume, mm, each side. */
  extent: expectation.optional(),
  /** Number of slices. */
  slices: expectation.optional(),
});

const intensity = z.discriminatedUnion("kind", [
  /** Each window [low, high] is scaled to [0,1] and clipped; one window is repeated for the three channels. */
  z.strictObject({ kind: z.literal("windows"), windows: z.union([z.tuple([range]), z.tuple([range, range, range])]) }),
  z.strictObject({ kind: z.literal("range"), range }),
  /** Clipped at two percentiles of the volume (linear interpolation, as numpy), scaled to [0,1]. */
  z.strictObject({
    kind: z.literal("percentile"),
    low: z.number().min(0).max(100),
    high: z.number().min(0).max(100),
    over: z.enum(["all", "nonzero"]).default("all"),
  }),
  /** (v - mean)/sd of the volume; goes to the backbone as it is, without the [0,1] pixels' mean and sd. */
  z.strictObject({ kind: z.literal("zscore"), over: z.enum(["all", "nonzero"]).default("all") }),
]);

const slices = z.discriminatedUnion("choice", [
  z.strictObject({ choice: z.literal("all") }),
  /** `count` slices spread evenly; all of them where there are fewer. */
  z.strictObject({ choice: z.literal("even"), count }),
  /** Only slices with a voxel above `above`; of those every n-th, at most `count` spread evenly. */
  z.strictObject({ choice: z.literal("foreground"), above: z.number(), every: count.optional(), count: count.optional() }),
]);

const view = z.strictObject({
  /** Which of the volumes given to classify(); adapters with one source call it "volume". */
  source: text,
  plane,
  /** `volume`, or the bounding box of voxels above a value with a margin in mm. */
  crop: z.union([z.literal("volume"), z.strictObject({ foreground: z.strictObject({ above: z.number(), margin: z.number().min(0) }) })]),
  /** Pixel size in mm; null stretches the crop over the slice. */
  spacing: z.number().positive().nullable(),
  /** Slice size in pixels: rows, columns; multiples of the backbone's patch. */
  size: z.tuple([count.max(4096), count.max(4096)]),
  slices,
  intensity,
  /** Value outside the volume, before the intensity step. */
  pad: z.number(),
  expect,
});

const label = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/),
  name: text,
  description: text.optional(),
  /** SNOMED CT concept id. */
  snomed: z
    .string()
    .regex(/^\d{6,18}$/)
    .optional(),
  /** Decision threshold on the probability; required for binary and multilabel tasks. */
  threshold: z.number().min(0).max(1).optional(),
});

const interval = z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]);

const metrics = z.strictObject({
  dataset: text,
  split: text,
  date: z.iso.date(),
  seed: z.int(),
  /** How the figures came about: program and version. */
  madeBy: text,
  labels: z.array(
    z.strictObject({ id: text, n: z.int().min(1), positives: z.int().min(0), auroc: z.number().min(0).max(1).nullable(), interval: interval.nullable() }),
  ),
});

/** A package on npm: lower case, with or without a scope. */
const packageName = z
  .string()
  .max(214)
  .regex(/^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/, "not an npm package name: lower-case letters, digits and - . _, with or without @scope/");

export const adapterManifestSchema = z.strictObject({
  $schema: z.string().optional(),
  schemaVersion: z.literal(1),
  name: packageName,
  version: z.string().regex(/^\d+\.\d+\.\d+(-[\w.]+)?$/),
  title: text,
  description: text,
  task: z.strictObject({ kind: z.enum(["binary", "multilabel", "multiclass"]), labels: z.array(label).min(1).max(10_000) }),
  backbone: z.strictObject({ name: text, hash: z.string().regex(/^sha256-[0-9a-f]{64}$/) }),
  input: z.strictObject({ bodyParts: z.array(text), views: z.array(view).min(1).max(16) }),
  modules: z.strictObject({
    /** null: frozen features, head only. `rankStabilised`: scale alpha/√rank instead of alpha/rank. */
    lora: z
      .strictObject({
        rank: z.int().min(1).max(256),
        alpha: z.number().positive(),
        rankStabilised: z.boolean().default(false),
        targets: z.array(z.enum(["patch", "qkv", "proj"])).min(1),
        /** Only the last n blocks; absent: all. */
        lastBlocks: z.int().min(1).optional(),
      })
      .nullable(),
    pooling: z.enum(["attention", "mean"]),
    /** Of several views: pooled by a learned query (`attention`), or one after the other, the head as wide as all of them (`concat`). */
    fusion: z.enum(["none", "attention", "concat"]),
    head: z.literal("linear"),
  }),
  metrics: z.array(metrics),
  intendedUse: text,
  limits: z.array(text).min(1),
  license: text,
  citation: z.array(text),
  conformance: z.strictObject({
    /** Of the synthetic volumes, one a source, see `syntheticVolume`. */
    seed: z.int(),
    logits: z.array(z.number()).min(1),
    tolerance: z.number().positive(),
  }),
});

export type AdapterManifest = z.infer<typeof adapterManifestSchema>;
export type ViewManifest = AdapterManifest["input"]["views"][number];
export type Expectations = ViewManifest["expect"];
export type Intensity = ViewManifest["intensity"];
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
  if (typeof schemaVersion === "number" && schemaVersion > 1)
    throw new AnyMC3DError("MANIFEST_INVALID", `${name}: schemaVersion ${schemaVersion}; this version of @anymc3d/core reads 1. Update it.`);
  const parsed = adapterManifestSchema.safeParse(json);
  const faults = parsed.success ? crossFaults(parsed.data) : [z.prettifyError(parsed.error)];
  if (!parsed.success || faults.length) {
    throw new AnyMC3DError("MANIFEST_INVALID", `${name}: ${faults.join("; ")}. The schema is adapter.schema.json of @anymc3d/core.`);
  }
  return parsed.data;
}

function crossFaults({ task, input, modules, conformance }: AdapterManifest): string[] {
  const faults: string[] = [];
  const ids = task.labels.map((l) => l.id);
  if (new Set(ids).size !== ids.length) faults.push("task.labels: two labels share an id");
  if (task.kind === "binary" && ids.length !== 1) faults.push(`task: binary has one label, found ${ids.length}`);
  if (task.kind === "multiclass" && ids.length < 2) faults.push("task: multiclass needs at least two labels");
  if (task.kind !== "multiclass" && task.labels.some((l) => l.threshold === undefined)) faults.push("task.labels: every label needs a threshold");
  if ((modules.fusion === "none") !== (input.views.length === 1))
    faults.push(`modules.fusion is "${modules.fusion}" with ${input.views.length} view(s): several views need "attention" or "concat", one view "none"`);
  if (conformance.logits.length !== ids.length) faults.push(`conformance.logits has ${conformance.logits.length} values for ${ids.length} label(s)`);
  for (const { intensity } of input.views)
    if (intensity.kind === "percentile" && intensity.low >= intensity.high) faults.push("input: percentile low must be below high");
  return faults;
}
