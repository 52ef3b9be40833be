// anymc3d classify: one result a file; a bad file is reported and the others still run.

import { basename, resolve } from "node:path";
import { AnyMC3DError, type ClassifyResult, HEATMAPS, type HeatmapMethod, isAbortError, type Progress } from "@anymc3d/core";
import { endingOf, stemOf, writableEndings } from "@anymc3d/io";
import { checkFileTarget } from "@anymc3d/node-files/target";
import { checkConformanceOnce, writeVolume } from "@anymc3d/sdk";
import { startClassifier } from "../adapters/classifier.js";
import { findAdapter } from "../adapters/find.js";
import { interruptSignal } from "../interrupt.js";
import type { EngineFlags } from "../options/engine.js";
import { readOptions } from "../options/read.js";
import type { RegistryFlags } from "../options/registry.js";
import { describeError, EXIT, Reported, reportError } from "../output/failure.js";
import { progressLine, stageName, stageText } from "../output/progress.js";
import { printResult } from "../output/result.js";
import { printErr, printJson } from "../output/terminal.js";

export interface ClassifyFlags extends EngineFlags, RegistryFlags {
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
  await checkHeatmapTarget(files, flags.heatmap);
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
        const result = await classifier.classify(file, adapter, {
          heatmap: flags.heatmap ? { method: flags.heatmapMethod ?? HEATMAPS[0].id, label: flags.heatmapLabel } : false,
          checks: flags.checks,
          signal,
          onProgress: show,
          read,
        });
        const heatmap = flags.heatmap && (await writeHeatmap(result, flags.heatmap, file, signal));
        progress.clear();
        if (flags.json) printJson(toJson(file, result, heatmap));
        else printResult(file, adapter, result, { heatmap, ms: performance.now() - started, warned });
      } catch (error) {
        progress.clear();
        if (isAbortError(error)) throw error;
        failed++;
        if (flags.json) printJson({ schema: "anymc3d.classify/2", file, ok: false, error: describeError(error) });
        else reportError(error, Boolean(flags.verbose), file);
      }
      done++;
    }
  } finally {
    progress.clear();
    await classifier.dispose();
  }
  if (failed && files.length > 1 && !flags.json) printErr(`${failed} of ${files.length} files failed.`);
  if (failed) throw new Reported(EXIT.failed);
}

/** The stable JSON form of a result; heatmap voxels stay in their file. */
function toJson(file: string, result: ClassifyResult, heatmap: string | undefined) {
  const { heatmap: _, heatmaps: __, ...rest } = result;
  return { schema: "anymc3d.classify/2", file, ok: true, ...rest, ...(heatmap ? { heatmap } : {}) };
}

function heatmapPath(pattern: string, file: string): string {
  return pattern.replaceAll("{name}", stemOf(basename(file)));
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
async function checkHeatmapTarget(files: readonly string[], pattern: string | undefined): Promise<void> {
  if (!pattern) return;
  if (!endingOf(pattern)?.writes)
    throw new AnyMC3DError("OPTION_INVALID", `--heatmap ${pattern}: heatmaps are written as volumes; give a name that ends in ${writableEndings().join(", ")}`);
  const targets = files.map((file) => resolve(heatmapPath(pattern, file)));
  if (new Set(targets).size < targets.length)
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `--heatmap ${pattern}: ${files.length} files would write the same heatmap; put {name} into it, for example heat-{name}.nii.gz`,
    );
  const clash = files.find((file) => targets.includes(resolve(file)));
  if (clash) throw new AnyMC3DError("OPTION_INVALID", `--heatmap would overwrite the input ${clash}`);
  for (const target of targets) await checkFileTarget(target);
}

async function writeHeatmap({ heatmap }: ClassifyResult, pattern: string, file: string, signal: AbortSignal): Promise<string | undefined> {
  if (!heatmap) return undefined;
  const target = heatmapPath(pattern, file);
  await writeVolume(target, heatmap, { signal });
  return target;
}
