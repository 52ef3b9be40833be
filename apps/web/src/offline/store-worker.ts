// The worker that stores the page's large parts and looks whether stored ones are whole, so that the page does not stand still meanwhile.

/** A file, and what tells whether it is whole. */
export interface Item {
  readonly address: string;
  readonly sha256: string;
}

export type Order = { readonly store: readonly Item[] } | { readonly check: readonly Item[] };

export type Answer =
  /** So many bytes more have come. */
  | { readonly bytes: number }
  /** Addresses of what is stored and damaged. */
  | { readonly damaged: readonly string[] }
  | { readonly failed: string };

/** By the service worker's name for it. */
const WEIGHTS = "weights";
const HOW = { ignoreSearch: true, ignoreVary: true };
/** Milliseconds between two reports of progress. */
const PAUSE = 200;

const tell = (answer: Answer) => postMessage(answer);

addEventListener("message", async ({ data }: MessageEvent<Order>) => {
  try {
    if ("store" in data) for (const item of data.store) await store(item);
    tell({ damaged: "check" in data ? await damagedOf(data.check) : [] });
  } catch (error) {
    tell({ failed: (error as Error).name });
  }
});

/** Stores a file; one that came damaged, or broke off, is fetched once more. Who needs it meanwhile waits for the lock, as this does (sw.js). */
function store(item: Item): Promise<void> {
  const { address } = item;
  return navigator.locks.request(new URL(address).pathname, async () => {
    const weights = await caches.open(WEIGHTS);
    for (let attempt = 1; attempt <= 2; attempt++) {
      if (!(await caches.match(address, HOW))) await fetchInto(weights, address).catch((error) => giveUpOn(error, attempt));
      if (await isWhole(item)) return;
      await weights.delete(address);
    }
    throw new Error(`${address}: came damaged twice`);
  });
}

/** Past the browser's own cache, for the reason that sw.js gives. */
async function fetchInto(weights: Cache, address: string): Promise<void> {
  const { ok, status, body, headers } = await fetch(address, { cache: "no-store", headers: { "x-storing": "1" } });
  if (!ok || !body) throw new Error(`${address}: the server answered ${status}`);
  await weights.put(address, new Response(body.pipeThrough(counted()), { headers }));
}

function giveUpOn(error: Error, attempt: number): void {
  if (attempt === 2 || error.name === "QuotaExceededError") throw error;
}

/** Passes bytes on and tells how many there were. */
function counted(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let bytes = 0;
  let told = performance.now();
  const report = () => {
    tell({ bytes });
    bytes = 0;
    told = performance.now();
  };
  return new TransformStream({
    transform(chunk, out) {
      bytes += chunk.length;
      if (performance.now() - told > PAUSE) report();
      out.enqueue(chunk);
    },
    flush: report,
  });
}

async function isWhole({ address, sha256 }: Item): Promise<boolean> {
  const stored = await caches.match(address, HOW);
  if (!stored) return false;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await stored.arrayBuffer()));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}

async function damagedOf(items: readonly Item[]): Promise<string[]> {
  const damaged: string[] = [];
  for (const item of items) if ((await caches.match(item.address, HOW)) && !(await isWhole(item))) damaged.push(item.address);
  return damaged;
}
