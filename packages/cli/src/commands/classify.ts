// anymc3d classify: one result a file, region and adapter; what is bad is reported and the others still run.

import { basename, resolve } from "node:path";
import {
  type Adapter,
  AnyMC3DError,
  type ClassifyResult,
  explain,
  HEATMAPS,
  type HeatmapMethod,
  isAbortError,
  isAnyMC3DError,
  type Progress,
  shortName,
  type Volume,
} from "@anymc3d/core";
import { endingOf, stemOf, writableEndings } from "@anymc3d/io";
import { checkFileTarget } from "@anymc3d/node-files/target";
import { type Classifier, checkConformanceOnce, readVolume, writeVolume } from "@anymc3d/sdk";
import { startClassifier } from "../adapters/classifier.js";
import { findAdapter } from "../adapters/find.js";
import { installedAdapters } from "../adapters/installed.js";
import { checkNotInput } from "../data/not-an-input.js";
import { interruptSignal } from "../interrupt.js";
import type { EngineFlags } from "../options/engine.js";
import { readOptions } from "../options/read.js";
import { asksForRegions, asksForSeveral, type RegionFlags, regionsOf } from "../options/region.js";
import type { RegistryFlags } from "../options/registry.js";
import { describeError, EXIT, firstLine, Reported, reportError } from "../output/failure.js";
import { progressLine, stageName, stageText } from "../output/progress.js";
import { printResult } from "../output/result.js";
import { pc, printErr, printJson } from "../output/terminal.js";

export interface ClassifyFlags extends EngineFlags, RegionFlags, RegistryFlags {
  adapter?: string[];
  all?: boolean;
  /** The volumes of one study by source. */
  source?: Record<string, string>;
  explain?: boolean;
  heatmap?: string;
  heatmapMethod?: HeatmapMethod;
  heatmapLabel?: string;
  json?: boolean;
  quiet?: boolean;
}

/** One study: a file, or one for each source. */
interface Study {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
}

/** An adapter and the engine that it runs on. */
interface Ready {
  readonly adapter: Adapter;
  readonly classifier: Classifier;
}

export async function classifyFiles(files: readonly string[], flags: ClassifyFlags): Promise<void> {
  const signal = interruptSignal();
  const studies = studiesOf(files, flags);
  let current = "";
  let done = 0;
  const progress = progressLine({ quiet: flags.quiet });
  const show = (now: Progress) =>
    progress.show(
      studies.length > 1 && current
        ? { what: "volumes", done, total: studies.length, now: `${current}, ${stageText(now)}` }
        : { ...now, what: `${current} ${stageName(now)}`.trim() },
    );
  checkHeatmapFlags(flags);
  const regional = asksForRegions(flags);
  await checkHeatmapTarget(studies, flags);
  show({ stage: "load", done: 0, total: 2 });
  const classifiers = new Map<string, Classifier>();
  let failed = 0;
  const warned = new Set<string>();
  try {
    const ready = await readyAdapters(flags, classifiers, signal, show);
    for (const study of studies) {
      current = study.name;
      try {
        const started = performance.now();
        const volumes = await readVolumes(study, flags, signal, show);
        const first = Object.values(volumes)[0];
        const regions = regional ? await regionsOf(flags, Object.values(study.files)[0], first, signal) : [undefined];
        for (const [n, region] of regions.entries()) {
          for (const { adapter, classifier } of ready) {
            const told = { region: region?.name, adapter: ready.length > 1 || flags.all ? adapter : undefined };
            try {
              const heat = flags.heatmap ? { method: flags.heatmapMethod ?? HEATMAPS[0].id, label: flags.heatmapLabel } : false;
              const run = { heatmap: heat, checks: flags.checks, signal, onProgress: show, roi: region?.region() };
              const result = await classifier.classify(flags.source ? volumes : first, adapter, run);
              const heatmap = flags.heatmap && (await writeHeatmap(result, heatmapPath(flags.heatmap, study.name, n + 1, adapter), signal));
              progress.clear();
              if (flags.json) printJson({ ...toJson(study, result, heatmap, region?.name), ...(flags.explain && { explained: explain(adapter.manifest) }) });
              else printResult(study.name, adapter, result, { heatmap, ms: performance.now() - started, warned, region: region?.name, explain: flags.explain });
            } catch (error) {
              progress.clear();
              if (isAbortError(error)) throw error;
              // Of all that are installed, those answer that take the scan.
              if (!(flags.all && isRefusal(error))) failed++;
              tellFailure(study, error, flags, told);
            }
          }
        }
      } catch (error) {
        progress.clear();
        if (isAbortError(error)) throw error;
        failed++;
        tellFailure(study, error, flags);
      }
      done++;
    }
  } finally {
    progress.clear();
    for (const classifier of classifiers.values()) await classifier.dispose();
  }
  if (failed && studies.length > 1 && !flags.json) printErr(regional ? `${failed} regions or files failed.` : `${failed} of ${studies.length} files failed.`);
  if (failed) throw new Reported(EXIT.failed);
}

