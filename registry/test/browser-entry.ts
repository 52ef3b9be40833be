// What the page of registry.browser.test.ts brings along.
import { browserStore } from "../src/index.js";
import { type Call, perform } from "./perform.js";

export const pageTools = {
  perform: (call: Call) => perform(call, browserStore(call.store)),
  /** Changes one bit of every package a store holds. */
  async flip(name: string) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      if (!request.url.includes("package-")) continue;
      const bytes = new Uint8Array(await ((await cache.match(request)) as Response).arrayBuffer());
      bytes[bytes.length >> 1] ^= 4;
      await cache.put(request, new Response(bytes));
    }
  },
  /** A Cache Storage that has no room left. */
  fill() {
    Cache.prototype.put = () => Promise.reject(new DOMException("Quota exceeded.", "QuotaExceededError"));
  },
};

export const create = () => undefined;
