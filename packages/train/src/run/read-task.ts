// The configuration of a training: a task.json, or what a program gives, with what is set for this run alone.

import { readFile } from "node:fs/promises";
import { AnyMC3DError } from "@anymc3d/core";
import { parseTrainConfig, type TrainConfig } from "../config.js";

/** Settings of `training` in place of the configuration's own. */
export interface TrainingOverrides {
  /** At least 1. */
  readonly epochs?: number;
  /** At least 0. */
  readonly seed?: number;
}

/**
 * @param task path of a task.json, or its content
 * @throws AnyMC3DError `FILE_NOT_FOUND`, `CONFIG_INVALID`
 */
export async function readTask(task: unknown, overrides: TrainingOverrides = {}): Promise<TrainConfig> {
  const where = typeof task === "string" ? task : "the configuration";
  const config = parseTrainConfig(typeof task === "string" ? await readJson(task) : task, where);
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
  return parseTrainConfig({ ...config, training: { ...config.training, ...given } }, `${where} with --epochs, --seed`);
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((cause: Error) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${path}: ${cause.message}. --config names a task.json; docs/train-an-adapter.md shows one.`, { cause });
  });
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new AnyMC3DError("CONFIG_INVALID", `${path}: not JSON: ${(cause as Error).message}`, { cause });
  }
}
