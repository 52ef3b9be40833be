// Before classifying: what speaks against it, how to look for the heatmap, and the button.

import { useComputed } from "@preact/signals";
import { busy, check, chosen, classifyScan, explained, type HeatmapMethod, method, run } from "../state.js";
import { Busy } from "./busy.js";

export function RunPanel() {
  const { value: adapter } = chosen;
  const { value: found } = check;
  const stale = useComputed(
    () => run.value && (run.value.method.method !== method.value || ("label" in run.value.method ? run.value.method.label : undefined) !== explained.value),
  );
  if (busy.value) return <Busy />;
  if (!adapter || !found) return null;
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
          <option value="attention">Attention: where the backbone looked</option>
          <option value="gradcam">Grad-CAM: what speaks for one finding (slower)</option>
        </select>
        {method.value === "gradcam" && (
          <select
            aria-label="Finding to explain"
            value={explained.value ?? ""}
            onChange={({ currentTarget }) => {
              explained.value = currentTarget.value || undefined;
            }}
          >
            <option value="">the strongest finding</option>
            {adapter.manifest.task.labels.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        )}
      </fieldset>
      {(!run.value || stale.value) && (
        <button type="button" class={refused ? "caution" : "primary"} disabled={found.verdict === "impossible"} onClick={() => classifyScan(refused)}>
          {refused ? "Classify anyway" : run.value ? "Classify again" : "Classify"}
        </button>
      )}
    </section>
  );
}
