// classify() and createClassifier(): sources in, results out, with the engine, reader and backbone chosen for where this runs.

import {
  type Adapter,
  AnyMC3DError,
  type Backbone,
  type ClassifyOptions,
  type ClassifyResult,
  checkStudy as checkVolumes,
  classify as classifyVolumes,
  type Engine,
  type FailedRegion,
  type HeatmapOptions,
  isAnyMC3DError,
  type Progress,
  type Region,
  type StudyCheck,
  type Volume,
} from "@anymc3d/core";
import { ERRORS } from "@anymc3d/core/errors";
import { chosenRegion, type ReadOptions, type RegionFile, readRegions, readVolume, type Source } from "@anymc3d/io";
import { type AdapterSource, type BackboneSource, openAdapter, openBackbone } from "./assets.js";
import { atOnce, readingFirst } from "./at-once.js";
import { isFileList } from "./browser-files.js";
import { checkConformanceOnce } from "./conformance.js";
import { type ClassifierEngineOptions, holdEngine } from "./engines/own.js";
import { CLASSIFIER_OPTIONS, checkOptionNames, RUN_OPTIONS } from "./option-names.js";

/** A path (of a file or a DICOM folder) or URL, a File, bytes, a list of these that makes one volume, or a volume; or one of all that for each source an adapter names. */
export type VolumeSource = Source | readonly Source[] | Volume;
/** One volume, or one for each source that an adapter names: `{ t1: file, t2: file }`. */
export type StudySource = VolumeSource | Readonly<Record<string, VolumeSource>>;

/** Which part of a study is looked at; a mask may be a file. */
export type RegionSource =
  | Exclude<Region, { readonly mask: Volume }>
  | {
      /**
       * Where it is marked, in the same patient space: a volume of labels, or whatever `readRegions()` of `@anymc3d/io` reads: a label map, a DICOM
       * segmentation, structure set or structured report, 3D Slicer's markups, a table of points.
       */
      readonly mask: VolumeSource;
      /** The number of the label, segment or structure, or its name where the file has names. Default: the only one there is. */
      readonly label?: number | string;
    };

/** One region, and one answer; absent: the whole study. */
export interface OneRegion {
  readonly roi?: RegionSource;
}

/** Several regions, and as many answers, in their order. */
export interface SeveralRegions {
  readonly roi: readonly RegionSource[];
}

/** How one study is classified. */
export interface RunOptions {
  /** Also return where the model looked: true for attention, or `{ method: "gradcam", label }`. Default false. */
  readonly heatmap?: boolean | HeatmapOptions;
  /** Heatmaps of a region: on the grid of the study (default; 0 outside of the region), or on that of the region alone. */
  readonly heatmapGrid?: "study" | "region";
  /**
   * `refuse` (default) throws on input outside what the adapter declares; `warn` goes on, and the result's `outside` says what was let through, but for
   * another modality, or a scan in the place of a segmentation and the reverse: those want `force`.
   */
  readonly checks?: "refuse" | "warn" | "force";
  /** Stops at the next chunk of slices, or while reading; the call rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Told of stage, done and total as it goes. */
  readonly onProgress?: (progress: Progress) => void;
  /** For the reader: which series, frame or array, the modality or orientation that a file cannot tell, the byte limit, … */
  readonly read?: Omit<ReadOptions, "signal" | "onProgress" | "name">;
}

/** What a classifier is made with. */
export interface ClassifierOptions extends ClassifierEngineOptions {
  /** Default: DINOv2 ViT-S/14, which comes with the SDK. */
  readonly backbone?: BackboneSource;
  /**
   * Whether an adapter's conformance vector is run before its first answer, once an adapter, engine and machine: what was damaged, or is computed
   * otherwise here than its author saw, is `CONFORMANCE_FAILED` then and never a number. Default true; false for who has measured it himself.
   */
  readonly conformance?: boolean;
  /** For loading and making the engine. */
  readonly signal?: AbortSignal;
  /** Told of loading and making the engine. */
  readonly onProgress?: (progress: Progress) => void;
}

/** What one adapter of several makes of a study: an answer, or why it has none. */
export type AdapterAnswer = { readonly adapter: AdapterName } & ({ readonly result: ClassifyResult } | { readonly error: AnyMC3DError });

