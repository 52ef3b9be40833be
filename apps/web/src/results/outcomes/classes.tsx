// Classes of which exactly one is right, without an order: their probabilities, the most probable one, and the set that holds the right one.

import type { ClassifyResult } from "@anymc3d/core";
import { measuredLabel } from "../measured.js";
import { ProbabilityBar } from "./bar.js";
import type { OutcomeForm } from "./form.js";
import { coverageText, either, percent, precisePercent } from "./numbers.js";

/** "With 90 % coverage: A or B", where there is a set. */
export function setSentence({ labels, set, coverage }: ClassifyResult): string[] {
  if (!set) return [];
  return [`With ${coverageText(coverage)} coverage: ${either(labels.filter(({ id }) => set.includes(id)).map(({ name }) => name))}`];
}

/** The class that is decided for. */
export const decided = ({ labels }: ClassifyResult) => labels.find(({ positive }) => positive) ?? labels[0];

export const classes: OutcomeForm = {
  fits: ({ labels, value }) => labels.length > 0 && value === undefined && labels.every(({ threshold }) => threshold === undefined),
  View: ({ result, manifest }) => (
    <>
      <ul class="labels">
        {result.labels.map((label) => (
          <ProbabilityBar
            key={label.id}
            {...label}
            verdict={label.positive ? "most probable" : ""}
            inSet={result.set?.includes(label.id)}
            notes={measuredLabel(manifest, label.id)}
          />
        ))}
      </ul>
      {setSentence(result).map((text) => (
        <p key={text} class="set">
          {text}
        </p>
      ))}
    </>
  ),
  sentence: ({ result }) => {
    const { name, probability } = decided(result);
    return [`${name}, the most probable, ${percent(probability)}`, ...setSentence(result)].join("; ");
  },
  table: ({ result }) => ({
    head: ["Class", "Probability", "Most probable"],
    rows: result.labels.map(({ name, probability, positive }) => [name, precisePercent(probability), positive ? "yes" : "no"]),
    notes: setSentence(result),
  }),
  explained: ({ result }, wanted) => `“${(result.labels.find(({ id }) => id === wanted) ?? decided(result)).name}”`,
  fitted: "Probabilities",
};
