// npm run web: builds the page and serves it, with the headers that a server should give it.
// usage: node scripts/web.mjs [--port N]
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { root, setUp } from "./setup.mjs";

const folder = join(root, "apps/web/dist");

/** What any server of the page should send. `connect-src` may be narrowed to the registry in use. */
export const HEADERS = {
  "content-security-policy":
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self' data: blob: https: http://localhost:* http://127.0.0.1:*; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  // Both together let WebAssembly use threads.
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
  ".wasm": "application/wasm",
};

/** The file of an address; one that is none for an address that cannot be. */
function fileOf(pathname) {
  try {
    const path = normalize(decodeURIComponent(pathname));
    return path.endsWith("/") ? `${path}index.html` : path;
  } catch {
    return "/none";
  }
}

/** Serves the built page on loopback. @param port 0: any that is free @param told of each path that is asked for */
export async function serveWeb(port, told = () => undefined) {
  const server = createServer(async (request, response) => {
    told(request.url);
    const name = fileOf(new URL(request.url, "http://localhost").pathname);
    const body = await readFile(join(folder, name)).catch(() => undefined);
    const type = TYPES[extname(name)];
    // Names of built files hold a hash of their content.
    const cache = name.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
    const packed = body && type && type !== "application/wasm" && /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
    response.writeHead(body ? 200 : 404, {
      ...HEADERS,
      "content-type": body ? (type ?? "application/octet-stream") : "text/plain",
      "cache-control": cache,
      ...(packed && { "content-encoding": "gzip" }),
    });
    response.end(packed ? gzipSync(body) : (body ?? "not found"));
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://localhost:${server.address().port}/`, close };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: "string", default: "4173" } } });
  setUp();
  const { url } = await serveWeb(Number(values.port));
  console.log(`\n${url}\nResearch use only. Not a medical device. Ctrl-C stops.`);
}
