// The adapters to choose from, and the way to a registry's.

import { modalitiesOf } from "../adapters.js";
import { adapters, busy, choose, chosenKey, runs } from "../state.js";
import { RegistrySearch } from "./registry-search.js";

export function AdapterPicker() {
  return (
    <section class="adapters" aria-labelledby="adapters-title">
      <h2 id="adapters-title">What to ask</h2>
      <fieldset disabled={Boolean(busy.value)}>
        <legend class="visually-hidden">Adapter</legend>
        {adapters.value.map(({ key, manifest, origin }) => (
          <label key={key} class={`adapter${key === chosenKey.value ? " chosen" : ""}`}>
            <input type="radio" name="adapter" checked={key === chosenKey.value} onChange={() => choose(key)} />
            <span>
              <strong>{manifest.title}</strong>
              <small>
                {[...modalitiesOf(manifest), ...manifest.input.bodyParts].join(", ") || "any scan"} · {manifest.task.labels.map(({ name }) => name).join(", ")}
              </small>
              <small>
                {manifest.version}, {origin}
                {runs.value.has(key) && " · done"}
              </small>
            </span>
          </label>
        ))}
      </fieldset>
      <RegistrySearch />
    </section>
  );
}
