// The example as a bundler builds it, in Chromium: the sample as a user's file, PyTorch's probability, a file that is no scan; no request leaves the server.

import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { sample } from "@anymc3d/adapter-lung-nodule";
import { chromiumPath, hasChromium, PATIENCE } from "@anymc3d/testkit/browser/harness";
import { chromium } from "playwright-core";
import { build } from "vite";
import { expect, test } from "vitest";

if (!hasChromium) console.warn("SKIPPED: the worker example, no Chromium at /usr/bin/chromium or $CHROMIUM");
const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

/** @param worker what the worker's script waits for before it is sent */
async function serve(folder: string, worker: Promise<void>) {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    if (request.headers["sec-fetch-dest"] === "worker") await worker;
    const file = join(folder, path === "/" ? "index.html" : path);
    const body = await readFile(file).catch(() => undefined);
    response.writeHead(body ? 200 : 404, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://localhost:${(server.address() as AddressInfo).port}`, close };
}

test.skipIf(!hasChromium)("a file of the user's", async () => {
  const outDir = mkdtempSync(join(tmpdir(), "anymc3d-worker-example-"));
  await build({ root: fileURLToPath(new URL("..", import.meta.url)), logLevel: "error", build: { outDir, emptyOutDir: true } });
  let sendWorker = () => {};
  const server = await serve(outDir, new Promise((resolve) => (sendWorker = resolve))); // biome-ignore format: a line
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--headless", "--no-sandbox", "--disable-quic", "--no-first-run"] });
  try {
    const page = await browser.newPage();
    const elsewhere: string[] = [];
    page.on("request", (request) => /^http/.test(request.url()) && !request.url().startsWith(server.origin) && elsewhere.push(request.url()));
    page.setDefaultTimeout(PATIENCE);
    await page.goto(server.origin);
    // The user may be faster than the worker.
    await page.setInputFiles("input", fileURLToPath(sample));
    sendWorker();
    await page.waitForSelector("table:not([hidden])");
    expect((await page.locator("tbody tr").first().locator("td").allTextContents()).join(" ")).toBe("Rated malignant 93.7 % yes");
    await page.setInputFiles("input", { name: "notes.nii", mimeType: "", buffer: Buffer.from("no scan") });
    await page.getByText("notes.nii").waitFor();
    expect(elsewhere).toEqual([]);
  } finally {
    await browser.close();
    server.close();
    rmSync(outDir, { recursive: true });
  }
});
