// A quantity: a value with its unit, and the interval that holds the true one.

import type { ClassifyResult } from "@anymc3d/core";
import type { Answer, OutcomeForm } from "./form.js";
import { Measured } from "./measured-line.js";
import { coverageText, number, quantityText } from "./numbers.js";

const nameOf = ({ quantity }: ClassifyResult): string => quantity?.name ?? "Value";
const valueText = ({ value, unit }: ClassifyResult): string => quantityText(number(value as number), unit);

/** "With 90 % coverage: 5.2 to 11.4 mm", where there is an interval. */
const intervalSentence = ({ interval, unit, coverage }: ClassifyResult): string[] =>
  interval ? [`With ${coverageText(coverage)} coverage: ${quantityText(`${number(interval[0])} to ${number(interval[1])}`, unit)}`] : [];

/** The values that the adapter calls plausible. */
function plausible({ task: { labels } }: Answer["manifest"]): readonly [number, number] | undefined {
  const [quantity] = labels;
  return quantity && "range" in quantity ? quantity.range : undefined;
}

/** Value and interval on the scale of plausible values, as far as there are such. */
function Scale({ result: { value = 0, interval, unit }, manifest }: Answer) {
  const range = plausible(manifest);
  if (!range && !interval) return null;
  const places = [value, ...(interval ?? []), ...(range ?? [])];
  const [low, high] = [Math.min(...places), Math.max(...places)];
  const at = (place: number) => `${(100 * (place - low)) / (high - low || 1)}%`;
  return (
    <div class="scale-of-values" aria-hidden="true">
      <div class="bar">
        {interval && <div class="fill" style={{ left: at(interval[0]), right: `calc(100% - ${at(interval[1])})` }} />}
        <div class="tick" style={{ left: at(value) }} />
      </div>
      <div class="ends">
        <span>{quantityText(number(low), unit)}</span>
        <span>{quantityText(number(high), unit)}</span>
      </div>
    </div>
  );
}

export const quantity: OutcomeForm = {
  fits: ({ labels, value }) => labels.length === 0 && value !== undefined,
  View: (answer) => (
    <div class="quantity">
      <p class="headline">
        <span>{nameOf(answer.result)}</span>
        <strong>{valueText(answer.result)}</strong>
      </p>
      <Scale {...answer} />
      {intervalSentence(answer.result).map((text) => (
        <p key={text} class="set">
          {text}
        </p>
      ))}
      <Measured manifest={answer.manifest} />
    </div>
  ),
  sentence: ({ result }) => [`${nameOf(result)} ${valueText(result)}`, ...intervalSentence(result)].join("; "),
  table: ({ result }) => ({ head: ["Quantity", "Value"], rows: [[nameOf(result), valueText(result)]], notes: intervalSentence(result) }),
  explained: ({ result }) => `a higher value of “${nameOf(result)}”`,
  fitted: "Values",
};
