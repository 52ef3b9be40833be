// Everything the page knows, in signals, and what a user can do to it.

import { AnyMC3DError, HEATMAPS, type HeatmapMethod } from "@anymc3d/core";
import { roiKind } from "@anymc3d/core/learn";
import {
  type ClassifyResult,
  type HeatmapOptions,
  isAbortError,
  type Progress,
  type ReadOptions,
  type SeriesSummary,
  type StudyCheck,
  type Volume,
} from "@anymc3d/sdk";
import { computed, effect, signal } from "@preact/signals";
import {
  type AdapterEntry,
  bundledAdapters,
  hashOf,
  hostOf,
  keepAdapter,
  keptAdapters,
  letGoOfAdapter,
  registryAdapter,
  sourcesOf,
} from "../adapters/adapters.js";
import { anyClassifier, classifierFor } from "../classify/classifier.js";
import { type Fault, faultOf, mayGoWell } from "../errors/faults.js";
import { mayBeSeries, scansAmong, sourceOf, volumesAmong } from "../scan/files.js";
import type { Voxel } from "../viewer/planes.js";

export interface Scan {
  readonly name: string;
  readonly files: readonly File[];
  readonly volume: Volume;
  /** How it was read: the chosen series, frame, …, and the modality where the file does not state it. */
  readonly read: ReadChoices;
  /** It came with the page, which knows its modality. */
  readonly isSample?: boolean;
}

/** What a user has to choose from: the series, or the volumes, of what was dropped. */
export type ScanChoice =
  | { readonly files: readonly File[]; readonly series: readonly SeriesSummary[] }
  | { readonly volumes: readonly (readonly File[])[]; readonly series?: undefined };

export interface Run {
  readonly adapter: AdapterEntry;
  readonly result: ClassifyResult;
  readonly method: HeatmapOptions;
  /** The voxel around which the region lies; absent: the whole scan. */
  readonly region?: Voxel;
}

export interface Failure extends Fault {
  /** Does the same once more, where that may go well. */
  readonly again?: () => Promise<void>;
}

/** What a reader can be told of these files. */
export type ReadChoices = Omit<ReadOptions, "companion" | "signal">;

export const adapters = signal<readonly AdapterEntry[]>([]);
export const chosenKey = signal<string>();
/** Names of adapters that were added once and whose files the browser has cleared since. */
export const lostAdapters = signal<readonly string[]>([]);
export const scan = signal<Scan>();
export const scanChoice = signal<ScanChoice>();
export const busy = signal<{ readonly what: "reading" | "classifying"; readonly progress?: Progress; readonly stop: AbortController }>();
export const failure = signal<Failure>();
/** Results on this scan by adapter: of the whole scan one, of regions one each, in the order in which they were made. */
export const runs = signal<ReadonlyMap<string, readonly Run[]>>(new Map());
/** The one that is shown; of another adapter, or none: the last. */
const shownRun = signal<Run>();
export const opacity = signal(0.55);
export const method = signal<HeatmapMethod>(HEATMAPS[0].id);
/** Whether a way of making heatmaps explains one label. */
export const explainsOne = (method: HeatmapMethod): boolean => HEATMAPS.some(({ id, labelled }) => id === method && labelled);
/** Label that such a heatmap explains; undefined: the one with the largest logit. */
export const explained = signal<string>();
/** Slice that the viewer is to show: voxel-array axis and index. */
export const wantedSlice = signal<{ readonly axis: 0 | 1 | 2; readonly index: number }>();

export const chosen = computed(() => adapters.value.find(({ key }) => key === chosenKey.value));
export const ownRuns = computed(() => (chosenKey.value ? (runs.value.get(chosenKey.value) ?? []) : []));
export const run = computed(() => ownRuns.value.find((each) => each === shownRun.value) ?? ownRuns.value.at(-1));
/** Whether the chosen adapter looks at a region of a scan. */
export const looksAtRegions = computed(() => chosen.value !== undefined && roiKind(chosen.value.manifest.input.roi).pointsAt);
/** What speaks against giving the scan to the adapter; undefined until it is known. */
export const check = signal<StudyCheck>();
/** The check itself failed, for want of a network perhaps. */
export const checkFailed = signal(false);
const checkTries = signal(0);
export const checkAgain = () => checkTries.value++;

effect(() => {
  const [input, adapter] = [scan.value, chosen.value, checkTries.value];
  const stop = new AbortController();
  check.value = undefined;
  checkFailed.value = false;
  const look = async () => {
    if (!input || !adapter) return;
    try {
      check.value = await checkScan(input, adapter, stop.signal);
    } catch (error) {
      checkFailed.value = !isAbortError(error);
      throw error;
    }
  };
  void guarded(look);
  return () => stop.abort();
});

