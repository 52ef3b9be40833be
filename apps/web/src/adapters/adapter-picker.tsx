// The adapters to choose from, and the way to a registry's.

import { warningWords } from "@anymc3d/core/errors";
import { adapters, busy, choose, chosenKey, lostAdapters, removeAdapter, runs } from "../page/state.js";
import { type AdapterEntry, modalitiesOf } from "./adapters.js";
import { RegistrySearch } from "./registry-search.js";

export function AdapterPicker() {
  return (
    <section class="adapters" aria-labelledby="adapters-title">
      <h2 id="adapters-title">What to ask</h2>
      <fieldset disabled={Boolean(busy.value)}>
        <legend class="visually-hidden">Adapter</legend>
        {adapters.value.map((entry) => (
          <Choice key={entry.key} entry={entry} />
        ))}
      </fieldset>
      {lostAdapters.value.length > 0 && <p class="note">No longer stored in this browser: {lostAdapters.value.join(", ")}. Add them again.</p>}
      <RegistrySearch />
    </section>
  );
}

function Choice({ entry }: { readonly entry: AdapterEntry }) {
  const { key, manifest, registry, doubts } = entry;
  return (
    <div class={`adapter${key === chosenKey.value ? " chosen" : ""}`}>
      <label>
        <input type="radio" name="adapter" checked={key === chosenKey.value} onChange={() => choose(key)} />
        <span>
          <strong>{manifest.title}</strong>
          <small>
            {[...modalitiesOf(manifest), ...manifest.input.bodyParts].join(", ") || "any scan"} · {manifest.task.labels.map(({ name }) => name).join(", ")}
          </small>
          <small>
            {originOf(entry)}
            {(runs.value.get(key)?.length ?? 0) > 0 && " · done"}
          </small>
          {doubts.length > 0 && <small class="problem">{doubts.map(warningWords).join(", ")}</small>}
        </span>
      </label>
      {registry && (
        <button type="button" class="quiet" aria-label={`Remove ${key}`} onClick={() => removeAdapter(key)}>
          Remove
        </button>
      )}
    </div>
  );
}

const originOf = ({ key, manifest, origin, registry, kept }: AdapterEntry) =>
  registry ? `${key}, from ${origin}; ${kept ? "stays in this browser until you remove it" : "until the page is closed"}` : `${manifest.version}, ${origin}`;