/** @throws AnyMC3DError `OPTION_INVALID` for files beside sources, and for neither */
function studiesOf(files: readonly string[], { source }: ClassifyFlags): Study[] {
  if (source && files.length)
    throw new AnyMC3DError("OPTION_INVALID", `${files[0]}: --source names the files of one study; give that file a source, too, or leave it out`);
  if (source) return [{ name: Object.entries(source).map(([name, file]) => `${name}=${file}`).join(", "), files: source }]; // biome-ignore format: a line
  if (files.length === 0) throw new AnyMC3DError("OPTION_INVALID", "no file to classify; give files, or the volumes of one study by --source NAME=FILE");
  return files.map((file) => ({ name: file, files: { "": file } }));
}

/** The adapters that were asked for, each with an engine on its backbone; one engine a backbone. */
async function readyAdapters(flags: ClassifyFlags, classifiers: Map<string, Classifier>, signal: AbortSignal, show: (now: Progress) => void): Promise<Ready[]> {
  if (flags.all && flags.adapter) throw new AnyMC3DError("OPTION_INVALID", "--all asks every installed adapter; leave --adapter out");
  const names = flags.all ? installedAdapters() : (flags.adapter ?? []);
  if (names.length === 0)
    throw new AnyMC3DError(
      "OPTION_INVALID",
      flags.all
        ? "no adapter is installed here; npm install one, or name one by --adapter"
        : "no adapter; name one by --adapter, or ask all that are installed by --all",
    );
  const ready: Ready[] = [];
  for (const name of names) {
    try {
      const { adapter, ...found } = await findAdapter(name, flags, signal);
      const key = flags.backbone ?? adapter.manifest.backbone.hash;
      const classifier = classifiers.get(key) ?? (await startClassifier(found, flags, signal, show));
      classifiers.set(key, classifier);
      // Before the first file: one error, not one a file.
      await checkConformanceOnce(adapter, classifier.engine, signal);
      ready.push({ adapter, classifier });
    } catch (error) {
      if (!flags.all || isAbortError(error) || signal.aborted) throw error;
      printErr(`${pc.yellow("warning")} ${name} is left out: ${firstLine(describeError(error).message)}`);
    }
  }
  return ready;
}

async function readVolumes({ files }: Study, flags: ClassifyFlags, signal: AbortSignal, show: (now: Progress) => void): Promise<Record<string, Volume>> {
  const entries = Object.entries(files);
  const volumes: Record<string, Volume> = {};
  for (const [n, [source, file]] of entries.entries()) {
    const onProgress = (done: number, total: number) => show({ stage: "read", done: n + done / total, total: entries.length });
    onProgress(0, 1);
    volumes[source] = await readVolume(file, { ...readOptions(flags), signal, onProgress });
  }
  return volumes;
}

/** Whether an adapter says that the scan is nothing for it. */
const isRefusal = (error: unknown): boolean => isAnyMC3DError(error) && error.code.startsWith("INPUT_");