export function choose(key: string): void {
  chosenKey.value = key;
  explained.value = undefined;
}

export async function loadAdapters(): Promise<void> {
  await guarded(async () => {
    adapters.value = await bundledAdapters();
    chosenKey.value ??= adapters.value[0].key;
  });
  const { entries, lost } = await keptAdapters();
  adapters.value = [...adapters.value, ...entries.filter(({ key }) => !adapters.value.some((each) => each.key === key))];
  lostAdapters.value = lost;
  const asked = new URLSearchParams(location.search);
  const [spec, registry] = [asked.get("adapter"), asked.get("registry")];
  if (spec && registry) await guarded(async () => void (await addFromRegistry(registry, spec, { kept: false })));
}

/** Files whose reading failed for want of a choice. */
let waiting: { readonly files: readonly File[]; readonly read: ReadChoices } | undefined;

/** Reads once more what wanted a choice. */
export async function readAgain(choices: ReadChoices): Promise<void> {
  if (!waiting) return;
  const { files, read } = waiting;
  await occupied("reading", ({ signal: stop }) => readScan(files, { ...read, ...choices }, stop));
}

/** Says what the scan is where its file does not. @param modality undefined takes back what was said */
export function stateModality(modality: string | undefined): void {
  if (!scan.value) return;
  const { volume, read } = scan.value;
  const { modality: _, ...others } = read;
  scan.value = { ...scan.value, volume: { ...volume, modality }, read: { ...others, ...(modality && { modality }) } };
  runs.value = new Map();
}

/** Runs work; what it throws becomes the page's failure, an abort nothing. @param again does it once more */
async function guarded(work: () => Promise<void>, again?: () => Promise<void>): Promise<void> {
  failure.value = undefined;
  try {
    await work();
  } catch (error) {
    if (isAbortError(error)) return;
    const { asks, ...fault } = await faultOf(error);
    failure.value = { ...fault, ...(waiting && asks && { asks }), ...(again && mayGoWell(fault) && { again }) };
  }
}

async function occupied(what: "reading" | "classifying", work: (stop: AbortController, onProgress: (progress: Progress) => void) => Promise<void>) {
  busy.value?.stop.abort();
  const stop = new AbortController();
  const mine = { what, stop };
  busy.value = mine;
  const onProgress = (progress: Progress) => {
    if (busy.value?.stop === stop) busy.value = { what, stop, progress };
  };
  await guarded(
    () => work(stop, onProgress),
    () => occupied(what, work),
  );
  if (busy.value?.stop === stop) busy.value = undefined;
}

export const cancel = () => busy.value?.stop.abort();

/** Files that were dropped or picked: a volume, or a choice. */
export async function openFiles(dropped: readonly File[], sampleRead?: ReadChoices): Promise<void> {
  if (dropped.length === 0) {
    failure.value = { code: "FILE_NOT_FOUND", message: "What was given holds no files." };
    return;
  }
  scanChoice.value = undefined;
  waiting = undefined;
  const files = scansAmong(dropped);
  await occupied("reading", async ({ signal: stop }) => {
    const series = mayBeSeries(files) ? await (await anyClassifier()).series([...files], { identity: true, signal: stop }) : [];
    const volumes = series.length === 0 ? volumesAmong(files) : [];
    if (series.length > 1) scanChoice.value = { files, series };
    else if (volumes.length > 1) scanChoice.value = { volumes };
    else await readScan(volumes[0] ?? files, series.length ? { series: series[0].uid } : (sampleRead ?? {}), stop, sampleRead !== undefined);
  });
}

/** Opens what was chosen among what was dropped. */
export async function openChosen(files: readonly File[], read: ReadChoices = {}): Promise<void> {
  await occupied("reading", ({ signal: stop }) => readScan(files, read, stop));
}

async function readScan(files: readonly File[], read: ReadChoices, stop: AbortSignal, isSample = false): Promise<void> {
  waiting = { files, read };
  const classifier = await anyClassifier();
  const { source, companion } = sourceOf(files);
  const volume = await classifier.read(source, { ...read, companion, signal: stop });
  waiting = undefined;
  scanChoice.value = undefined;
  runs.value = new Map();
  wantedSlice.value = undefined;
  const name = volume.meta?.description || (source instanceof File ? source.name : `${files.length} files`);
  scan.value = { name, files, read, volume, isSample };
}

export async function openSample(entry: AdapterEntry): Promise<void> {
  const { sample } = entry;
  if (!sample) return;
  choose(entry.key);
  await guarded(async () => {
    const response = await fetch(sample);
    await openFiles([new File([await response.blob()], "sample.nii.gz")], { modality: entry.manifest.input.views[0].expect.modality?.[0] });
  });
}

