// Finds adapters in a registry that the user names.

import { useSignal } from "@preact/signals";
import { type RegistryHit, searchRegistry } from "../adapters.js";
import { addFromRegistry } from "../state.js";

const STORED = "anymc3d.registry";

export function RegistrySearch() {
  const url = useSignal(remembered());
  const text = useSignal("");
  const hits = useSignal<readonly RegistryHit[] | undefined>(undefined);
  const problem = useSignal("");
  const working = useSignal(false);
  const search = async (event: Event) => {
    event.preventDefault();
    working.value = true;
    problem.value = "";
    try {
      hits.value = await searchRegistry(url.value, text.value, AbortSignal.timeout(30_000));
      remember(url.value);
    } catch (error) {
      hits.value = undefined;
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
      {hits.value && (
        <ul class="hits" aria-label="Found adapters">
          {hits.value.map(({ name, version, title, modalities, bodyParts, deprecated }) => (
            <li key={name}>
              <span>
                <strong>{title}</strong>
                <small>
                  {name} {version} · {[...modalities, ...bodyParts].join(", ")}
                </small>
                {deprecated && <small class="problem">{deprecated}</small>}
              </span>
              <button type="button" onClick={() => addFromRegistry(url.value, `${name}@${version}`)}>
                Add
              </button>
            </li>
          ))}
          {hits.value.length === 0 && <li>Nothing found.</li>}
        </ul>
      )}
      <p class="note">Asks this registry and nothing else. Only data is loaded, checked against its hashes.</p>
    </details>
  );
}

/** The registry asked last; none where a browser keeps nothing. */
function remembered(): string {
  try {
    return localStorage.getItem(STORED) ?? "";
  } catch {
    return "";
  }
}

function remember(url: string): void {
  try {
    localStorage.setItem(STORED, url);
  } catch {
    // It is asked for again the next time.
  }
}
