// Labels that are there or not, each by itself: a probability and a threshold each.

import type { LabelResult } from "@anymc3d/core";
import { measuredLabel } from "../measured.js";
import { ProbabilityBar } from "./bar.js";
import type { OutcomeForm } from "./form.js";
import { coverageText, either, percent, precisePercent } from "./numbers.js";

/** Which answers hold the truth in `coverage` of cases. */
const setText = ({ set }: LabelResult, coverage: number | undefined) => (set ? [`with ${coverageText(coverage)} coverage: ${either(set)}`] : []);

export const yesNo: OutcomeForm = {
  fits: ({ labels }) => labels.length > 0 && labels.every(({ threshold }) => threshold !== undefined),
  View: ({ result: { labels, coverage }, manifest }) => (
    <ul class="labels">
      {labels.map((label) => (
        <ProbabilityBar
          key={label.id}
          {...label}
          verdict={label.positive ? "above threshold" : "below threshold"}
          notes={[`threshold ${percent(label.threshold as number)}`, ...setText(label, coverage), ...measuredLabel(manifest, label.id)]}
        />
      ))}
    </ul>
  ),
  sentence: ({ result: { labels } }) =>
    labels.map(({ name, probability, positive }) => `${name} ${Math.round(100 * probability)} %${positive ? ", above threshold" : ""}`).join("; "),
  table: ({ result: { labels, coverage } }) => {
    const withSets = labels.some(({ set }) => set);
    return {
      head: ["Finding", "Probability", "Decision threshold", "Above", ...(withSets ? [`With ${coverageText(coverage)} coverage`] : [])],
      rows: labels.map(({ name, probability, threshold, positive, set }) => [
        name,
        precisePercent(probability),
        precisePercent(threshold as number),
        positive ? "yes" : "no",
        ...(withSets ? [set ? either(set) : ""] : []),
      ]),
      notes: [],
    };
  },
  explained: ({ result: { labels } }, wanted) => {
    const strongest = labels.reduce((best, label) => ((label.logit as number) > (best.logit as number) ? label : best));
    return `“${(labels.find(({ id }) => id === wanted) ?? strongest).name}”`;
  },
  fitted: "Probabilities and thresholds",
};
