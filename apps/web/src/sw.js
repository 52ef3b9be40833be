// The service worker: the page's files are stored when it is installed, weights and the like when they are first used. Names of files that
// are built hold a hash of their content, so that what is stored never goes stale.

const SHELL = __SHELL__;
const PAGE = "page-__VERSION__";
/** By the page's name for it; the page lets go of it where a stored file turns out to be damaged. */
const WEIGHTS = "weights";

self.addEventListener("install", (event) => {
  const store = async () => {
    const cache = await caches.open(PAGE);
    await cache.addAll(SHELL.map((path) => new Request(path, { cache: "no-cache" })));
    await self.skipWaiting();
  };
  event.waitUntil(store());
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name.startsWith("page-") && name !== PAGE) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(freshOrStored(request));
  else if (/\.(safetensors|wasm|nii\.gz)$/.test(url.pathname)) event.respondWith(storedOrFetched(request, WEIGHTS));
  else event.respondWith(storedOrFetched(request, PAGE));
});

/** The page itself: the newest where there is a network. */
async function freshOrStored(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match("./")) ?? Response.error();
  }
}

async function storedOrFetched(request, cacheName) {
  const stored = await caches.match(request, { ignoreSearch: true });
  if (stored) return stored;
  const response = await fetch(request);
  const whole = response.status === 200 && !/text\/html/.test(response.headers.get("content-type") ?? "");
  if (whole && cacheName === WEIGHTS) {
    const cache = await caches.open(cacheName);
    // A full disk must not keep the page from working.
    await cache.put(request, response.clone()).catch(() => undefined);
  }
  return response;
}
