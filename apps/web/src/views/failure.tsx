// What went wrong, in words that say what to do.

import { failure } from "../state.js";

export function Failure() {
  const { value } = failure;
  if (!value) return null;
  return (
    <div class="failure" role="alert">
      <p>
        <strong>{HEADLINES[value.code] ?? "That did not work"}</strong> {value.message}
      </p>
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
