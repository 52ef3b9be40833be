// What a kind of heatmap must say of itself.

import type { BoundAdapter } from "../../adapter.js";
import type { PreparedView } from "../../preprocess.js";
import type { StudyForward } from "../../study.js";
import type { Encoded, Engine } from "../../types.js";

/** What is known of a study once its logits are. */
export interface HeatmapStudy {
  readonly prepared: readonly PreparedView[];
  readonly encoded: readonly Encoded[];
  readonly forward: StudyForward;
  readonly bound: BoundAdapter;
  readonly engine: Engine;
  readonly signal?: AbortSignal;
}

/** Of one view: a map [slices, patches], and what each slice's map is multiplied with. */
export interface PatchMap {
  readonly map: Float32Array;
  readonly weights: Float32Array;
}

/** A kind of heatmap. */
export interface HeatmapKind {
  /** `heatmap.method` of the options. */
  readonly id: string;
  /** What it shows, for people. */
  readonly text: string;
  /** Whether it explains one label, so that one may be named. */
  readonly labelled: boolean;
  /** Whether it needs the last block's attention while slices are encoded. */
  readonly attention: boolean;
  /** Whether it needs an engine that runs backwards. */
  readonly backward: boolean;
  /** @param label its id; absent: the task's default. @returns one a view, pooling and fusion weights included */
  maps(study: HeatmapStudy, label?: string): Promise<readonly PatchMap[]>;
}
