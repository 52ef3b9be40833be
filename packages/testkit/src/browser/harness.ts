// Runs an engine's conformance suite in headless Chromium: bundles page.ts with the engine, serves it on localhost, collects results.

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";

export interface PageJob {
  /** Name of the exported function that creates the engine. */
  readonly create: string;
  /** Options for it. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Also run the 56×56 case on the shipped backbone. */
  readonly realBackbone?: boolean;
  /** Also run the gradient part. */
  readonly trainable?: boolean;
}

export interface PageTiming {
  readonly side: number;
  readonly slices: number;
  readonly runs: number;
}

export interface CaseResult {
  readonly name: string;
  readonly ms: number;
  /** Undefined where the case passed. */
  readonly error?: string;
}

export interface Harness {
  /** A fresh page with the bundle loaded. */
  page(): Promise<Page>;
  conformance(job: PageJob): Promise<CaseResult[]>;
  timing(job: PageJob, timing: PageTiming): Promise<{ id: string; createMs: number; perSlice: number[] }>;
  /** Requests of any page to another host than localhost. */
  readonly outsideRequests: readonly string[];
  readonly origin: string;
  close(): Promise<void>;
}

export const chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const hasChromium = existsSync(chromiumPath);
/** Milliseconds after which what a test waits for does not come; a busy machine is slow. Below a test's own limit, so that what was waited for is named. */
export const PATIENCE = 300_000;

const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
];

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const source = (path: string) => join(root, "packages", path);

/** Builds page.ts, with `virtual:engine` standing for the given module, into a folder. */
async function bundle(engineModule: string, outDir: string): Promise<void> {
  const entry = join(import.meta.dirname, "page.ts");
  await writeFile(join(outDir, "index.html"), `<!doctype html><meta charset="utf-8"><title>conformance</title><script type="module" src="${entry}"></script>`);
  await build({
    configFile: false,
    logLevel: "error",
    root: outDir,
    base: "/",
    resolve: {
      alias: [
        { find: "virtual:engine", replacement: engineModule },
        { find: "@anymc3d/core/engine", replacement: source("core/src/engine.ts") },
        { find: "@anymc3d/core/errors", replacement: source("core/src/errors.ts") },
        { find: "@anymc3d/core/testing", replacement: source("core/src/testing/index.ts") },
        { find: /^@anymc3d\/core$/, replacement: source("core/src/index.ts") },
      ],
    },
    worker: { format: "es" },
    build: { outDir: join(outDir, "dist"), target: "es2022", minify: false, assetsInlineLimit: 0, chunkSizeWarningLimit: 10_000 },
  });
}

const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

/** Serves the bundle, the fixtures and the shipped backbone; like many a dev server, an unknown address gets the page. */
async function serve(folder: string, headers: Readonly<Record<string, string>>): Promise<{ origin: string; close(): Promise<void> }> {
  const places: Record<string, string> = { "/fixtures/": source("core/fixtures/"), "/backbone/": source("backbone-dinov2-small/") };
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
    const prefix = Object.keys(places).find((p) => path.startsWith(p));
    const file = prefix ? join(places[prefix], path.slice(prefix.length)) : join(folder, path === "/" ? "index.html" : path);
    const body = await readFile(file).catch(() => undefined);
    const type = body ? (TYPES[extname(file)] ?? "application/octet-stream") : "text/html";
    response.writeHead(200, { "content-type": type, "cache-control": "no-store", ...headers });
    response.end(body ?? (await readFile(join(folder, "index.html"))));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { origin: `http://localhost:${(server.address() as AddressInfo).port}`, close };
}

/**
 * Bundles, serves and launches.
 * @param engineModule path of a module that exports the engine's creating function, and `pageTools` if its tests need more in the page
 * @param headers of every answer, such as those of a page that is cross-origin isolated
 */
export async function startHarness(engineModule: string, headers: Readonly<Record<string, string>> = {}): Promise<Harness> {
  const folder = await mkdtemp(join(tmpdir(), "anymc3d-browser-"));
  await bundle(engineModule, folder);
  const server = await serve(join(folder, "dist"), headers);
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ARGUMENTS });
  const outsideRequests: string[] = [];
  const page = () => openPage(browser, server.origin, outsideRequests);
  const inPage = async <T>(work: (page: Page) => Promise<T>): Promise<T> => {
    const opened = await page();
    return work(opened).finally(() => opened.close());
  };
  return {
    page,
    origin: server.origin,
    outsideRequests,
    conformance: (job) => inPage((p) => p.evaluate((j) => anymc3d.conformance(j), job)),
    timing: (job, timing) => inPage((p) => p.evaluate(([j, t]) => anymc3d.timing(j, t), [job, timing] as const)),
    close: async () => {
      await browser.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function openPage(browser: Browser, origin: string, outsideRequests: string[]): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (/^(http|ws)/.test(protocol) && hostname !== "localhost") outsideRequests.push(request.url());
  });
  await page.goto(origin);
  await page.waitForFunction("globalThis.anymc3d !== undefined");
  return page;
}

/** What page.ts puts on the page's global scope. */
interface PageApi {
  conformance(job: PageJob): Promise<CaseResult[]>;
  timing(job: PageJob, timing: PageTiming): Promise<{ id: string; createMs: number; perSlice: number[] }>;
  // biome-ignore lint/suspicious/noExplicitAny: `pageTools`, functions that an engine's own tests bring along.
  [name: string]: any;
}

declare global {
  var anymc3d: PageApi;
}
