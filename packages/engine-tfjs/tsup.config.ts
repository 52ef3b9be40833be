import { copyFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "tsup";
import { writeLicences } from "../../scripts/third-party-licences.mjs";

const TFJS = ["core", "backend-cpu", "backend-wasm", "backend-webgl", "backend-webgpu"].map((name) => `@tensorflow/tfjs-${name}`);
const WASM = ["tfjs-backend-wasm", "tfjs-backend-wasm-simd", "tfjs-backend-wasm-threaded-simd"].map((name) => `${name}.wasm`);

export default defineConfig([
  { entry: ["src/index.ts"], format: "esm", dts: true, clean: true, target: "es2022", treeshake: true, removeNodeProtocol: false },
  // For browsers TensorFlow.js is inside: it imports CommonJS packages, which a bundler's dev server does not convert in a worker.
  {
    entry: ["src/index.ts"],
    outDir: "dist/browser",
    format: "esm",
    platform: "browser",
    target: "es2022",
    treeshake: true,
    removeNodeProtocol: false,
    noExternal: [...TFJS, "long", "seedrandom"],
    external: [/^node:/],
    esbuildPlugins: [
      {
        name: "browser",
        setup(build) {
          build.onResolve({ filter: /^\.\/bundled-files\.js$/ }, () => ({ path: fileURLToPath(new URL("./src/bundled-files.browser.ts", import.meta.url)) }));
          // Asked for where the code runs in Node, which has the other build.
          build.onResolve({ filter: /^(util|crypto|fs|path|perf_hooks|worker_threads|os|string_decoder|node-fetch)$/ }, ({ path }) => ({
            path,
            namespace: "only-node",
          }));
          build.onLoad({ filter: /.*/, namespace: "only-node" }, () => ({ contents: "export default {}" }));
        },
      },
    ],
    async onSuccess() {
      const from = join(dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json")), "dist");
      for (const file of WASM) copyFileSync(join(from, file), `dist/browser/${file}`);
      writeLicences([...TFJS, "long", "seedrandom"], "dist/browser");
    },
  },
]);
