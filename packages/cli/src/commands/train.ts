// anymc3d train: labelled volumes and a task.json in, an adapter package out; with --compare, its variants beside it.

import { isAbortError } from "@anymc3d/core";
import { createEngine, type EngineChoice, openBackbone } from "@anymc3d/sdk";
import { trainToPackage } from "@anymc3d/train/node";
import packageJson from "../../package.json" with { type: "json" };
import { keepingSignal } from "../interrupt.js";
import type { EngineFlags } from "../options/engine.js";
import { readOptions } from "../options/read.js";
import { trainReporter } from "../output/train-reporter.js";

export interface TrainFlags extends Pick<EngineFlags, "engine" | "threads" | "backbone"> {
  config: string;
  out: string;
  resume?: boolean;
  skipBad?: boolean;
  resampleMasks?: boolean;
  /** Variants, separated by commas; true: the default ones. */
  compare?: string | true;
  epochs?: number;
  seed?: number;
  json?: boolean;
  quiet?: boolean;
}

export async function trainAdapter(data: string, flags: TrainFlags): Promise<void> {
  const signal = keepingSignal();
  const report = trainReporter({ json: flags.json, quiet: flags.quiet });
  const { config, out, resume, skipBad, resampleMasks, compare, epochs, seed, engine, threads } = flags;
  try {
    await trainToPackage({
      data,
      config,
      out,
      training: { epochs, seed },
      read: readOptions(flags),
      resume,
      skipBad,
      resampleMasks,
      compare: typeof compare === "string" ? compare.split(",").map((name) => name.trim()) : compare,
      backbone: () => openBackbone(flags.backbone, { signal }),
      engine: (backbone) => createEngine(backbone, { engine: engine as EngineChoice, threads }),
      madeBy: `anymc3d ${packageJson.version}`,
      signal,
      onEvent: report.event,
    });
  } catch (error) {
    if (isAbortError(error)) report.stopped();
    throw error;
  } finally {
    report.clear();
  }
}
