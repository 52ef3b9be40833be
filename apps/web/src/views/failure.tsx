// What went wrong, in words that say what to do; where a choice is all that is missing, the choice.

import { type Asked, failure, type ReadChoices, readAgain } from "../state.js";

export function Failure() {
  const { value } = failure;
  if (!value) return null;
  return (
    <div class="failure" role="alert">
      <div>
        <p>
          <strong>{HEADLINES[value.code] ?? (value.asks ? "One thing is missing." : "That did not work.")}</strong> {value.message}
        </p>
        {value.asks && <Choices asks={value.asks} />}
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

/** Words for people, and what a field of the form holds at first; `uneven` has one answer. */
const FIELDS: Readonly<Record<Exclude<Asked, "uneven">, { readonly label: string; readonly type: "number" | "text"; readonly initial: string }>> = {
  frame: { label: "Frame, from 0", type: "number", initial: "0" },
  channel: { label: "Channel, from 0", type: "number", initial: "0" },
  index: { label: "Volume, from 0", type: "number", initial: "0" },
  stack: { label: "Stack, from 0", type: "number", initial: "0" },
  array: { label: "Array", type: "text", initial: "" },
  orientation: { label: "Orientation of the voxel axes", type: "text", initial: "LPS" },
};

function Choices({ asks }: { readonly asks: readonly Asked[] }) {
  const fields = asks.filter((name) => name !== "uneven");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const choices = Object.fromEntries(fields.map((name) => [name, FIELDS[name].type === "number" ? Number(given.get(name)) : given.get(name)]));
    void readAgain({ ...choices, ...(asks.includes("uneven") && { uneven: "resample" }) } as ReadChoices);
  };
  return (
    <form class="choices" onSubmit={submit}>
      {fields.map((name) => (
        <label key={name}>
          {FIELDS[name].label}
          <input name={name} required value={FIELDS[name].initial} {...(FIELDS[name].type === "number" && { inputMode: "numeric", pattern: "\\d+" })} />
        </label>
      ))}
      <button type="submit">{asks.includes("uneven") ? "Interpolate onto even slices" : "Read it"}</button>
    </form>
  );
}