/** Adds a registry's adapter and chooses it. @param kept it is to be there when the page is opened again @returns what has become of it, in words */
export async function addFromRegistry(url: string, spec: string, { kept, signal }: { kept: boolean; signal?: AbortSignal }): Promise<string> {
  const entry = await registryAdapter(url, spec, signal);
  const { key, manifest } = entry;
  const known = adapters.value.find((each) => each.key === key);
  const same = known && (await hashOf(known)) === (await hashOf(entry));
  signal?.throwIfAborted();
  if (known && !known.registry) {
    if (!same)
      throw new AnyMC3DError("PACKAGE_INVALID", `${hostOf(url)} has something else under the name of ${key}, which comes with this page. It was not added.`);
    choose(key);
    return `“${manifest.title}” is here already: it comes with this page.`;
  }
  if (!same) runs.value = new Map([...runs.value].filter(([each]) => each !== key));
  adapters.value = [...adapters.value.filter((each) => each.key !== key), { ...entry, kept: known?.kept || (kept && keepAdapter(entry)) }];
  lostAdapters.value = lostAdapters.value.filter((each) => each !== key);
  choose(key);
  return `“${manifest.title}” was added and is chosen.`;
}

/** Removes an adapter that was added. */
export async function removeAdapter(key: string): Promise<void> {
  adapters.value = adapters.value.filter((each) => each.key !== key);
  runs.value = new Map([...runs.value].filter(([each]) => each !== key));
  if (chosenKey.value === key) choose(adapters.value[0].key);
  await letGoOfAdapter(key);
}

async function checkScan({ files, read }: Scan, { manifest, source }: AdapterEntry, signal: AbortSignal): Promise<StudyCheck> {
  const series = sourcesOf(manifest);
  if (series.length > 1) {
    const message = `this adapter reads ${series.length} series together (${series.join(", ")}); this page takes one scan at a time. Use the SDK or the command line.`;
    return { verdict: "impossible", findings: [{ code: "INPUT_MISSING", message }] };
  }
  const classifier = await anyClassifier();
  const { source: images, companion } = sourceOf(files);
  return classifier.check(images, source, { read: { ...read, companion }, signal });
}

/** How the scan is classified: as a whole, or the region around a voxel; and past which refusals. */
export interface Wanted {
  readonly region?: Voxel;
  readonly checks?: "refuse" | "warn" | "force";
}

/** Mm of a region's sides where an adapter that takes boxes says nothing of them. */
const SIDE = 30;

/** Classifies the scan, or a region of it, by the chosen adapter. */
export async function classifyScan({ region, checks = "refuse" }: Wanted): Promise<void> {
  const [adapter, input] = [chosen.value, scan.value];
  if (!adapter || !input) return;
  const heatmap = { method: method.value, ...(explainsOne(method.value) && explained.value && { label: explained.value }) } as HeatmapOptions;
  await occupied("classifying", async ({ signal: stop }, onProgress) => {
    onProgress({ stage: "load", done: 0, total: 1 });
    const classifier = await classifierFor(adapter.backbone, onProgress);
    const { source, companion } = sourceOf(input.files);
    const result = await classifier.classify(source, adapter.source, {
      heatmap,
      read: { ...input.read, companion },
      checks,
      signal: stop,
      onProgress,
      ...(region && { roi: { point: region, space: "voxel", ...(!("size" in adapter.manifest.input.roi) && { size: SIDE }) } }),
    });
    const made: Run = { adapter, result, method: heatmap, ...(region && { region }) };
    const others = (runs.value.get(adapter.key) ?? []).filter((each) => String(each.region) !== String(region));
    runs.value = new Map(runs.value).set(adapter.key, [...others, made]);
    show(made);
  });
}

/** Shows a result, and goes to the slice that counted most in it. */
export function show(made: Run): void {
  shownRun.value = made;
  wantedSlice.value = heaviestSlice(made.result);
}

/** Takes a region's result off the list. */
export function forget(made: Run): void {
  const { key } = made.adapter;
  runs.value = new Map(runs.value).set(key, (runs.value.get(key) ?? []).filter((each) => each !== made)); // biome-ignore format: a line
}

function heaviestSlice({ views: [{ axis, slices }] }: ClassifyResult) {
  const { index } = slices.reduce((best, slice) => (slice.weight > best.weight ? slice : best));
  return { axis, index };
}

export function closeScan(): void {
  cancel();
  scan.value = undefined;
  runs.value = new Map();
  failure.value = undefined;
}
