// classify(): a volume, an adapter and an engine in, probabilities, slice weights, heatmap and provenance out.

import { type BoundAdapter, bindAdapter } from "./adapter.js";
import { type ClassifyInput, judgeInput, sourcesOf } from "./checks.js";
import { encode } from "./engine/encode.js";
import { patchGrid } from "./engine/patches.js";
import { AnyMC3DError, ERRORS, isAnyMC3DError } from "./errors.js";
import { heatmapOf, type ViewMap } from "./heatmap.js";
import type { HeatmapKind, PatchMap, ViewPass } from "./kinds/heatmap/heatmap-kind.js";
import { HEATMAPS } from "./kinds/heatmap/index.js";
import { roiKind } from "./kinds/roi/index.js";
import type { AdapterManifest, ViewManifest } from "./manifest.js";
import { type PreparedView, prepareView } from "./preprocess.js";
import { type CutRegion, cutRegion, putBack } from "./regions.js";
import { forwardStudy, type StudyForward } from "./study.js";
import { taskKind } from "./tasks/index.js";
import type { Adapter, ClassifyOptions, ClassifyResult, FailedRegion, OutsideFinding, Progress, Region, Volume, Warning } from "./types.js";

/** Stands with every result. */
export const DISCLAIMER = "Research use only. Not a medical device; not for diagnosis or treatment.";

/**
 * Classifies one study, or a region of it; a list of regions gives a list of answers in its order, and those of which one fails go on. What of the
 * list failed before (`error`) is its own answer.
 * @throws AnyMC3DError for input outside what the adapter declares (`INPUT_…`, `VOXELS_NOT_FINITE`, `VOLUME_INVALID`, `GEOMETRY_INVALID`), a region
 * that is none (`REGION_…`; of a list: in its answer), an adapter that does not fit the engine's backbone (`BACKBONE_MISMATCH`, `TENSORS_MISMATCH`), and
 * the engine's own; the signal's reason after an abort
 */
export function classify(
  input: ClassifyInput,
  adapter: Adapter,
  options: ClassifyOptions & { readonly roi: readonly (Region | FailedRegion)[] },
): Promise<(ClassifyResult | FailedRegion)[]>;
export function classify(input: ClassifyInput, adapter: Adapter, options: ClassifyOptions & { readonly roi?: Region }): Promise<ClassifyResult>;
export async function classify(
  input: ClassifyInput,
  adapter: Adapter,
  { roi, ...options }: ClassifyOptions & { readonly roi?: Region | readonly (Region | FailedRegion)[] },
): Promise<ClassifyResult | (ClassifyResult | FailedRegion)[]> {
  if (!isList(roi)) return classifyOne(input, adapter, options, roi);
  if (roi.length === 0) throw new AnyMC3DError("OPTION_INVALID", "roi is an empty list; give the regions that are to be classified");
  const answers: (ClassifyResult | FailedRegion)[] = [];
  for (const [n, region] of roi.entries()) {
    if (typeof region === "object" && region !== null && "error" in region) {
      answers.push(region);
      continue;
    }
    const onProgress =
      options.onProgress && ((step: Progress) => options.onProgress?.({ stage: step.stage, done: n + step.done / step.total, total: roi.length }));
    try {
      answers.push(await classifyOne(input, adapter, { ...options, onProgress }, region));
    } catch (error) {
      // What is wrong with one region is its own answer; what is wrong with the machine ends them all.
      if (options.signal?.aborted || !isAnyMC3DError(error) || ERRORS[error.code].about !== "input") throw error;
      answers.push({ error });
    }
  }
  return answers;
}

const isList = (roi: Region | readonly (Region | FailedRegion)[] | undefined): roi is readonly (Region | FailedRegion)[] => Array.isArray(roi);

async function classifyOne(input: ClassifyInput, adapter: Adapter, options: ClassifyOptions, region: Region | undefined): Promise<ClassifyResult> {
  const passes: ViewPass[] = [];
  try {
    return await classified(input, adapter, options, region, passes);
  } finally {
    for (const { release } of passes) release?.();
  }
}

