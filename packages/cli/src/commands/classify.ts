// anymc3d classify: one result a file; a bad file is reported and the others still run.

import { basename, resolve } from "node:path";
import { AnyMC3DError, type ClassifyResult, HEATMAPS, type HeatmapMethod, isAbortError, type Progress } from "@anymc3d/core";
import { endingOf, stemOf, writableEndings } from "@anymc3d/io";
import { checkFileTarget } from "@anymc3d/node-files/target";
import { checkConformanceOnce, readVolume, writeVolume } from "@anymc3d/sdk";
import { startClassifier } from "../adapters/classifier.js";
import { findAdapter } from "../adapters/find.js";
import { checkNotInput } from "../data/not-an-input.js";
import { interruptSignal } from "../interrupt.js";
import type { EngineFlags } from "../options/engine.js";
import { readOptions } from "../options/read.js";
import { asksForRegions, asksForSeveral, type RegionFlags, regionsOf } from "../options/region.js";
import type { RegistryFlags } from "../options/registry.js";
import { describeError, EXIT, Reported, reportError } from "../output/failure.js";
import { progressLine, stageName, stageText } from "../output/progress.js";
import { printResult } from "../output/result.js";
import { printErr, printJson } from "../output/terminal.js";

export interface ClassifyFlags extends EngineFlags, RegionFlags, RegistryFlags {
  adapter: string;
  heatmap?: string;
  heatmapMethod?: HeatmapMethod;
  heatmapLabel?: string;
  json?: boolean;
  quiet?: boolean;
}

export async function classifyFiles(files: readonly string[], flags: ClassifyFlags): Promise<void> {
  const signal = interruptSignal();
  let current = "";
  let done = 0;
  const progress = progressLine({ quiet: flags.quiet });
  const show = (now: Progress) =>
    progress.show(
      files.length > 1 && current
        ? { what: "volumes", done, total: files.length, now: `${current}, ${stageText(now)}` }
        : { ...now, what: `${current} ${stageName(now)}`.trim() },
    );
  checkHeatmapFlags(flags);
  const regional = asksForRegions(flags);
  await checkHeatmapTarget(files, flags.heatmap, asksForSeveral(flags), flags.roi);
  show({ stage: "load", done: 0, total: 2 });
  const { adapter, ...found } = await findAdapter(flags.adapter, flags, signal);
  const classifier = await startClassifier(found, flags, signal, show);
  let failed = 0;
  const warned = new Set<string>();
  try {
    // Before the first file: one error, not one a file.
    await checkConformanceOnce(adapter, classifier.engine, signal);
    for (const file of files) {
      current = basename(file);
      try {
        const started = performance.now();
        const read = readOptions(flags);
        const run = {
          heatmap: flags.heatmap ? { method: flags.heatmapMethod ?? HEATMAPS[0].id, label: flags.heatmapLabel } : false,
          checks: flags.checks,
          signal,
          onProgress: show,
        };
        const tell = async (result: ClassifyResult, region: number, name?: string) => {
          const heatmap = flags.heatmap && (await writeHeatmap(result, heatmapPath(flags.heatmap, file, region), signal));
          progress.clear();
          if (flags.json) printJson(toJson(file, result, heatmap, name));
          else printResult(file, adapter, result, { heatmap, ms: performance.now() - started, warned, region: name });
        };
        if (!regional) await tell(await classifier.classify(file, adapter, { ...run, read }), 1);
        else {
          const volume = await readVolume(file, { ...read, signal });
          for (const [n, { name, region }] of (await regionsOf(flags, file, volume, signal)).entries()) {
            try {
              await tell(await classifier.classify(volume, adapter, { ...run, roi: region() }), n + 1, name);
            } catch (error) {
              progress.clear();
              if (isAbortError(error)) throw error;
              failed++;
              tellFailure(file, error, flags, name);
            }
          }
        }
      } catch (error) {
        progress.clear();
        if (isAbortError(error)) throw error;
        failed++;
        tellFailure(file, error, flags);
      }
      done++;
    }
  } finally {
    progress.clear();
    await classifier.dispose();
  }
  if (failed && files.length > 1 && !flags.json) printErr(regional ? `${failed} regions or files failed.` : `${failed} of ${files.length} files failed.`);
  if (failed) throw new Reported(EXIT.failed);
}

/** @param region what was asked for, of a file that was read */
function tellFailure(file: string, error: unknown, { json, verbose }: ClassifyFlags, region?: string): void {
  if (json) printJson({ schema: "anymc3d.classify/2", file, ...(region && { asked: region }), ok: false, error: describeError(error) });
  else reportError(error, Boolean(verbose), region ? `${file}, ${region}` : file);
}

/** The stable JSON form of a result; heatmap voxels stay in their file. */
function toJson(file: string, result: ClassifyResult, heatmap: string | undefined, asked: string | undefined) {
  const { heatmap: _, heatmaps: __, ...rest } = result;
  return { schema: "anymc3d.classify/2", file, ...(asked && { asked }), ok: true, ...rest, ...(heatmap ? { heatmap } : {}) };
}

/** @param region its number, from 1 */
function heatmapPath(pattern: string, file: string, region: number): string {
  return pattern.replaceAll("{name}", stemOf(basename(file))).replaceAll("{region}", String(region));
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
async function checkHeatmapTarget(files: readonly string[], pattern: string | undefined, several: boolean, roi: string | undefined): Promise<void> {
  if (!pattern) return;
  if (!endingOf(pattern)?.writes)
    throw new AnyMC3DError("OPTION_INVALID", `--heatmap ${pattern}: heatmaps are written as volumes; give a name that ends in ${writableEndings().join(", ")}`);
  if (several && !pattern.includes("{region}"))
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `--heatmap ${pattern}: several regions would write the same heatmap; put {region}, the region's number, into it, for example heat-{region}.nii.gz`,
    );
  const targets = files.map((file) => resolve(heatmapPath(pattern, file, 1)));
  if (new Set(targets).size < targets.length)
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `--heatmap ${pattern}: ${files.length} files would write the same heatmap; put {name} into it, for example heat-{name}.nii.gz`,
    );
  for (const target of targets) {
    await checkNotInput("--heatmap", target, [...files, ...(roi === undefined ? [] : [roi])]);
    await checkFileTarget(target);
  }
}

async function writeHeatmap({ heatmap }: ClassifyResult, target: string, signal: AbortSignal): Promise<string | undefined> {
  if (!heatmap) return undefined;
  await writeVolume(target, heatmap, { signal });
  return target;
}
