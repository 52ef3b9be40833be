// What is going on, how far it is, and a way to stop it.

import { busy, cancel } from "../state.js";
import { useLostFocus } from "./lost-focus.js";

const STAGES = { load: "Getting the model ready", read: "Reading the scan", encode: "Looking at slices", heatmap: "Making the heatmap" };

export function Busy() {
  const { what, progress } = busy.value ?? {};
  const stop = useLostFocus<HTMLButtonElement>(what);
  if (!what) return null;
  const stage = progress ? STAGES[progress.stage] : what === "reading" ? STAGES.read : STAGES.load;
  const slices = progress?.stage === "encode" ? ` ${progress.done} of ${progress.total}` : "";
  const known = progress?.stage === "encode" && progress.total > 0;
  return (
    <div class="busy">
      <div class="busy-line">
        <span>
          {stage}
          {slices}
        </span>
        <button ref={stop} type="button" onClick={cancel}>
          Cancel
        </button>
      </div>
      <progress aria-label={stage} {...(known && { value: progress.done, max: progress.total })} />
    </div>
  );
}