/** @param told which region and, of several, which adapter it is about */
function tellFailure(study: Study, error: unknown, { json, verbose }: ClassifyFlags, { region, adapter }: { region?: string; adapter?: Adapter } = {}): void {
  const { name, version } = adapter?.manifest ?? {};
  if (json)
    printJson({
      schema: "anymc3d.classify/2",
      ...inputOf(study),
      ...(region && { asked: region }),
      ...(adapter && { adapter: { name, version } }),
      ok: false,
      error: describeError(error),
    });
  else reportError(error, Boolean(verbose), [study.name, region, adapter && `${name}@${version}`].filter(Boolean).join(", "));
}

/** `file`, or `sources` by name. */
const inputOf = ({ name, files }: Study) => ("" in files ? { file: name } : { sources: files });

/** The stable JSON form of a result; heatmap voxels stay in their file. */
function toJson(study: Study, result: ClassifyResult, heatmap: string | undefined, asked: string | undefined) {
  const { heatmap: _, heatmaps: __, ...rest } = result;
  return { schema: "anymc3d.classify/2", ...inputOf(study), ...(asked && { asked }), ok: true, ...rest, ...(heatmap ? { heatmap } : {}) };
}

/** @param region its number, from 1 */
function heatmapPath(pattern: string, file: string, region: number, adapter?: Adapter): string {
  const short = adapter ? shortName("adapter", adapter.manifest.name).replaceAll(/[\\/]/g, "-") : "adapter";
  return pattern
    .replaceAll("{name}", stemOf(basename(file)))
    .replaceAll("{region}", String(region))
    .replaceAll("{adapter}", short);
}

/** Refuses what would be asked of a heatmap that is not made, and a label for one that explains none. */
export function checkHeatmapFlags({ heatmap, heatmapMethod, heatmapLabel }: Pick<ClassifyFlags, "heatmap" | "heatmapMethod" | "heatmapLabel">): void {
  const given = heatmapLabel === undefined ? heatmapMethod && "--heatmap-method" : "--heatmap-label";
  if (given && !heatmap) throw new AnyMC3DError("OPTION_INVALID", `${given} without --heatmap: name the file that the heatmap is written to`);
  const labelled = HEATMAPS.filter((kind) => kind.labelled).map(({ id }) => id);
  const method = HEATMAPS.find(({ id }) => id === (heatmapMethod ?? HEATMAPS[0].id));
  if (heatmapLabel !== undefined && !method?.labelled)
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `--heatmap-label ${heatmapLabel}: ${method?.id} explains no single label; add --heatmap-method ${labelled.join(" or ")}`,
    );
}

/** Refuses a target that cannot work before anything is computed. */
async function checkHeatmapTarget(studies: readonly Study[], flags: ClassifyFlags): Promise<void> {
  const { heatmap: pattern, roi } = flags;
  if (!pattern) return;
  if (!endingOf(pattern)?.writes)
    throw new AnyMC3DError("OPTION_INVALID", `--heatmap ${pattern}: heatmaps are written as volumes; give a name that ends in ${writableEndings().join(", ")}`);
  if ((flags.all || (flags.adapter?.length ?? 0) > 1) && !pattern.includes("{adapter}"))
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `--heatmap ${pattern}: several adapters would write the same heatmap; put {adapter}, the adapter's name, into it, for example heat-{adapter}.nii.gz`,
    );
  if (asksForSeveral(flags) && !pattern.includes("{region}"))
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `--heatmap ${pattern}: several regions would write the same heatmap; put {region}, the region's number, into it, for example heat-{region}.nii.gz`,
    );
  const targets = studies.map(({ name }) => resolve(heatmapPath(pattern, name, 1)));
  if (new Set(targets).size < targets.length)
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `--heatmap ${pattern}: ${studies.length} files would write the same heatmap; put {name} into it, for example heat-{name}.nii.gz`,
    );
  for (const target of targets) {
    await checkNotInput("--heatmap", target, [...studies.flatMap(({ files }) => Object.values(files)), ...(roi === undefined ? [] : [roi])]);
    await checkFileTarget(target);
  }
}

async function writeHeatmap({ heatmap }: ClassifyResult, target: string, signal: AbortSignal): Promise<string | undefined> {
  if (!heatmap) return undefined;
  await writeVolume(target, heatmap, { signal });
  return target;
}
