// Classes that have an order, from low to high: their probabilities, the one decided for, the value expected, and the set that holds the right one.

import { ProbabilityBar } from "./bar.js";
import { decided, setSentence } from "./classes.js";
import type { OutcomeForm } from "./form.js";
import { Measured } from "./measured-line.js";
import { number, precisePercent } from "./numbers.js";

export const ordered: OutcomeForm = {
  fits: ({ labels, value }) => labels.length > 0 && value !== undefined,
  View: ({ result, manifest }) => (
    <>
      <p class="headline">
        <strong>{decided(result).name}</strong>
        <span>expected value {number(result.value as number)}</span>
      </p>
      <ol class="labels ordered">
        {result.labels.map((label) => (
          <ProbabilityBar key={label.id} {...label} verdict={label.positive ? "decided for" : ""} inSet={result.set?.includes(label.id)} notes={[]} />
        ))}
      </ol>
      {setSentence(result).map((text) => (
        <p key={text} class="set">
          {text}
        </p>
      ))}
      <Measured manifest={manifest} />
    </>
  ),
  sentence: ({ result }) => [`${decided(result).name}, expected value ${number(result.value as number)}`, ...setSentence(result)].join("; "),
  table: ({ result }) => ({
    head: ["Class, from low to high", "Probability", "Decided for"],
    rows: result.labels.map(({ name, probability, positive }) => [name, precisePercent(probability), positive ? "yes" : "no"]),
    notes: [`Expected value: ${number(result.value as number)}`, ...setSentence(result)],
  }),
  // The score all classes share; a class by itself has no map.
  explained: () => "a higher class",
  fitted: "Probabilities",
};
