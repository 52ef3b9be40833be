// Keeps the page for use without a network: the service worker stores what is small, this what is large, and the footer says how far that is.

import { signal } from "@preact/signals";
import type { Answer, Item, Order } from "./store-worker.js";

/** A file that is not code: weights, WebAssembly, samples. */
export interface Part {
  readonly path: string;
  /** For people. */
  readonly what: string;
  /** Of programs: the decoder, or what the engine's id begins with, as errors name them. */
  readonly role?: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Too large to be stored when the page is first opened. */
  readonly later: boolean;
}

/** `none`: it cannot be stored here, or that is not known yet. */
export type Offline =
  | { readonly state: "none" | "stored" }
  | { readonly state: "storing"; readonly done: number; readonly total: number }
  | { readonly state: "partly"; readonly missing: readonly Part[]; readonly why?: string };

export const offline = signal<Offline>({ state: "none" });

const HOW = { ignoreSearch: true, ignoreVary: true };
/** Milliseconds after which a page that was opened is taken to be at rest. */
const REST = 3000;
/** Milliseconds that the service worker is given to be installed. */
const FIRST_VISIT = 3000;

const parts: readonly Part[] = JSON.parse(document.getElementById("parts")?.textContent ?? "[]");
const addressOf = ({ path }: Part) => new URL(path, document.baseURI);
const sizeOf = (some: readonly Part[]) => some.reduce((sum, { bytes }) => sum + bytes, 0);

/** As 44 MB. */
export const megabytes = (bytes: number) => `${bytes < 1e6 ? (bytes / 1e6).toFixed(1) : Math.round(bytes / 1e6)} MB`;

/** Registers the service worker once the page is there, then stores the large parts while it is at rest, unless the user saves data. */
export async function stayOffline(): Promise<void> {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done, { once: true }));
  try {
    await navigator.serviceWorker.register(new URL("sw.js", document.baseURI));
  } catch {
    return;
  }
  await navigator.serviceWorker.ready;
  await lookAgain();
  const store = () => void (savesData() || storeParts());
  setTimeout(() => whenIdle(store), REST);
  addEventListener("online", store);
}

/**
 * Waits until the service worker answers this page's requests, a few seconds at most on a first visit: through it a large part is fetched once,
 * for its use and for later.
 */
export async function storesOnTheWay(): Promise<void> {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV || navigator.serviceWorker.controller) return;
  // One that is at work, but not for this page: it was reloaded past it.
  if ((await navigator.serviceWorker.getRegistration().catch(() => undefined))?.active?.state === "activated") return;
  await new Promise<void>((done) => {
    navigator.serviceWorker.addEventListener("controllerchange", () => done(), { once: true });
    setTimeout(done, FIRST_VISIT);
  });
}

const whenIdle = (work: () => void) => ("requestIdleCallback" in globalThis ? requestIdleCallback(work) : setTimeout(work));

function savesData(): boolean {
  const { connection } = navigator as { connection?: { saveData?: boolean; effectiveType?: string } };
  return Boolean(connection?.saveData) || /2g/.test(connection?.effectiveType ?? "");
}

/** Whether the service worker has stored its part, and keeps what it is given. */
const isInstalled = async () => "serviceWorker" in navigator && Boolean((await navigator.serviceWorker.getRegistration().catch(() => undefined))?.active);

/** What of weights and WebAssembly is not stored. */
export async function missingParts(): Promise<Part[]> {
  if (!("caches" in globalThis)) return [...parts];
  // A browser may forbid storage.
  const found = await Promise.all(parts.map((part) => caches.match(addressOf(part), HOW).catch(() => undefined)));
  return parts.filter((_, i) => !found[i]);
}

/** Finds out what is stored. @param why something could not be */
async function lookAgain(why?: string): Promise<void> {
  const missing = await missingParts();
  offline.value = missing.length > 0 ? { state: "partly", missing, why } : { state: "stored" };
}

let storing: Promise<void> | undefined;

/** Stores what is not stored yet. Failing is no error: the page works without. */
export function storeParts(): Promise<void> {
  storing ??= storeMissing().finally(() => {
    storing = undefined;
  });
  return storing;
}

async function storeMissing(): Promise<void> {
  if (!(await isInstalled())) return;
  const missing = await missingParts();
  if (missing.length === 0) return;
  const total = sizeOf(missing);
  let done = 0;
  let why: string | undefined;
  try {
    await inWorker({ store: missing.map(itemOf) }, (bytes) => {
      done += bytes;
      offline.value = { state: "storing", done: Math.min(done, total), total };
    });
  } catch (error) {
    why = (error as Error).name === "QuotaExceededError" ? "there is no room for it on this device" : navigator.onLine ? undefined : "you are offline";
  }
  await lookAgain(why);
}

const itemOf = (part: Part): Item => ({ address: addressOf(part).href, sha256: part.sha256 });

/** @returns the addresses of what is damaged */
function inWorker(order: Order, onBytes?: (bytes: number) => void): Promise<readonly string[]> {
  const worker = new Worker(new URL("./store-worker.ts", import.meta.url), { type: "module" });
  return new Promise<readonly string[]>((resolve, reject) => {
    worker.onerror = () => reject(new Error("the worker did not start"));
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      if ("bytes" in data) onBytes?.(data.bytes);
      else if ("damaged" in data) resolve(data.damaged);
      else reject(Object.assign(new Error(data.failed), { name: data.failed }));
    };
    worker.postMessage(order);
  }).finally(() => worker.terminate());
}

/** Lets go of stored parts that are damaged, and stores them anew. @returns what was let go of */
export async function forgetDamaged(): Promise<Part[]> {
  if (!("caches" in globalThis)) return [];
  const addresses = await inWorker({ check: parts.map(itemOf) }).catch((): readonly string[] => []);
  for (const address of addresses) for (const name of await caches.keys()) await (await caches.open(name)).delete(address, HOW);
  if (addresses.length > 0) {
    await lookAgain();
    void storeParts();
  }
  return parts.filter((part) => addresses.includes(addressOf(part).href));
}
