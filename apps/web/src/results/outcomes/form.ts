// What the page must know of a form that an outcome can have. One file a form beside this one; the table of all is index.ts.

import type { AdapterManifest, ClassifyResult } from "@anymc3d/core";
import type { JSX } from "preact";

/** A result and the manifest of the adapter that gave it. */
export interface Answer {
  readonly result: ClassifyResult;
  readonly manifest: AdapterManifest;
}

/** A table of text: the report's. */
interface TextTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What belongs to the table as a whole, under it. */
  readonly notes: readonly string[];
}

/** One way in which an answer is drawn and worded. What a result consists of tells which, not the task's kind. */
export interface OutcomeForm {
  readonly fits: (result: ClassifyResult) => boolean;
  /** In the panel of results. */
  readonly View: (answer: Answer) => JSX.Element;
  /** In one line: what a screen reader is told, and what stands under a saved picture. */
  readonly sentence: (answer: Answer) => string;
  readonly table: (answer: Answer) => TextTable;
  /** What a Grad-CAM heatmap explains, as in "Grad-CAM: what speaks for …". @param label the one that was asked for; absent: the default */
  readonly explained: (answer: Answer, label?: string) => string;
  /** What the numbers were fitted on, as in "… were fitted on LIDC-IDRI". */
  readonly fitted: string;
}
