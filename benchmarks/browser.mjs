// Backbone speed in Chromium on WebAssembly: this engine against transformers.js and onnxruntime-web on the same slices, in one run.
// usage: node benchmarks/browser.mjs --model FOLDER_OF_dinov2-small --python PYTHON [--rounds N] [--threads N] [--count N] [--side N]
//        (npm run build first; PYTHON as dinov2_onnx.py wants it; transformers.js is installed into a temporary folder)
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { build } from "vite";
import { ratio, spread } from "./statistics.mjs";

const TRANSFORMERS = "@huggingface/transformers@4.3.1";
const { values } = parseArgs({
  options: {
    model: { type: "string" },
    python: { type: "string", default: "python3" },
    rounds: { type: "string", default: "7" },
    threads: { type: "string", default: "2" },
    count: { type: "string", default: "8" },
    side: { type: "string", default: "224" },
    precision: { type: "string", default: "fp32" },
  },
});
if (!values.model) throw new Error("--model: the folder of facebook/dinov2-small, config.json and model.safetensors");
const [rounds, threads, count, side] = [values.rounds, values.threads, values.count, values.side].map(Number);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const folder = await mkdtemp(join(tmpdir(), "anymc3d-bench-"));
const run = (command, args) => execFileSync(command, args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
await writeFile(join(folder, "package.json"), '{"private":true}');
run("npm", ["install", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", TRANSFORMERS]);
run(values.python, [here("dinov2_onnx.py"), values.model, join(folder, "models/dinov2-small")]);

await writeFile(join(folder, "index.html"), `<!doctype html><meta charset="utf-8"><script type="module" src="${here("browser-page.js")}"></script>`);
await build({
  configFile: false,
  logLevel: "error",
  root: folder,
  resolve: { alias: { "@huggingface/transformers": join(folder, "node_modules/@huggingface/transformers/dist/transformers.web.js") } },
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 10_000 },
});

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };
const PLACES = {
  "/backbone/": here("../packages/backbone-dinov2-small/"),
  "/models/": join(folder, "models/"),
  "/ort/": here("../node_modules/onnxruntime-web/dist/"),
  "/transformers-ort/": join(folder, "node_modules/onnxruntime-web/dist/"),
};
const server = createServer(async ({ url }, response) => {
  const path = new URL(url, "http://localhost").pathname;
  const prefix = Object.keys(PLACES).find((start) => path.startsWith(start));
  const file = prefix ? join(PLACES[prefix], path.slice(prefix.length)) : join(folder, "dist", path === "/" ? "index.html" : path);
  const body = await readFile(file).catch(() => undefined);
  const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
  response.writeHead(body ? 200 : 404, { "content-type": TYPES[extname(file)] ?? "application/octet-stream", ...isolation });
  response.end(body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  page.on("pageerror", (error) => console.error(error));
  await page.goto(`http://localhost:${server.address().port}/`);
  await page.waitForFunction("globalThis.startBenchmark");
  const { names, ...about } = await page.evaluate((options) => startBenchmark(options), { count, side, threads, precision: values.precision });
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const ms = (await page.evaluate((which) => time(which), name)) / count;
      if (round >= 0) times[name].push(ms);
    }
  }
  console.log(`Chromium ${browser.version()}, ${JSON.stringify(about)}, ${threads} threads`);
  console.log(`${count} slices of ${side}×${side}, ${rounds} rounds, every contestant once a round; ms a slice: median (min–max)`);
  for (const name of names) console.log(`${name.padEnd(22)} ${spread(times[name])}`);
  const [own, ...others] = names;
  for (const name of others) console.log(`${name} / ${own}: ${ratio(times[name], times[own]).toFixed(2)}`);
  console.log(`difference from onnxruntime-web, share of the largest value: ${JSON.stringify(await page.evaluate("differences()"))}`);
} finally {
  await browser.close();
  server.close();
  await rm(folder, { recursive: true, force: true });
}
