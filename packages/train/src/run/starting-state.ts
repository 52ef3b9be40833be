// Where a training begins: at its start, or where the checkpoint in its folder stopped, if that is of the same training.

import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Engine } from "@anymc3d/core";
import type { TrainConfig } from "../config.js";
import { type Fingerprint, initialState, readCheckpoint, type TrainState } from "../learning/state.js";
import { taskTraining } from "../tasks/index.js";
import type { TrainData } from "./read-data.js";
import { earlierRun, type RunFolder } from "./run-folder.js";

/** What a checkpoint belongs to: all that the weights follow from. Texts, thresholds and calibration may change under a finished run,
 * calibration where it does not move what chooses the epoch. */
export function fingerprintOf({ task, input, modules, training }: TrainConfig, { cases, contents }: TrainData, backbone: string): Fingerprint {
  const { threshold: _, calibrate, ...others } = training;
  const settings = taskTraining(task).reordered && !calibrate ? { ...others, calibrate } : others;
  const parts = {
    labels: [task.kind, task.labels.map(({ id }) => id)],
    views: input.views.map(({ expect: _, ...view }) => view),
    modules,
    training: settings,
    "cases, splits or labels": cases.map(({ id, split, labels }) => [id, split, [...labels]]),
    "images or masks, or how they are read": cases.map(({ id }) => contents.get(id)),
    backbone,
  };
  const hash = (part: unknown) => createHash("sha256").update(JSON.stringify(part)).digest("hex");
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, hash(part)]));
}

/** @throws AnyMC3DError `OUTPUT_NOT_WRITABLE` where an earlier run is there and is not to be gone on with; as `readCheckpoint` */
export async function startingState(
  folder: RunFolder,
  { out, resume, config, engine, fingerprint }: { out: string; resume: boolean; config: TrainConfig; engine: Engine; fingerprint: Fingerprint },
): Promise<TrainState> {
  const bytes = await folder.readCheckpoint();
  if (!bytes) return initialState(config, engine.backbone.spec);
  const path = join(out, "run", "checkpoint.safetensors");
  if (!resume) throw earlierRun(path);
  return readCheckpoint(bytes, fingerprint, path);
}
