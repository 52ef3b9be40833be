// What is going on, how far it is, and a way to stop it.

import type { Progress } from "@anymc3d/sdk";
import { megabytes, offline } from "../offline/offline.js";
import { useLostFocus } from "../page/lost-focus.js";
import { busy, cancel } from "../page/state.js";

const STAGES = { load: "Getting the model ready", read: "Reading the scan", encode: "Looking at slices", heatmap: "Making the heatmap" };

interface Share {
  readonly done: number;
  readonly total: number;
  readonly text: string;
}

/** How far it is, where that is known. */
function shareOf(progress: Progress | undefined): Share | undefined {
  if (progress?.stage === "encode" && progress.total > 0) return { ...progress, text: ` ${progress.done} of ${progress.total}` };
  const { value } = offline;
  // On the first visit the model is fetched meanwhile, and stored.
  if (progress?.stage === "load" && value.state === "storing")
    return { ...value, text: `: ${Math.round(value.done / 1e6)} of ${megabytes(value.total)}, once` };
  return undefined;
}

export function Busy() {
  const { what, progress } = busy.value ?? {};
  const stop = useLostFocus<HTMLButtonElement>(what);
  if (!what) return null;
  const stage = progress ? STAGES[progress.stage] : what === "reading" ? STAGES.read : STAGES.load;
  const share = shareOf(progress);
  return (
    <div class="busy">
      <div class="busy-line">
        <span>
          {stage}
          {share?.text}
        </span>
        <button ref={stop} type="button" onClick={cancel}>
          Cancel
        </button>
      </div>
      <progress aria-label={stage} {...(share && { value: share.done, max: share.total })} />
    </div>
  );
}
