// Finds adapters in a registry that the user names.

import { isAbortError } from "@anymc3d/core";
import { warningWords } from "@anymc3d/core/errors";
import { type Signal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { recall, remember } from "../page/remembered.js";
import { adapters, addFromRegistry } from "../page/state.js";
import { type RegistryHit, searchRegistry } from "./adapters.js";

const STORED = "anymc3d.registry";

export function RegistrySearch() {
  const url = useSignal(recall(STORED));
  const text = useSignal("");
  /** What was found, and where. */
  const found = useSignal<{ readonly url: string; readonly hits: readonly RegistryHit[] } | undefined>(undefined);
  const problem = useSignal("");
  const working = useSignal(false);
  const told = useSignal("");
  const search = async (event: Event) => {
    event.preventDefault();
    working.value = true;
    problem.value = "";
    told.value = "";
    try {
      found.value = { url: url.value, hits: await searchRegistry(url.value, text.value, AbortSignal.timeout(30_000)) };
      remember(STORED, url.value);
    } catch (error) {
      found.value = undefined;
      problem.value = (error as Error).message;
    }
    working.value = false;
  };
  return (
    <details class="registry">
      <summary>More from a registry</summary>
      <form onSubmit={search}>
        <label>
          Registry
          <input
            type="url"
            required
            placeholder="https://registry.example.org/"
            value={url.value}
            onInput={({ currentTarget }) => (url.value = currentTarget.value)}
          />
        </label>
        <label>
          Words
          <input type="search" placeholder="nodule, CT, …" value={text.value} onInput={({ currentTarget }) => (text.value = currentTarget.value)} />
        </label>
        <button type="submit" disabled={working.value}>
          {working.value ? "Searching…" : "Search"}
        </button>
      </form>
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {found.value && (
        <ul class="hits" aria-label="Found adapters">
          {found.value.hits.map((hit) => (
            <Hit key={`${hit.name}@${hit.version}`} hit={hit} url={found.value?.url ?? ""} told={told} />
          ))}
          {found.value.hits.length === 0 && <li>Nothing found.</li>}
        </ul>
      )}
      <output class="note">{told.value}</output>
      <p class="note">Asks this registry and nothing else. Only data is loaded, checked against its hashes.</p>
    </details>
  );
}

interface HitProps {
  readonly hit: RegistryHit;
  readonly url: string;
  /** What screen readers are told. */
  readonly told: Signal<string>;
}

function Hit({ hit: { name, version, title, modalities, bodyParts, deprecated, doubts = [] }, url, told }: HitProps) {
  const key = `${name}@${version}`;
  const adding = useSignal(false);
  const problem = useSignal("");
  const stop = useRef<AbortController>(undefined);
  const here = adapters.value.find((each) => each.key === key);
  const add = async () => {
    adding.value = true;
    problem.value = "";
    told.value = `Adding “${title}”`;
    stop.current = new AbortController();
    try {
      told.value = await addFromRegistry(url, key, { kept: true, signal: stop.current.signal });
    } catch (error) {
      told.value = "";
      if (!isAbortError(error)) problem.value = (error as Error).message;
    }
    adding.value = false;
  };
  return (
    <li>
      <span>
        <strong>{title}</strong>
        <small>
          {key} · {[...modalities, ...bodyParts].join(", ")}
        </small>
        {deprecated && <small class="problem">{deprecated}</small>}
        {doubts.length > 0 && <small class="problem">{doubts.map(warningWords).join(", ")}</small>}
        {adding.value && <progress aria-label={`Adding “${title}”`} />}
        {problem.value && (
          <small class="problem" role="alert">
            {problem.value}
          </small>
        )}
      </span>
      {here ? (
        <button type="button" aria-disabled="true">
          {here.registry ? "Added" : "Here already"}
        </button>
      ) : (
        <button type="button" onClick={adding.value ? () => stop.current?.abort() : add}>
          {adding.value ? "Cancel" : "Add"}
        </button>
      )}
    </li>
  );
}
