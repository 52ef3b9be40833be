// Before classifying: what speaks against it, how to look for the heatmap, and the button.

import { type AdapterManifest, HEATMAPS, type HeatmapMethod, taskKind } from "@anymc3d/core";
import type { StudyCheck } from "@anymc3d/sdk";
import { useComputed, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLostFocus } from "../page/lost-focus.js";
import {
  busy,
  check,
  checkAgain,
  checkFailed,
  chosen,
  classifyScan,
  explained,
  explainsOne,
  forget,
  looksAtRegions,
  method,
  ownRuns,
  type Run,
  run,
  show,
} from "../page/state.js";
import { labelOf } from "../results/heatmap-text.js";
import { formOf } from "../results/outcomes/index.js";
import { regionPlace } from "../results/region-text.js";
import { shownVoxel } from "../viewer/shown-viewer.js";
import { Busy } from "./busy.js";

export function RunPanel() {
  const { value: adapter } = chosen;
  const { value: found } = check;
  const go = useLostFocus<HTMLButtonElement>(busy.value === undefined);
  const stale = useComputed(() => {
    const made = run.value?.method;
    return made && (made.method !== method.value || (explainsOne(made.method) && labelOf(made) !== explained.value));
  });
  if (busy.value) return <Busy />;
  if (!adapter) return null;
  if (!found) return <Checking />;
  const refused = found.verdict !== "accepted";
  // A whole scan, where a part of it is looked at: the way on is to point at that part.
  const tooLarge = looksAtRegions.value && refused && !found.otherKind && found.findings.some(({ code }) => code === "INPUT_SIZE");
  const asked = run.value?.region;
  return (
    <section class="run" aria-label="Classify">
      {tooLarge ? ownRuns.value.length === 0 && <PointAtIt found={found} /> : found.findings.length > 0 && <Findings found={found} />}
      <fieldset class="method">
        <legend>Heatmap</legend>
        <select
          aria-label="Method"
          value={method.value}
          onChange={({ currentTarget }) => {
            method.value = currentTarget.value as HeatmapMethod;
          }}
        >
          {HEATMAPS.map(({ id, title, text }) => (
            <option key={id} value={id}>
              {title}: {text}
            </option>
          ))}
        </select>
        {explainsOne(method.value) && <Explained manifest={adapter.manifest} />}
      </fieldset>
      {!tooLarge && (!run.value || (stale.value && !asked)) && <Whole found={found} again={run.value !== undefined} button={go} />}
      {looksAtRegions.value && found.verdict !== "impossible" && !found.otherKind && <Around first={tooLarge} button={tooLarge ? go : undefined} />}
      {asked && stale.value && (
        <button type="button" onClick={() => classifyScan({ region: asked })}>
          Classify it again
        </button>
      )}
      <Regions />
    </section>
  );
}

const Findings = ({ found: { verdict, findings } }: { readonly found: StudyCheck }) => (
  <div class={verdict === "accepted" ? "findings" : "findings refused"} role={verdict === "accepted" ? undefined : "alert"}>
    <h3>{verdict === "accepted" ? "Before you classify" : "This scan is not what the adapter was made for"}</h3>
    <ul>
      {findings.map(({ message }) => (
        <li key={message}>{message}</li>
      ))}
    </ul>
  </div>
);

const PointAtIt = ({ found: { findings } }: { readonly found: StudyCheck }) => (
  <div class="findings" role="status">
    <h3>Show where to look</h3>
    <p>This model looks at one finding, and the scan is larger. Click the finding in a picture, then classify the region around it.</p>
    <details>
      <summary>Why not the whole scan</summary>
      <ul>
        {findings.map(({ message }) => (
          <li key={message}>{message}</li>
        ))}
      </ul>
    </details>
  </div>
);

type ButtonRef = RefObject<HTMLButtonElement | null>;

/** The whole scan; past a refusal, with a second yes where it is another kind of image. */
function Whole({ found: { verdict, otherKind }, again, button }: { readonly found: StudyCheck; readonly again: boolean; readonly button: ButtonRef }) {
  const asking = useSignal(false);
  const refused = verdict !== "accepted";
  if (asking.value)
    return (
      <div class="findings refused" role="alertdialog" aria-label="Another kind of image">
        <p>This is another kind of image than the model was made for. It would give numbers, and they would say nothing about this scan.</p>
        <button type="button" class="caution" onClick={() => classifyScan({ checks: "force" })}>
          Show them all the same
        </button>{" "}
        <button
          type="button"
          onClick={() => {
            asking.value = false;
          }}
        >
          No
        </button>
      </div>
    );
  const start = () => {
    if (otherKind) asking.value = true;
    else void classifyScan({ checks: refused ? "warn" : "refuse" });
  };
  return (
    <button ref={button} type="button" class={refused ? "caution" : "primary"} disabled={verdict === "impossible"} onClick={start}>
      {refused ? "Classify anyway" : again ? "Classify again" : "Classify"}
    </button>
  );
}

/** The region around the crosshair. */
function Around({ first, button }: { readonly first: boolean; readonly button: ButtonRef | undefined }) {
  const voxel = shownVoxel.value;
  if (!voxel) return first ? <p class="note">The scan cannot be shown here, so that there is no place to click.</p> : null;
  return (
    <button
      ref={button}
      type="button"
      class={first ? "primary" : undefined}
      title="The region around the crosshair; click in a picture to move it"
      onClick={() => classifyScan({ region: voxel })}
    >
      Classify this region
    </button>
  );
}

/** The results of this adapter, where there are regions among them: one is shown, the others a click away. */
function Regions() {
  const all = ownRuns.value;
  if (!all.some(({ region }) => region)) return null;
  return (
    <ol class="regions" aria-label="Results on this scan">
      {all.map((each) => (
        <li key={String(each.region)}>
          <button type="button" aria-pressed={each === run.value} onClick={() => show(each)}>
            {regionPlace(each.result)}: {headline(each)}
          </button>
          <button type="button" class="quiet" aria-label={`Remove the result ${regionPlace(each.result)}`} onClick={() => forget(each)}>
            ×
          </button>
        </li>
      ))}
    </ol>
  );
}

/** The first of what the answer says. */
const headline = ({ result, adapter: { manifest } }: Run): string =>
  result.outside ? "outside what it was made for" : formOf(result).sentence({ result, manifest }).split("; ")[0];

/** Which of the things that a heatmap can explain it is to explain, where there are several. */
function Explained({ manifest: { task } }: { readonly manifest: AdapterManifest }) {
  const ids = taskKind(task).heatmapLabels(task);
  if (ids.length < 2) return null;
  return (
    <select
      aria-label="Finding to explain"
      value={explained.value ?? ""}
      onChange={({ currentTarget }) => {
        explained.value = currentTarget.value || undefined;
      }}
    >
      <option value="">the strongest finding</option>
      {task.labels
        .filter(({ id }) => ids.includes(id))
        .map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
    </select>
  );
}

const Checking = () =>
  checkFailed.value ? (
    <section class="run" aria-label="Classify">
      <p class="note">Whether the adapter takes this scan could not be found out.</p>
      <button type="button" onClick={checkAgain}>
        Try again
      </button>
    </section>
  ) : (
    <p class="note soon">Checking whether the adapter takes this scan …</p>
  );
