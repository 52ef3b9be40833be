// One labelled study, wherever it comes from: a row of labels.csv, an entry of an .npz, a program's own data.

import type { Volume } from "@anymc3d/core";
import { wholeLabels } from "@anymc3d/core/learn";

/** A way in mm. */
export type Shift = readonly [number, number, number];

/** One labelled study of a data set, or a region of one. */
export interface TrainCase {
  /** Text as it stands: 0001, 001 and 1 are three. */
  readonly id: string;
  /** The patient; never split between training and validation. */
  readonly group: string;
  readonly split: "train" | "val" | "test";
  /** By label id; absent where unknown. Labels: 0 or 1; classes: the right one is 1, the others 0; quantities: the value. */
  readonly labels: ReadonlyMap<string, number>;
  /** Where it comes from, for messages: a path, "train_images[17]". */
  readonly origin: string;
  /**
   * Reads the volumes by source. Called once an epoch; cache outside if reading is slow.
   * @param shift of a case about a region: mm along right–left, anterior–posterior, superior–inferior (RAS+) by which the box lies elsewhere
   */
  load(signal?: AbortSignal, shift?: Shift): Promise<Readonly<Record<string, Volume>>>;
  /** The segmentation of the first source, on its grid (checked against it when read), voxels above 0 inside; absent where there is none. */
  readonly loadMask?: (signal?: AbortSignal, shift?: Shift) => Promise<Volume>;
}

/** The mask of a case, with numbers that are nearly whole made whole; undefined where it has none. */
export async function maskOf(trainCase: TrainCase, signal?: AbortSignal, shift?: Shift): Promise<Volume | undefined> {
  const mask = await trainCase.loadMask?.(signal, shift);
  return mask && wholeLabels(mask);
}
