// A probability as a bar, with its label, what is decided, and where the threshold lies.

import { percent } from "./numbers.js";

interface Props {
  readonly name: string;
  readonly probability: number;
  /** Whether it stands out: above its threshold, or decided for. */
  readonly positive: boolean;
  readonly verdict: string;
  readonly threshold?: number;
  /** Whether it belongs to the prediction set; undefined where there is none. */
  readonly inSet?: boolean;
  readonly notes: readonly string[];
}

export const ProbabilityBar = ({ name, probability, positive, verdict, threshold, inSet, notes }: Props) => (
  <li class={`label${positive ? " positive" : ""}${inSet ? " in-set" : ""}`}>
    <div class="label-line">
      <span class="label-name">{name}</span>
      <span class="verdict">{verdict}</span>
      <span class="probability">{percent(probability)}</span>
    </div>
    <div class="bar" aria-hidden="true">
      <div class="fill" style={{ width: `${100 * probability}%` }} />
      {threshold !== undefined && <div class="tick" style={{ left: `${100 * threshold}%` }} title={`decision threshold ${percent(threshold)}`} />}
    </div>
    {notes.length > 0 && <small>{notes.join(" · ")}</small>}
  </li>
);
