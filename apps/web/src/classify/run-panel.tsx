// Before classifying: what speaks against it, how to look for the heatmap, and the button.

import { type AdapterManifest, HEATMAPS, type HeatmapMethod, taskKind } from "@anymc3d/core";
import { useComputed } from "@preact/signals";
import { useLostFocus } from "../page/lost-focus.js";
import { busy, check, checkAgain, checkFailed, chosen, classifyScan, explained, explainsOne, method, run } from "../page/state.js";
import { labelOf } from "../results/heatmap-text.js";
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
  return (
    <section class="run" aria-label="Classify">
      {found.findings.length > 0 && (
        <div class={refused ? "findings refused" : "findings"} role={refused ? "alert" : undefined}>
          <h3>{refused ? "This scan is not what the adapter was made for" : "Before you classify"}</h3>
          <ul>
            {found.findings.map(({ message }) => (
              <li key={message}>{message}</li>
            ))}
          </ul>
        </div>
      )}
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
      {(!run.value || stale.value) && (
        <button ref={go} type="button" class={refused ? "caution" : "primary"} disabled={found.verdict === "impossible"} onClick={() => classifyScan(refused)}>
          {refused ? "Classify anyway" : run.value ? "Classify again" : "Classify"}
        </button>
      )}
    </section>
  );
}

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
