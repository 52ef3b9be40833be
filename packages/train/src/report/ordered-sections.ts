// Sections of the report on ordered classes: which were taken for which, and the cases that went most wrong.

import { medianClass } from "@anymc3d/core/learn";
import { crossTable } from "../metrics/ordered.js";
import { classOf } from "../tasks/classes.js";
import { calibratedLogits } from "./calibrated.js";
import { table } from "./html.js";
import type { ReportParts } from "./report.js";
import { worstPart } from "./worst-part.js";

export function orderedSections({ config: { task }, outcome, made, worst }: ReportParts): { title: string; html: string }[] {
  const ids = task.labels.map(({ id }) => id);
  const known = outcome.predictions.filter(({ trainCase }) => classOf(task, trainCase.labels) >= 0);
  const counts = crossTable(
    known.map(({ trainCase }) => classOf(task, trainCase.labels)),
    known.map((prediction) => medianClass(calibratedLogits(prediction, made))),
    ids.length,
  );
  const rows = counts.map((row, i) => [ids[i], ...row.map(String)]);
  return [{ title: "Classes", html: table(["truth \\ decided", ...ids], rows) + worstPart(worst) }];
}
