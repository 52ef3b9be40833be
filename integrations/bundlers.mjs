// The SDK's worker in pages built by Vite (and served by its dev server), webpack and Next.js, and in one without a bundler, from packed packages,
// opened in Chromium; and in Deno and Bun.
// usage: node integrations/bundlers.mjs [vite|vite-dev|webpack|next|script|deno|bun …]     (npm run build first)
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { check, exec, installPacked } from "./packed-packages.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const wanted = process.argv.length > 2 ? process.argv.slice(2) : ["vite", "vite-dev", "webpack", "next", "script", "deno", "bun"];
const TOOLS = {
  vite: ["vite@8"],
  "vite-dev": ["vite@8"],
  webpack: ["webpack@5", "webpack-cli@7"],
  next: ["next@16", "react@19", "react-dom@19"],
  deno: ["deno@2"],
  bun: ["bun@1"],
};

const folder = installPacked(wanted.flatMap((name) => TOOLS[name] ?? []));
// These two fetch their program by their install scripts, which no other package needs.
const programs = wanted.filter((name) => ["deno", "bun"].includes(name));
if (programs.length > 0) exec("npm", ["rebuild", "--silent", ...programs], folder);
const bin = (name) => join(folder, "node_modules/.bin", name);

/** Copies an integration into the folder that has the packages. @returns its place there */
function place(name) {
  const to = join(folder, name);
  cpSync(here(name), to, { recursive: true });
  cpSync(here("page.js"), join(to, name === "next" ? "classify.js" : "page.js"));
  return to;
}

/** How each page is built, and what is then served. */
const PAGES = {
  vite() {
    const at = place("vite");
    exec(bin("vite"), ["build", "--logLevel", "error"], at);
    return join(at, "dist");
  },
  webpack() {
    const at = place("webpack");
    exec(bin("webpack"), ["--config", "webpack.config.cjs"], at);
    cpSync(join(at, "dist.html"), join(at, "dist/index.html"));
    return join(at, "dist");
  },
  next() {
    const at = place("next");
    exec(bin("next"), ["build"], at);
    return join(at, "out");
  },
  script() {
    mkdirSync(join(folder, "script"));
    cpSync(here("script/index.html"), join(folder, "index.html"));
    return folder;
  },
};

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };

/** Opens what lies in a folder, with and without cross-origin isolation. */
async function openBuilt(name, served) {
  for (const isolated of [false, true]) {
    const server = createServer(async ({ url }, response) => {
      const path = new URL(url, "http://localhost").pathname;
      const file = join(served, path.endsWith("/") ? `${path}index.html` : path);
      const body = await readFile(file).catch(() => undefined);
      response.writeHead(body ? 200 : 404, {
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        ...(isolated && { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" }),
      });
      response.end(body);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await openPage(`${name}${isolated ? ", cross-origin isolated" : ""}`, `http://localhost:${server.address().port}`);
    } finally {
      server.close();
    }
  }
}

/** Vite's dev server, which bundles nothing: every module of the worker is served as it lies in node_modules. */
async function openServedByVite(name) {
  const server = spawn(bin("vite"), ["--port", "5390"], { cwd: place("vite"), stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, NO_COLOR: "1" } });
  try {
    const origin = await new Promise((resolve, reject) => {
      server.stdout.on("data", (text) => /http:\/\/localhost:\d+/.test(text) && resolve(/http:\/\/localhost:\d+/.exec(text)[0]));
      server.on("exit", (code) => reject(new Error(`vite ended with ${code}`)));
    });
    await openPage(name, origin);
  } finally {
    server.kill();
  }
}

/** Opens a page in Chromium, and looks at what it has classified. */
async function openPage(name, origin) {
  const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", ...quiet] });
  try {
    const page = await browser.newPage();
    const outsideRequests = [];
    page.on("request", (request) => /^http/.test(request.url()) && !request.url().startsWith(origin) && outsideRequests.push(request.url()));
    const failed = new Promise((_, reject) => page.on("pageerror", reject));
    failed.catch(() => undefined);
    await page.goto(`${origin}/`);
    await Promise.race([page.waitForFunction("globalThis.classified", undefined, { timeout: 120_000 }), failed]);
    const { logits, engine } = await page.evaluate("globalThis.classified");
    if (outsideRequests.length) throw new Error(`${name}: asked ${outsideRequests}`);
    check(`${name}, ${engine}`, logits);
  } finally {
    await browser.close();
  }
}

/** Other runtimes, with Node's smallest program. A package without a binary for this machine is told of. */
function runElsewhere(name, args) {
  cpSync(here("node-esm/index.mjs"), join(folder, "index.mjs"));
  try {
    exec(bin(name), ["--version"], folder);
  } catch {
    console.warn(`SKIPPED: ${name} cannot be run on this machine`);
    return;
  }
  const { engine, logits } = JSON.parse(exec(bin(name), [...args, "index.mjs"], folder));
  check(`${name}, ${engine}`, logits);
}

try {
  for (const name of wanted) {
    if (name === "deno") runElsewhere("deno", ["run", "--allow-all", "--quiet"]);
    else if (name === "bun") runElsewhere("bun", ["run"]);
    else if (name === "vite-dev") await openServedByVite(name);
    else await openBuilt(name, PAGES[name]());
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