/** @param passes the views' passes are put there, for whoever releases them */
async function classified(
  input: ClassifyInput,
  adapter: Adapter,
  options: ClassifyOptions,
  region: Region | undefined,
  passes: ViewPass[],
): Promise<ClassifyResult> {
  const started = performance.now();
  const { engine, signal, checks = "refuse", heatmapGrid = "study" } = options;
  const { task, input: reads } = adapter.manifest;
  const { views } = reads;
  if (checks !== "refuse" && checks !== "warn" && checks !== "force")
    throw new AnyMC3DError("OPTION_INVALID", `checks is ${JSON.stringify(checks)}, expected "refuse", "warn" or "force"`);
  if (heatmapGrid !== "study" && heatmapGrid !== "region")
    throw new AnyMC3DError("OPTION_INVALID", `heatmapGrid is ${JSON.stringify(heatmapGrid)}, expected "study" or "region"`);
  signal?.throwIfAborted();
  const heatmap = wantedHeatmap(options, adapter.manifest);
  const bound = bindAdapter(adapter, engine.backbone);
  const studies = sourcesOf(input, adapter.manifest);
  const cuts = region && cutRegions(studies, region, adapter.manifest);
  const sources = cuts ? Object.fromEntries(Object.entries(cuts).map(([name, { volume }]) => [name, volume])) : studies;
  const { prepared, warnings: told, outside } = prepare(sources, bound, options);
  // An image that was made is stored as the adapter wants it.
  const warnings = told.filter(({ code }) => !(code === "NO_ORIENTATION" && cuts?.[views[0].source].made));
  const times = { preprocess: performance.now() - started, encode: 0, pool: 0, heatmap: 0 };

  const encodeStart = performance.now();
  await encodeViews(passes, prepared, bound, options, heatmap?.kind, (ms) => {
    times.preprocess += ms;
  });
  times.encode = performance.now() - encodeStart - (times.preprocess - (encodeStart - started));

  const poolStart = performance.now();
  const study = poolViews(passes, bound);
  const { weights, fusion, logits } = study;
  const { warnings: doubts = [], ...outcome } = taskKind(task).outcome(task, logits);
  times.pool = performance.now() - poolStart;

  const heatStart = performance.now();
  const maps = await heatmap?.kind.maps({ passes, forward: study, bound }, heatmap.label);
  const heatmaps = maps ? heatmapsOf(sources, prepared, maps, bound, options) : undefined;
  if (heatmaps && cuts && heatmapGrid === "study")
    for (const name of Object.keys(heatmaps)) heatmaps[name] = putBack(heatmaps[name], cuts[name], studies[name]);
  const [first] = views;
  times.heatmap = options.heatmap ? performance.now() - heatStart : 0;
  return {
    task: task.kind,
    ...outcome,
    logits: [...logits],
    ...(outside.length && { outside }),
    views: prepared.map((view, v) => viewResult(view, views[v], { weights: weights[v], weight: fusion[v], start: startOf(cuts?.[views[v].source]) })),
    ...(cuts && { region: cuts[first.source].place }),
    ...(heatmaps ? { heatmaps, heatmap: heatmaps[first.source] } : {}),
    warnings: [...engine.warnings, ...(adapter.warnings ?? []), ...(cuts ? cuts[first.source].warnings : []), ...warnings, ...doubts],
    provenance: {
      adapter: { name: adapter.manifest.name, version: adapter.manifest.version, hash: adapter.hash },
      backbone: { name: engine.backbone.name, hash: engine.backbone.hash },
      engine: engine.id,
      precision: engine.precision,
      times: { ...times, total: performance.now() - started },
    },
    disclaimer: DISCLAIMER,
  };
}

/** Of what is cut out, indices are those of the study; of an image that was made, its own. */
const startOf = (cut: CutRegion | undefined): readonly number[] | undefined => (cut?.made ? undefined : cut?.place.start);

/** The region in every source. */
function cutRegions(studies: Readonly<Record<string, Volume>>, region: Region, { input: { roi }, name }: AdapterManifest): Readonly<Record<string, CutRegion>> {
  return Object.fromEntries(Object.entries(studies).map(([source, volume]) => [source, cutRegion(volume, region, roi, name)]));
}

function prepare(sources: Readonly<Record<string, Volume>>, bound: BoundAdapter, options: ClassifyOptions) {
  const { manifest } = bound.adapter;
  const { views } = manifest.input;
  const warnings = new Map<string, Warning>();
  // All are checked before the first is prepared, so that nothing is done for a study that is refused.
  const outside = new Map<string, OutsideFinding>();
  for (const view of views) {
    const judged = judgeInput(sources[view.source], view, manifest.name, options.checks ?? "refuse", roiKind(manifest.input.roi).image !== undefined);
    for (const warning of judged.warnings) warnings.set(warning.message, warning);
    for (const finding of judged.outside) outside.set(finding.message, finding);
  }
  const prepared = views.map((view) => {
    options.signal?.throwIfAborted();
    return prepareView(sources[view.source], view, options.engine.backbone.spec);
  });
  return { prepared, warnings: [...warnings.values()], outside: [...outside.values()] };
}

