// One line on how often sets and intervals hold the truth.

import type { AdapterManifest, Task } from "@anymc3d/core";
import { taskTraining } from "../tasks/index.js";

type CoverageEntry = NonNullable<AdapterManifest["metrics"][number]["coverage"]>[number];

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** "malignancy: made to hold the truth in 90 % of cases, held it in 91.2 % (± 3.4 %), 2.30 classes in a set on average; 127 cases halved …". */
export function coverageText({ id, nominal, measured, spread, size, how }: CoverageEntry, task: Task): string {
  const around = spread === undefined ? "" : ` (± ${percent(spread)})`;
  const large = size === undefined ? "" : `, ${size.toFixed(2)} ${taskTraining(task).sizeUnit(task)} on average`;
  return `${id}: made to hold the truth in ${Math.round(100 * nominal)} % of cases, held it in ${percent(measured)}${around}${large}; ${how}`;
}
