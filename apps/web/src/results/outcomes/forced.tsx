// An answer that was forced past a refusal: what the scan is outside of comes first, and nothing looks like a verdict.

import type { ClassifyResult } from "@anymc3d/core";
import type { OutcomeForm } from "./form.js";
import { number, percent, precisePercent, quantityText } from "./numbers.js";

const what = ({ outside = [] }: ClassifyResult): string[] => outside.map(({ message }) => message);

/** Numbers by name: of labels and classes their shares, of a quantity its value. */
const numbersOf = ({ labels, value, unit, quantity }: ClassifyResult, share: (probability: number) => string): [string, string][] => [
  ...labels.map(({ name, probability }): [string, string] => [name, share(probability)]),
  ...(value === undefined ? [] : [[quantity?.name ?? "Value", quantityText(number(value), unit)] as [string, string]]),
];

export const forced: OutcomeForm = {
  fits: ({ outside }) => outside !== undefined,
  View: ({ result }) => (
    <div class="forced">
      <div class="findings refused" role="alert">
        <h3>Outside what this model was made for</h3>
        <ul>
          {what(result).map((message) => (
            <li key={message}>{message}</li>
          ))}
        </ul>
        <p>The numbers below say nothing about this scan.</p>
      </div>
      <ul class="labels">
        {result.labels.map(({ id, name, probability }) => (
          <li key={id} class="label">
            <div class="label-line">
              <span class="label-name">{name}</span>
              <span class="probability">{percent(probability)}</span>
            </div>
            <div class="bar" aria-hidden="true">
              <div class="fill" style={{ width: `${100 * probability}%` }} />
            </div>
          </li>
        ))}
      </ul>
      {result.value !== undefined && (
        <p class="headline">
          <span>{result.quantity?.name ?? "Value"}</span> {quantityText(number(result.value), result.unit)}
        </p>
      )}
    </div>
  ),
  sentence: ({ result }) => {
    const numbers = numbersOf(result, (probability) => `${Math.round(100 * probability)} %`);
    return `Outside what this model was made for: ${what(result).join("; ")}. Numbers that say nothing about this scan: ${numbers.map(([name, text]) => `${name} ${text}`).join("; ")}`;
  },
  table: ({ result }) => ({
    head: ["Number", "Says nothing about this scan"],
    rows: numbersOf(result, precisePercent),
    notes: [],
  }),
  explained: ({ result: { labels } }, wanted) => {
    const named = labels.find(({ id }) => id === wanted) ?? labels[0];
    return named ? `“${named.name}”` : "a higher value";
  },
  fitted: "Numbers",
};