async function encodeViews(
  passes: ViewPass[],
  prepared: readonly PreparedView[],
  bound: BoundAdapter,
  options: ClassifyOptions,
  heatmap: HeatmapKind | undefined,
  tookPreprocessing: (ms: number) => void,
): Promise<void> {
  const { engine, signal, onProgress } = options;
  const total = prepared.reduce((sum, view) => sum + view.slices.count, 0);
  let before = 0;
  onProgress?.({ stage: "encode", done: 0, total });
  for (const [v, { slices }] of prepared.entries()) {
    const read = (start: number, end: number) => {
      const from = performance.now();
      const pixels = slices.read(start, end);
      tookPreprocessing(performance.now() - from);
      return pixels;
    };
    const onSlices = (done: number) => onProgress?.({ stage: "encode", done: before + done, total });
    const [timed, { lora }] = [{ ...slices, read }, bound.views[v]];
    passes.push(await (heatmap ? heatmap.pass(engine, timed, lora, { signal, onSlices }) : encode(engine, timed, lora, { onSlices }, signal)));
    before += slices.count;
  }
}

function poolViews(passes: readonly ViewPass[], bound: BoundAdapter): StudyForward {
  const study = forwardStudy(
    passes.map(({ cls }) => cls),
    bound,
  );
  if (!study.logits.every(Number.isFinite))
    throw new AnyMC3DError(
      "ENGINE_FAILED",
      `the logits are not finite: the device computed wrongly, or the weights of ${bound.adapter.manifest.name} are beyond what float32 computes with. Choose another engine; if that says the same, ask the adapter's author.`,
    );
  return study;
}

/** @param counted weights of the slices and of the view; where the region begins in the source's voxels */
function viewResult(
  { grid, chosen }: PreparedView,
  { source, plane }: ViewManifest,
  { weights, weight, start = [0, 0, 0] }: { weights: Float32Array; weight: number; start?: readonly number[] },
) {
  const { voxelAxis, stride, length } = grid.slices;
  const slices = chosen.map((s, n) => ({ index: start[voxelAxis] + (stride < 0 ? length - 1 - s : s), weight: weights[n] }));
  return { source, plane, axis: voxelAxis, weight, slices };
}

/** A heatmap that was asked for: its kind, and the label that it explains. */
interface WantedHeatmap {
  readonly kind: HeatmapKind;
  readonly label?: string;
}

/** @throws AnyMC3DError `OPTION_INVALID` for an unknown method or label */
function wantedHeatmap({ heatmap }: ClassifyOptions, { task, name }: AdapterManifest): WantedHeatmap | undefined {
  const forms = HEATMAPS.map(({ id, labelled }) => `{ method: "${id}"${labelled ? ", label" : ""} }`);
  if (heatmap !== undefined && heatmap !== null && typeof heatmap !== "boolean" && typeof heatmap !== "object")
    throw new AnyMC3DError("OPTION_INVALID", `heatmap is ${JSON.stringify(heatmap)}, expected true, false, ${forms.join(" or ")}`);
  const labelled = HEATMAPS.filter((each) => each.labelled)
    .map(({ id }) => `"${id}"`)
    .join(" or ");
  if (!heatmap) return undefined;
  if (heatmap === true) return { kind: HEATMAPS[0] };
  const kind = HEATMAPS.find(({ id }) => id === heatmap.method);
  if (!kind)
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `heatmap method is ${JSON.stringify(heatmap.method)}, expected ${HEATMAPS.map(({ id }) => `"${id}"`).join(" or ")}`,
    );
  const label = (heatmap as { label?: string }).label;
  if (label !== undefined && !kind.labelled)
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `heatmap label ${JSON.stringify(label)}: method "${kind.id}" shows ${kind.text}; leave the label out, or take ${labelled}`,
    );
  const ids = taskKind(task).heatmapLabels(task);
  if (label !== undefined && !ids.includes(label)) {
    const choices = ids.length ? `there are ${ids.join(", ")}` : "its heatmap is that of its one score: leave the label out";
    throw new AnyMC3DError("OPTION_INVALID", `${name} has no label "${label}" that a heatmap can be asked for; ${choices}`);
  }
  return { kind, label };
}

function heatmapsOf(
  sources: Readonly<Record<string, Volume>>,
  prepared: readonly PreparedView[],
  viewMaps: readonly PatchMap[],
  bound: BoundAdapter,
  { engine, onProgress }: ClassifyOptions,
): Record<string, Volume> {
  const total = prepared.reduce((sum, view) => sum + view.slices.count, 0);
  onProgress?.({ stage: "heatmap", done: 0, total });
  const maps: Record<string, Volume> = {};
  for (const [name, volume] of Object.entries(sources)) {
    const views: ViewMap[] = [];
    bound.adapter.manifest.input.views.forEach(({ source, size }, v) => {
      if (source !== name) return;
      const { map, weights } = viewMaps[v];
      views.push({ view: prepared[v], map, patches: patchGrid(engine.backbone.spec, size[0], size[1]), weights });
    });
    maps[name] = heatmapOf(volume, views);
  }
  onProgress?.({ stage: "heatmap", done: total, total });
  return maps;
}
