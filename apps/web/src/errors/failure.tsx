// What went wrong, in words that say what to do; where a choice is all that is missing, the choice.

import { useEffect, useRef } from "preact/hooks";
import { type Asked, failure, type ReadChoices, readAgain } from "../page/state.js";

export function Failure() {
  const { value } = failure;
  const box = useRef<HTMLDivElement>(null);
  // On a phone what was tapped may lie far below.
  useEffect(() => box.current?.scrollIntoView({ block: "nearest" }), [value]);
  if (!value) return null;
  return (
    <div ref={box} class="failure" role="alert">
      <div>
        <p>
          <strong>{HEADLINES[value.code] ?? (value.asks ? "One thing is missing." : "That did not work.")}</strong>{" "}
          {value.asks ? withoutCommands(value.message) : value.message}
        </p>
        {value.asks && <Choices asks={value.asks} message={value.message} />}
      </div>
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

const HEADLINES: Readonly<Record<string, string>> = {
  FORMAT_UNKNOWN: "This is not a scan that can be read.",
  FORMAT_INVALID: "The file is damaged.",
  FILE_TRUNCATED: "The file is cut short.",
  INPUT_MODALITY: "Wrong kind of scan.",
  REGISTRY_UNREACHABLE: "The registry cannot be reached.",
  ENGINE_UNAVAILABLE: "The engine could not start.",
  BACKBONE_INVALID: "The backbone's weights are damaged.",
  BACKBONE_MISMATCH: "The backbone's weights are not what they should be.",
  OUT_OF_MEMORY: "Not enough memory.",
};

/** A reader's message without what only programs and the command line can do. */
const withoutCommands = (message: string) =>
  message
    .split("\n")[0]
    .replaceAll(/ \(--[^)]*\)/g, "")
    .replaceAll(/(?: Choose| Choose one| Choose it| Choose a frame)? with the option `\w+`(?:, 0 to \d+|, from 0)?/g, " Choose below")
    .replace(/ Pass uneven: "resample"/, " Below, they can be interpolated")
    .replace(/[:;,]?$/, "");

/** What a message lists: "0: temporal position 1". */
const listed = (message: string) => [...message.matchAll(/^\s+(\d+): (.+)$/gm)].map(([, value, text]) => ({ value, text }));

/** Words for people, and what a field of the form holds at first; `uneven` has one answer. */
const FIELDS: Readonly<Record<Exclude<Asked, "uneven">, { readonly label: string; readonly type: "number" | "text"; readonly initial: string }>> = {
  frame: { label: "Frame, from 0", type: "number", initial: "0" },
  channel: { label: "Channel, from 0", type: "number", initial: "0" },
  index: { label: "Volume, from 0", type: "number", initial: "0" },
  stack: { label: "Stack, from 0", type: "number", initial: "0" },
  array: { label: "Array", type: "text", initial: "" },
  orientation: { label: "Orientation of the voxel axes", type: "text", initial: "LPS" },
};

function Choices({ asks, message }: { readonly asks: readonly Asked[]; readonly message: string }) {
  const choices = listed(message);
  const last = /0 to (\d+)/.exec(message)?.[1];
  const fields = asks.filter((name) => name !== "uneven");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const values = Object.fromEntries(fields.map((name) => [name, FIELDS[name].type === "number" ? Number(given.get(name)) : given.get(name)]));
    void readAgain({ ...values, ...(asks.includes("uneven") && { uneven: "resample" }) } as ReadChoices);
  };
  return (
    <form class="choices" onSubmit={submit}>
      {fields.map((name) => (
        <Field key={name} name={name} choices={FIELDS[name].type === "number" ? choices : []} last={last} />
      ))}
      <button type="submit">{asks.includes("uneven") ? "Interpolate onto even slices" : "Read it"}</button>
    </form>
  );
}

interface FieldProps {
  readonly name: keyof typeof FIELDS;
  readonly choices: readonly { readonly value: string; readonly text: string }[];
  readonly last?: string;
}

function Field({ name, choices, last }: FieldProps) {
  const { label, type, initial } = FIELDS[name];
  if (choices.length > 0)
    return (
      <label>
        {label.replace(/, from 0$/, "")}
        <select name={name}>
          {choices.map(({ value, text }) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
    );
  if (type === "text")
    return (
      <label>
        {label}
        <input name={name} required value={initial} />
      </label>
    );
  return (
    <label>
      {last ? label.replace("from 0", `0 to ${last}`) : label}
      <input name={name} required type="number" min="0" max={last} value={initial} />
    </label>
  );
}
