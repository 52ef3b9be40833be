// Which class was taken for which, as a table of the report.

import { judgedCases } from "../metrics/judged.js";
import { taskTraining } from "../tasks/index.js";
import { table } from "./html.js";
import type { ReportParts } from "./report.js";

/** Nothing where the task has no classes. */
export function classTable({ config, outcome }: ReportParts): string {
  const found = taskTraining(config.task).confusion?.(config.task, judgedCases(outcome.predictions, config).cases);
  if (!found) return "";
  const rows = found.counts.map((row, i) => [found.classes[i], ...row.map(String)]);
  return table(["truth \\ decided", ...found.classes], rows);
}
