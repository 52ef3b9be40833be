// The service worker: the page's files, samples, adapters' weights and decoders are stored when it is installed; the large parts (backbone,
// engine) when they are first asked for, or by the page while it is at rest (offline.ts). Names of files that are built hold a hash of their content, so that what is stored never goes stale.

const SHELL = __SHELL__;
const LARGE = __LARGE__;
const PAGE = "page-__VERSION__";
/** By the page's name for it. */
const WEIGHTS = "weights";
const HOW = { ignoreSearch: true, ignoreVary: true };

self.addEventListener("install", (event) => {
  const store = async () => {
    const cache = await caches.open(PAGE);
    await Promise.all(SHELL.map((path) => keep(cache, path)));
    await self.skipWaiting();
  };
  event.waitUntil(store());
});

/** What an earlier version stored, or the browser has just fetched for the page, is not fetched again. */
async function keep(cache, path) {
  const built = path.startsWith("assets/");
  const stored = built && (await caches.match(path, HOW));
  const response = stored || (await fetch(path, { cache: built ? "default" : "no-cache" }));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  await cache.put(path, response);
}

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name.startsWith("page-") && name !== PAGE) await caches.delete(name);
    const weights = await caches.open(WEIGHTS);
    for (const { url } of await weights.keys()) if (!isListed(url, [...SHELL, ...LARGE])) await weights.delete(url);
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

const isListed = (url, paths) => paths.some((path) => new URL(path, self.registration.scope).pathname === new URL(url).pathname);

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
  event.respondWith(request.mode === "navigate" ? freshOrStored(request) : storedOrFetched(event));
});

/** The page itself: the newest where there is a network. */
async function freshOrStored(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match("./")) ?? Response.error();
  }
}

async function storedOrFetched(event) {
  const { request } = event;
  const stored = await caches.match(request, HOW);
  if (stored) return stored;
  return isListed(request.url, LARGE) && !request.headers.has("x-storing") ? fetchedOnce(event) : fetch(request);
}

/**
 * A large part, stored on its way to who asked for it; who asks meanwhile, or while the page stores it, waits for that. Past the browser's own
 * cache: a private window's keeps nothing so large, and fails all but one of those who fetch it at the same time (net::ERR_CACHE_WRITE_FAILURE).
 */
function fetchedOnce(event) {
  const { request } = event;
  return new Promise((resolve, reject) => {
    const storing = navigator.locks.request(new URL(request.url).pathname, async () => {
      const stored = await caches.match(request, HOW);
      if (stored) return resolve(stored);
      const response = await fetch(request, { cache: "no-store" });
      if (!response.ok || !response.body) return resolve(response);
      const [asked, kept] = response.body.tee();
      resolve(new Response(asked, response));
      await (await caches.open(WEIGHTS)).put(request.url, new Response(kept, { headers: response.headers }));
    });
    // What cannot be stored is no error to who asked.
    event.waitUntil(storing.catch(reject));
  });
}
