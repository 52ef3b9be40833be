// What went wrong, in words that say what to do; where a choice is all that is missing, the choice.

import { ERRORS, type MissingOption } from "@anymc3d/core/errors";
import { READ_OPTIONS, type ReadOption } from "@anymc3d/io/options";
import { useEffect, useRef } from "preact/hooks";
import { failure, type ReadChoices, readAgain } from "../page/state.js";
import type { Fault } from "./faults.js";

export function Failure() {
  const { value } = failure;
  const box = useRef<HTMLDivElement>(null);
  // On a phone what was tapped may lie far below.
  useEffect(() => box.current?.scrollIntoView({ block: "nearest" }), [value]);
  if (!value) return null;
  const { asks, again } = value;
  const form = asks && questionOf(asks.option);
  return (
    <div ref={box} class="failure" role="alert">
      <div>
        <p>
          <strong>{titleOf(value)}</strong> {form ? `${asks.file}: ${asks.holds}.` : value.message}
        </p>
        {form && <Choices {...asks} />}
      </div>
      {again && !form && (
        <button type="button" class="quiet" onClick={again}>
          Try again
        </button>
      )}
      <button
        type="button"
        class="quiet"
        onClick={() => {
          failure.value = undefined;
        }}
      >
        Dismiss
      </button>
    </div>
  );
}

const titleOf = ({ code }: Fault): string => (code in ERRORS ? ERRORS[code as keyof typeof ERRORS].title : "That did not work.");

const OPTIONS: Readonly<Record<string, ReadOption | undefined>> = READ_OPTIONS;

/** What a form asks for an option of the reader; undefined where it asks for none. */
const questionOf = (option: string) => OPTIONS[option]?.question;

/** One answer needs no question: its words are the button's. */
function Choices({ option, choices = [], range }: MissingOption) {
  const only = choices.length === 1 ? choices[0] : undefined;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement).get(option);
    const value = only ? only.value : OPTIONS[option]?.input === "number" ? Number(given) : given;
    void readAgain({ [option]: value } as ReadChoices);
  };
  return (
    <form class="choices" onSubmit={submit}>
      {!only && <Question option={option} choices={choices} range={range} />}
      <button type="submit">{only?.text ?? "Read it"}</button>
    </form>
  );
}

function Question({ option, choices = [], range }: Pick<MissingOption, "option" | "choices" | "range">) {
  const { label, initial } = questionOf(option) ?? { label: option, initial: "" };
  if (choices.length > 0)
    return (
      <label>
        {label}
        <select name={option}>
          {choices.map(({ value, text }) => (
            <option key={value} value={value}>
              {text ?? value}
            </option>
          ))}
        </select>
      </label>
    );
  if (OPTIONS[option]?.input !== "number")
    return (
      <label>
        {label}
        <input name={option} required value={initial} />
      </label>
    );
  const [first = 0, last] = range ?? [];
  return (
    <label>
      {last === undefined ? `${label}, from ${first}` : `${label}, ${first} to ${last}`}
      <input name={option} required type="number" min={first} max={last} value={initial} />
    </label>
  );
}