/** Which adapter answered. */
export interface AdapterName {
  readonly name: string;
  readonly version: string;
  /** SHA-256 over manifest and tensors. */
  readonly hash: string;
}

/** One engine for many volumes and adapters. */
export interface Classifier {
  /** The one at work; another one after a graphics device was lost. */
  readonly engine: Engine;
  /** @throws AnyMC3DError with a stable `code`, `CONFORMANCE_FAILED` among them; the signal's reason after an abort */
  classify(source: StudySource, adapter: AdapterSource, options: RunOptions & SeveralRegions): Promise<(ClassifyResult | FailedRegion)[]>;
  classify(source: StudySource, adapter: AdapterSource, options?: RunOptions & OneRegion): Promise<ClassifyResult>;
  /**
   * Classifies one study, or a region of it, with several adapters, in their order: every one that takes it. The study is read once.
   * @returns an answer each; `error` where the adapter refuses the study (or wants several volumes of it), or was made for another backbone
   * @throws AnyMC3DError for a study that cannot be read, adapters that cannot be loaded, and an engine that fails; the signal's reason after an abort
   */
  classifyAll(source: StudySource, adapters: readonly AdapterSource[], options?: RunOptions & OneRegion): Promise<AdapterAnswer[]>;
  /** Frees the engine, unless it was given by its owner. */
  dispose(): Promise<void>;
}

/**
 * Creates a classifier: loads the backbone once, keeps its engine until `dispose()`. Adapters are swapped per call at no cost. Where the graphics
 * device is lost (a reset, a tab that slept), the engine is made anew once a call, and the result's warnings say so; one that was given is not.
 * @throws AnyMC3DError as `openBackbone` and `createEngine`; for an engine of one's own `BACKBONE_MISMATCH` and `ENGINE_SELF_TEST`
 */
export async function createClassifier(options: ClassifierOptions = {}): Promise<Classifier> {
  checkOptionNames(options, CLASSIFIER_OPTIONS);
  options.onProgress?.({ stage: "load", done: 0, total: 2 });
  const backbone = await openBackbone(options.backbone, { signal: options.signal });
  options.signal?.throwIfAborted();
  options.onProgress?.({ stage: "load", done: 1, total: 2 });
  let held = await holdEngine(backbone, options);
  options.onProgress?.({ stage: "load", done: 2, total: 2 });
  const opened = new WeakMap<object, Promise<Adapter>>();
  const adapterOf = (source: AdapterSource): Promise<Adapter> => {
    if (typeof source !== "object" || source === null || source instanceof URL) return openAdapter(source);
    const known = opened.get(source) ?? openAdapter(source);
    opened.set(source, known);
    // What failed once, for want of a network perhaps, is tried again.
    known.catch(() => opened.delete(source));
    return known;
  };
  const classifyStudy = async (source: StudySource, adapterSource: AdapterSource, run: RunOptions & (OneRegion | SeveralRegions) = {}) => {
    checkOptionNames(run, RUN_OPTIONS);
    const reading = (signal: AbortSignal) => Promise.all([readStudyAndRegions(source, { ...run, signal }), adapterOf(adapterSource)]);
    const [{ study, roi }, adapter] = await atOnce(reading, run.signal);
    const { heatmap, heatmapGrid, checks, signal, onProgress } = run;
    const once = async (): Promise<ClassifyResult | (ClassifyResult | FailedRegion)[]> => {
      if (options.conformance ?? true) await checkConformanceOnce(adapter, held.engine, signal);
      return classifyVolumes(study, adapter, { engine: held.engine, heatmap, heatmapGrid, checks, signal, onProgress, roi } as ClassifyOptions & {
        roi?: Region;
      });
    };
    try {
      return await once();
    } catch (error) {
      if (!isAnyMC3DError(error) || error.code !== "DEVICE_LOST" || !held.renewable) throw error;
      await held.dispose().catch(() => undefined);
      held = await holdEngine(backbone, options);
      const lost = { code: "DEVICE_LOST", message: `${error.message} A new engine, ${held.engine.id}, took over.` } as const;
      const told = <A extends ClassifyResult | FailedRegion>(answer: A): A =>
        "error" in answer ? answer : { ...answer, warnings: [lost, ...(answer as ClassifyResult).warnings] };
      const answers = await once();
      return Array.isArray(answers) ? answers.map(told) : told(answers);
    }
  };
  const classifyAll = async (source: StudySource, adapters: readonly AdapterSource[], run: RunOptions & OneRegion = {}): Promise<AdapterAnswer[]> => {
    checkOptionNames(run, RUN_OPTIONS);
    if (adapters.length === 0) throw new AnyMC3DError("OPTION_INVALID", "the list of adapters is empty; give those that are to be asked");
    const reading = (signal: AbortSignal) => Promise.all([readStudyAndRegions(source, { ...run, signal }), Promise.all(adapters.map(adapterOf))]);
    const [{ study, roi }, opened] = await atOnce(reading, run.signal);
    const answers: AdapterAnswer[] = [];
    for (const [n, adapter] of opened.entries()) {
      const { manifest, hash } = adapter;
      const named = { name: manifest.name, version: manifest.version, hash };
      const onProgress =
        run.onProgress && ((step: Progress) => run.onProgress?.({ stage: step.stage, done: n + step.done / step.total, total: opened.length }));
      try {
        answers.push({
          adapter: named,
          result: (await classifyStudy(study, adapter, { ...run, onProgress, roi: roi as Region | undefined })) as ClassifyResult,
        });
      } catch (error) {
        // What one adapter has against the study is its own answer; what is wrong with the machine ends them all.
        if (run.signal?.aborted || !isAnyMC3DError(error) || !(ERRORS[error.code].about === "input" || error.code === "BACKBONE_MISMATCH")) throw error;
        answers.push({ adapter: named, error });
      }
    }
    return answers;
  };
  return {
    get engine() {
      return held.engine;
    },
    classify: classifyStudy as Classifier["classify"],
    classifyAll,
    dispose: () => held.dispose(),
  };
}

