// Registers the service worker, which keeps the page and what it has fetched for use without a network.

import { signal } from "@preact/signals";

/** Whether the page itself is stored, so that it opens without a network. */
export const storedForOffline = signal(false);

export function stayOffline(): void {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  navigator.serviceWorker.register(new URL("sw.js", document.baseURI)).then(
    () => navigator.serviceWorker.ready.then(() => (storedForOffline.value = true)),
    () => undefined,
  );
}
