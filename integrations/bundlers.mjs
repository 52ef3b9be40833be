// The SDK's worker in pages built by Vite (and served by its dev server), webpack and Next.js, and in one without a bundler, from packed packages,
// opened in Chromium; a route of Next.js's server; and in Deno and Bun.
// usage: node integrations/bundlers.mjs [vite|vite-dev|webpack|next|next-route|script|deno|bun …]     (npm run build first)
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { check, env, exec, installPacked } from "./packed-packages.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const wanted = process.argv.length > 2 ? process.argv.slice(2) : ["vite", "vite-dev", "webpack", "next", "next-route", "script", "deno", "bun"];
const NEXT = ["next@16", "react@19", "react-dom@19"];
const TOOLS = {
  vite: ["vite@8"],
  "vite-dev": ["vite@8"],
  webpack: ["webpack@5", "webpack-cli@7"],
  next: NEXT,
  "next-route": NEXT,
  deno: ["deno@2"],
  bun: ["bun@1"],
};

const folder = installPacked([...new Set(wanted.flatMap((name) => TOOLS[name] ?? []))]);
// These two fetch their program by their install scripts, which no other package needs.
const programs = wanted.filter((name) => ["deno", "bun"].includes(name));
if (programs.length > 0) exec("npm", ["rebuild", "--silent", ...programs], folder);
const bin = (name) => join(folder, "node_modules/.bin", name);

/** Copies an integration into the folder that has the packages. @returns its place there */
function place(name) {
  const to = join(folder, name);
  cpSync(here(name), to, { recursive: true });
  if (name !== "next-route") cpSync(here("page.js"), join(to, name === "next" ? "classify.js" : "page.js"));
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

/** Starts a server that prints its address, does something with that, and ends it. */
async function whileServed(program, args, cwd, work) {
  const server = spawn(bin(program), args, { cwd, stdio: ["ignore", "pipe", "inherit"], env: { ...env, NO_COLOR: "1" } });
  const ended = once(server, "exit");
  try {
    const origin = await new Promise((resolve, reject) => {
      let said = "";
      server.stdout.on("data", (text) => {
        said += text;
        const found = /http:\/\/localhost:\d+(?=\D)/.exec(said);
        if (found) resolve(found[0]);
      });
      server.on("exit", (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
    });
    await work(origin);
  } finally {
    server.kill();
    await ended;
  }
}

/** Vite's dev server, which bundles nothing: every module of the worker is served as it lies in node_modules. */
const openServedByVite = (name) => whileServed("vite", ["--port", "5390"], place("vite"), (origin) => openPage(name, origin));

/** A route of Next.js's server: scans, some at once, and what is none or too large. */
async function postToNext(name) {
  const at = place(name);
  exec(bin("next"), ["build"], at);
  await whileServed("next", ["start", "--port", "0"], at, async (origin) => {
    const address = `${origin}/api/classify`;
    const post = async (body) => {
      const response = await fetch(address, { method: "POST", body });
      return { status: response.status, ...(await response.json()) };
    };
    const scan = await readFile(join(folder, "node_modules/@anymc3d/adapter-lung-nodule/sample.nii.gz"));
    for (const { labels, provenance } of await Promise.all([post(scan), post(scan), post(scan)])) {
      const [logits, probabilities] = ["logit", "probability"].map((key) => labels.map((label) => label[key]));
      check(`${name}, ${provenance.engine}`, logits, probabilities);
    }
    const refused = async (what, answer, status, code) => {
      const { error, status: got } = await answer;
      if (got !== status || error?.code !== code || !error.message) throw new Error(`${name}: ${what} got ${got} ${JSON.stringify(error)}`);
      console.log(`ok ${name}: ${what} gets ${status} ${code}`);
    };
    await refused("what is no scan", post("no scan"), 422, "FORMAT_UNKNOWN");
    await refused("nothing", post(""), 422, "FILE_EMPTY");
    await refused("half a scan", post(scan.subarray(0, scan.length >> 1)), 422, "FILE_TRUNCATED");
    await refused("a scan that says it is of 300 MiB", sayLength(address, 300 * 2 ** 20), 413, "FILE_TOO_LARGE");
  });
}

/** Posts the head of a request, which states a length, and no body. */
async function sayLength(address, length) {
  const asked = request(address, { method: "POST", headers: { "content-length": length } });
  asked.flushHeaders();
  const [response] = await once(asked, "response");
  const body = [];
  for await (const part of response) body.push(part);
  asked.destroy();
  return { status: response.statusCode, ...JSON.parse(Buffer.concat(body)) };
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
    else if (name === "next-route") await postToNext(name);
    else await openBuilt(name, PAGES[name]());
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