/**
 * Classifies one study: reads it while adapter, backbone and engine are made ready, runs, frees everything. The first thing to fail ends the others.
 * For more than one volume use {@link createClassifier}.
 * @example const result = await classify("nodule.nii.gz", lungNodule, { heatmap: true });
 * @throws AnyMC3DError with a stable `code`; the signal's reason after an abort
 */
export function classify(
  source: StudySource,
  adapterSource: AdapterSource,
  options: RunOptions & SeveralRegions & ClassifierOptions,
): Promise<(ClassifyResult | FailedRegion)[]>;
export function classify(source: StudySource, adapterSource: AdapterSource, options?: RunOptions & OneRegion & ClassifierOptions): Promise<ClassifyResult>;
export async function classify(
  source: StudySource,
  adapterSource: AdapterSource,
  options: RunOptions & (OneRegion | SeveralRegions) & ClassifierOptions = {},
): Promise<ClassifyResult | (ClassifyResult | FailedRegion)[]> {
  checkOptionNames(options, [...RUN_OPTIONS, ...CLASSIFIER_OPTIONS]);
  options.signal?.throwIfAborted();
  const onProgress = options.onProgress && readingFirst(options.onProgress);
  const { heatmap, heatmapGrid, checks, read, roi: regions, signal: stop, onProgress: _, backbone, ...engineOptions } = options;
  let classifier: Classifier | undefined;
  const prepare = async (signal: AbortSignal) => {
    const opening = openAdapter(adapterSource, { signal });
    const making = async () => {
      const made = await createClassifier({ ...engineOptions, signal, onProgress, backbone: backbone ?? (await opening).manifest.backbone.name });
      // What was made for nothing is freed here, all else below.
      if (signal.aborted) await made.dispose();
      signal.throwIfAborted();
      classifier = made;
      return made;
    };
    return Promise.all([readStudyAndRegions(source, { read, roi: regions, signal, onProgress }), opening, making()]);
  };
  try {
    const [{ study, roi }, adapter, made] = await atOnce(prepare, stop);
    return await made.classify(study, adapter, { heatmap, heatmapGrid, checks, signal: stop, onProgress, roi } as RunOptions & OneRegion);
  } finally {
    await classifier?.dispose();
  }
}

/**
 * Whether an adapter takes a study, or a region of it, and what would be warned of; needs no engine.
 * @throws AnyMC3DError as reading the study and loading the adapter do; what `classify()` would refuse is in the answer
 */
