// What the tests of the page share: the built page, served with its own headers, in headless Chromium.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { sample } from "@anymc3d/adapter-lung-nodule";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { serveWeb } from "../../../../scripts/web.mjs";
import { chromiumPath, hasChromium, PATIENCE } from "./harness.js";

if (!hasChromium) console.warn("SKIPPED: the page, no Chromium at /usr/bin/chromium or $CHROMIUM");

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser: Browser;
let server: { url: string; close(): Promise<void> };
/** Paths that the server was asked for. */
export const served: string[] = [];

/** The page is served, and a browser runs, while a file's tests run. */
export function usesBrowser(): void {
  beforeAll(async () => {
    if (!hasChromium) return;
    server = await serveWeb(0, (path) => served.push(path));
    const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
    browser = await chromium.launch({ executablePath: chromiumPath, args: ["--headless", "--no-sandbox", "--enable-unsafe-swiftshader", ...quiet] });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
}

interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Requests to another origin, and errors of the page. */
  readonly unwanted: string[];
}

/** @param script runs before the page's own */
export async function visit<T>(
  work: (visit: Visit) => Promise<T>,
  options: Parameters<Browser["newContext"]>[0] = {},
  query = "",
  script?: () => void,
): Promise<T> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  if (script) await context.addInitScript(script);
  await context.addInitScript(() =>
    addEventListener("securitypolicyviolation", ({ violatedDirective }) => console.error("Content Security Policy", violatedDirective)),
  );
  const unwanted: string[] = [];
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (/^http/.test(url.protocol) && url.origin !== new URL(server.url).origin) unwanted.push(request.url());
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => unwanted.push(String(error)));
  page.on("console", (message) => /Content Security Policy/.test(message.text()) && unwanted.push(message.text()));
  await page.goto(server.url + query);
  await page.waitForSelector(".adapter");
  return work({ page, context, unwanted }).finally(() => context.close());
}

export const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name });
export const openSample = async (page: Page) => {
  await button(page, "Try the sample").click();
  await page.waitForSelector(".run > button");
};
export const openSampleFile = async (page: Page) => {
  await page.setInputFiles("input[multiple]:not([webkitdirectory])", fileURLToPath(sample));
  await page.waitForSelector(".run > button");
};
export const classified = (page: Page) => page.waitForSelector(".result");
export const classifyNow = async (page: Page) => {
  await button(page, /^Classify$/).click();
  await classified(page);
};

/** Flips one bit of the backbone that the page has stored. */
export const damageBackbone = (page: Page) =>
  page.evaluate(async () => {
    const cache = await caches.open("weights");
    for (const request of await cache.keys()) {
      const bytes = new Uint8Array(await ((await cache.match(request)) as Response).arrayBuffer());
      if (!request.url.endsWith(".safetensors") || bytes.length < 1e7) continue;
      bytes[bytes.length - 5] ^= 4;
      await cache.put(request, new Response(bytes));
    }
  });

export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> } }).axe.run(),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}
