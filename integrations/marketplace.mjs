// The marketplace from an empty folder: start a private registry, release everything to it, install and add an adapter from it, classify by name in Node
// and in Chromium, stop the registry, classify again.
// usage: node integrations/marketplace.mjs     (npm run build first)
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { build } from "vite";
import { check } from "./packed-packages.mjs";
import { releaseFromCopy } from "./release-copy.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "anymc3d-marketplace-"));
const project = join(folder, "project");
const bin = join(root, "packages/cli/bin/anymc3d.js");
const env = {
  ...process.env,
  NO_COLOR: "1",
  npm_config_userconfig: join(folder, "npmrc"),
  npm_config_ignore_scripts: "true",
  ANYMC3D_CACHE: join(folder, "cache"),
};
const exec = (program, args, cwd) => execFileSync(program, args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

async function startRegistry() {
  const child = spawn("node", [bin, "registry", "start", "--storage", join(folder, "storage"), "--port", "0", "--sign-up", "--json"], { env });
  // The pipe stays open: what the registry logs later must go somewhere.
  const url = await new Promise((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (text) => {
      said += text;
      const found = /^\{"url".*\}$/m.exec(said);
      if (found) resolve(JSON.parse(found[0]).url);
    });
    child.on("exit", () => reject(new Error(`the registry did not start: ${said}`)));
  });
  return { url, child };
}

async function publishAll(url) {
  const body = JSON.stringify({ name: "author", password: "a long password" });
  const account = await fetch(`${url}-/user/org.couchdb.user:author`, { method: "PUT", headers: { "content-type": "application/json" }, body });
  const { token } = await account.json();
  writeFileSync(env.npm_config_userconfig, `@anymc3d:registry=${url}\n${url.replace("http:", "")}:_authToken=${token}\n`);
  const versions = releaseFromCopy(folder, env);
  console.log(`ok ${versions.length} packages versioned and published to ${url} by npm run release`);
}

const classify = (...more) => {
  const scan = join(root, "packages/adapters-lung-nodule/sample.nii.gz");
  return JSON.parse(exec("npx", ["anymc3d", "classify", scan, "--adapter", "lung-nodule@^1", "--json", ...more], project)).labels.map(({ logit }) => logit);
};

/** Builds the page with what was installed from the registry, and serves it. */
async function servePage() {
  const page = join(project, "page");
  mkdirSync(page);
  copyFileSync(join(root, "integrations/marketplace/page.js"), join(page, "page.js"));
  writeFileSync(join(page, "index.html"), '<!doctype html><title>By name</title><script type="module" src="./page.js"></script>');
  await build({ configFile: false, logLevel: "error", root: page, build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 10_000 } });
  const types = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    const file = path === "/scan" ? join(root, "packages/adapters-lung-nodule/sample.nii.gz") : join(page, "dist", path === "/" ? "index.html" : path);
    if (!existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" });
    response.end(readFileSync(file));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { origin: `http://localhost:${server.address().port}`, close: () => server.closeAllConnections() || server.close() };
}

const chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
let registry;
let browser;
let server;
try {
  registry = await startRegistry();
  await publishAll(registry.url);
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  exec("npm", ["install", "--no-audit", "--no-fund", "--silent", "@anymc3d/sdk", "@anymc3d/cli"], project);
  console.log(exec("npx", ["anymc3d", "adapter", "add", "lung-nodule"], project).trim());
  check("classified by name", classify("--frozen"));

  let inPage;
  if (existsSync(chromiumPath)) {
    server = await servePage();
    const flags = "--headless --no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
    browser = await chromium.launch({ executablePath: chromiumPath, args: flags.split(" ") });
    const context = await browser.newContext();
    inPage = async (what) => {
      const page = await context.newPage();
      await page.goto(server.origin);
      await page.waitForFunction("globalThis.classifyByName !== undefined");
      const logits = await page.evaluate(([url, scan]) => globalThis.classifyByName(url, "lung-nodule@^1", scan), [registry.url, "/scan"]);
      check(what, logits);
      await page.close();
    };
    await inPage("by name in Chromium");
  } else console.warn("SKIPPED: by name in Chromium, none at /usr/bin/chromium or $CHROMIUM");

  registry.child.kill("SIGINT");
  await once(registry.child, "exit");
  check("with the registry stopped", classify("--frozen"));
  await inPage?.("in Chromium with the registry stopped");
} finally {
  registry?.child.kill("SIGKILL");
  await browser?.close();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
}
