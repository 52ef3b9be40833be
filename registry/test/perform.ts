// One call of a registry, with plain data in and out, so that the same tests run in Node and in a page.
import { isAbortError, isAnyMC3DError } from "@anymc3d/core";
import { createRegistry, type RegistryOptions, type Store } from "../src/index.js";

export interface Call {
  readonly options: Omit<RegistryOptions, "store" | "readPath">;
  /** Calls that name the same store share it. */
  readonly store: string;
  readonly method: "load" | "resolve" | "loadBackbone" | "loadBoth" | "card" | "search" | "lock";
  readonly spec: string;
  readonly integrity?: string;
  /** Abort at the first progress. */
  readonly abort?: boolean;
}

export interface Outcome {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the method returns, as JSON
  readonly value?: any;
  readonly error?: { readonly code: string; readonly message: string };
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  /** Bytes at the last progress. */
  readonly progress: number;
}

export async function perform({ options, method, spec, integrity, abort }: Call, store: Store): Promise<Outcome> {
  const warnings: { code: string; message: string }[] = [];
  let progress = 0;
  const controller = new AbortController();
  const loading = {
    signal: controller.signal,
    integrity,
    onWarning: (warning: { code: string; message: string }) => void warnings.push(warning),
    onProgress: (done: number) => {
      progress = done;
      if (abort) controller.abort();
    },
  };
  const work = async () => {
    const registry = createRegistry({ ...options, store });
    if (method === "search") return registry.search({ ...(spec && JSON.parse(spec)), ...loading });
    if (method === "resolve") return registry.resolve(spec);
    if (method === "card") return registry.card(spec, loading);
    if (method === "loadBackbone") return { hash: (await registry.loadBackbone(spec, loading)).hash };
    const { name, entry } = method === "lock" ? await registry.lock(spec, loading) : {};
    if (method === "lock") return { name, entry };
    const adapter = await registry.load(spec, loading);
    return { manifest: adapter.manifest, hash: adapter.hash, ...(method === "loadBoth" && { backbone: (await registry.loadBackbone(adapter, loading)).hash }) };
  };
  try {
    return { value: await work(), warnings, progress };
  } catch (error) {
    if (isAbortError(error)) return { error: { code: "ABORTED", message: "" }, warnings, progress };
    if (!isAnyMC3DError(error)) throw error;
    return { error: { code: error.code, message: error.message }, warnings, progress };
  }
}
