// What a kind of heatmap must say of itself.

import type { BoundAdapter } from "../../adapter.js";
import type { Engine, LoraTensors, Slices } from "../../engine/types.js";
import type { StudyForward } from "../../study.js";

/** A view's pass through the backbone, with what a heatmap needs of it. */
export interface ViewPass {
  /** CLS embeddings, [slices, D]. */
  readonly cls: Float32Array;
  /** Frees what it holds; called once the answer is there, or a fault. */
  release?(): void;
}

/** How a pass is watched and stopped. */
export interface PassOptions {
  readonly signal?: AbortSignal;
  /** Called after every chunk with the number of slices done. */
  readonly onSlices?: (done: number) => void;
}

/**
 * What is known of a study once its logits are.
 * @public The declarations of the kinds name it.
 */
export interface HeatmapStudy<P extends ViewPass> {
  /** One a view, as {@link HeatmapKind.pass} gave them. */
  readonly passes: readonly P[];
  readonly forward: StudyForward;
  readonly bound: BoundAdapter;
}

/** Of one view: a map [slices, patches], and what each slice's map is multiplied with. */
export interface PatchMap {
  readonly map: Float32Array;
  readonly weights: Float32Array;
}

/** A kind of heatmap. */
export interface HeatmapKind<P extends ViewPass = ViewPass> {
  /** `heatmap.method` of the options. */
  readonly id: string;
  /** Its name, for people. */
  readonly title: string;
  /** What it shows, for people. */
  readonly text: string;
  /** Whether it explains one label, so that one may be named. */
  readonly labelled: boolean;
  /** `text` of what it explains, where it explains one label. */
  textOf?(what: string): string;
  /**
   * Runs a view's slices, keeping what {@link maps} needs.
   * @throws AnyMC3DError as `Engine.forward()`; `OPTION_INVALID` where the engine cannot do what it needs
   */
  pass(engine: Engine, slices: Slices, lora: LoraTensors | undefined, options: PassOptions): Promise<P>;
  /** @param label its id; absent: the task's default. @returns one a view, pooling and fusion weights included */
  maps(study: HeatmapStudy<P>, label?: string): Promise<readonly PatchMap[]>;
}
