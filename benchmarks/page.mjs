// The page in Chromium: bytes of the first load, time to the first result on the sample with cold and warm caches, longest task of the main thread.
// usage: node benchmarks/page.mjs [--rounds N]     (npm run build first)
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { serveWeb } from "../scripts/web.mjs";
import { median, spread } from "./statistics.mjs";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const server = await serveWeb(0);
const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--enable-unsafe-swiftshader", ...quiet],
});

/** Opens the page and classifies the sample. @returns ms from the click on the sample to the result, and the longest task meanwhile, ms */
async function classifySample(context) {
  const page = await context.newPage();
  await page.goto(server.url);
  await page.waitForFunction(() => document.querySelector(".adapter") && navigator.serviceWorker.controller);
  await page.evaluate(() => {
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
    }).observe({ type: "longtask" });
  });
  const start = performance.now();
  await page.getByRole("button", { name: "Try the sample" }).click();
  await page.locator(".run > button").first().click();
  await page.waitForSelector(".result");
  const ms = performance.now() - start;
  const longest = await page.evaluate(() => globalThis.longest);
  await page.close();
  return { ms, longest };
}

try {
  const first = await (await browser.newContext()).newPage();
  await first.goto(server.url, { waitUntil: "networkidle" });
  const bytes = await first.evaluate(() =>
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].reduce((sum, { transferSize }) => sum + transferSize, 0),
  );
  console.log(`Chromium ${browser.version()}; first load ${(bytes / 1e6).toFixed(2)} MB (gzip), without weights and without what the service worker stores`);
  const [cold, warm, longest] = [[], [], []];
  for (let round = 0; round < Number(values.rounds); round++) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    cold.push((await classifySample(context)).ms / 1000);
    const again = await classifySample(context);
    warm.push(again.ms / 1000);
    longest.push(again.longest);
    await context.close();
  }
  console.log(`from the click on the sample to the result, s, median (min–max) of ${values.rounds}: cold ${spread(cold)}, warm caches ${spread(warm)}`);
  console.log(`longest task of the main thread from the click on, viewer included, ms: ${spread(longest, 0)} (median ${median(longest).toFixed(0)})`);
} finally {
  await browser.close();
  await server.close();
}