export async function checkStudy(
  source: StudySource,
  adapterSource: AdapterSource,
  options: Pick<RunOptions, "read" | "signal"> & OneRegion = {},
): Promise<StudyCheck> {
  checkOptionNames(options, ["read", "roi", "signal"]);
  const { read } = options;
  const roi = options.roi && [options.roi];
  const prepare = (signal: AbortSignal) => Promise.all([readStudyAndRegions(source, { read, roi, signal }), openAdapter(adapterSource, { signal })]);
  const [found, { manifest }] = await atOnce(prepare, options.signal);
  const [region] = (found.roi as readonly (Region | FailedRegion)[] | undefined) ?? [];
  if (region && "error" in region) return { verdict: "impossible", findings: [{ code: region.error.code, message: region.error.message }] };
  return checkVolumes(found.study, manifest, { roi: region });
}

/** The backbone an adapter names. */
export async function backboneOf(adapter: Adapter, signal?: AbortSignal): Promise<Backbone> {
  return openBackbone(adapter.manifest.backbone.name, { signal });
}

const isVolume = (source: unknown): source is Volume => typeof source === "object" && source !== null && "data" in source && "shape" in source;

function isSource(source: StudySource): source is VolumeSource {
  if (typeof source !== "object" || source === null) return true;
  return isVolume(source) || Object.getPrototypeOf(source) !== Object.prototype;
}

/** Reads the volumes of a study, one after the other: two at once would need the memory of both readings. */
export async function readStudy(given: StudySource, options: RunOptions): Promise<Volume | Record<string, Volume>> {
  if (given === undefined || given === null) throw new AnyMC3DError("OPTION_INVALID", `the source is ${given}; pass a path, a URL, a File, bytes or a volume`);
  const source = isFileList(given) ? [...given] : given;
  const sources = isSource(source) ? [["", source] as const] : Object.entries(source);
  const tell = (done: number, total: number) => options.onProgress?.({ stage: "read", done, total });
  tell(0, sources.length);
  const volumes: Record<string, Volume> = {};
  for (const [n, [name, one]] of sources.entries()) {
    const onProgress = (done: number, total: number) => (sources.length === 1 ? tell(done, total) : tell(n + done / total, sources.length));
    volumes[name] = isVolume(one) ? one : await readVolume(one, { ...options.read, signal: options.signal, onProgress });
  }
  tell(sources.length, sources.length);
  return isSource(source) ? volumes[""] : volumes;
}

/** Reads a study, and the files that its regions are marked in, each once. */
async function readStudyAndRegions(source: StudySource, options: RunOptions & { readonly roi?: RegionSource | readonly RegionSource[] }) {
  const study = await readStudy(source, options);
  const { roi, signal } = options;
  const files = new Map<VolumeSource, Promise<RegionFile>>();
  const masks = new Map<VolumeSource, Promise<Volume>>();
  const once = <T>(known: Map<VolumeSource, Promise<T>>, file: VolumeSource, read: () => Promise<T>): Promise<T> => {
    const found = known.get(file) ?? read();
    known.set(file, found);
    return found;
  };
  const resolved = async (region: RegionSource): Promise<Region> => {
    if (typeof region !== "object" || region === null || !("mask" in region) || isVolume(region.mask)) return region as Region;
    const { mask: file, label } = region;
    const first = isVolume(study) ? study : Object.values(study)[0];
    // Without an orientation nothing but voxels of the same grid can be meant.
    if (!first.affine) return { ...region, mask: await once(masks, file, () => readVolume(file, { signal })) };
    return chosenRegion(await once(files, file, () => readRegions(file, { signal })), first, label);
  };
  if (!isRegionList(roi)) return { study, roi: roi && (await resolved(roi)) };
  const regions: (Region | FailedRegion)[] = [];
  for (const region of roi) {
    // A file that cannot be read is of all its regions; what it does not hold, or holds of another scan, is an answer of its own.
    const found = await resolved(region).catch((error: unknown): FailedRegion => {
      if (isAnyMC3DError(error) && error.code.startsWith("REGION_")) return { error };
      throw error;
    });
    regions.push(found);
  }
  return { study, roi: regions };
}

const isRegionList = (roi: RegionSource | readonly RegionSource[] | undefined): roi is readonly RegionSource[] => Array.isArray(roi);
