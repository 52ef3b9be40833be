import { copyFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "tsup";
import { writeLicences } from "../../scripts/third-party-licences.mjs";

const IO = fileURLToPath(new URL("../io/dist/browser", import.meta.url));
const TFJS = ["core", "backend-cpu", "backend-wasm", "backend-webgl", "backend-webgpu"].map((name) => `@tensorflow/tfjs-${name}`);
const CODECS = ["charls", "openjpeg", "openjph"].map((name) => `@cornerstonejs/codec-${name}`);
/** Whose code is in the bundle for pages without a bundler. */
const INSIDE = [...CODECS, ...TFJS, "onnxruntime-common", "onnxruntime-web", "zod"];

/** Not in the bundle for pages without a bundler: what only Node has, and weights. */
const OUTSIDE = /^(node:.*|fs$|path$|crypto$|util$|module$|worker_threads$|@anymc3d\/backbone-.*)/;

/** By the file names that packages and pages know them by. */
const ENTRIES = { index: "src/index.ts", engines: "src/engines/table.ts", "worker-classifier": "src/worker/classifier.ts", worker: "src/worker/worker.ts" };

export default defineConfig([
  {
    entry: ENTRIES,
    format: "esm",
    dts: true,
    clean: true,
    target: "es2022",
    treeshake: true,
  },
  // For pages without a bundler, all dependencies inside: a worker knows no import map.
  {
    entry: ENTRIES,
    outDir: "dist/standalone",
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    noExternal: [new RegExp(`^(?!${OUTSIDE.source.slice(1)})`)],
    external: [OUTSIDE],
    async onSuccess() {
      for (const file of readdirSync(IO).filter((name) => name.endsWith(".wasm"))) copyFileSync(`${IO}/${file}`, `dist/standalone/${file}`);
      writeLicences(INSIDE, "dist/standalone");
    },
  },
]);
