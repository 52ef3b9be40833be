import { copyFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { defineConfig } from "tsup";
import { browserBuild } from "../../scripts/browser-build.mjs";
import { writeLicences } from "../../scripts/third-party-licences.mjs";

const TFJS = ["core", "backend-cpu", "backend-wasm", "backend-webgl", "backend-webgpu"].map((name) => `@tensorflow/tfjs-${name}`);
const WASM = ["tfjs-backend-wasm", "tfjs-backend-wasm-simd", "tfjs-backend-wasm-threaded-simd"].map((name) => `${name}.wasm`);

export default defineConfig([
  { entry: ["src/index.ts"], format: "esm", dts: true, clean: true, target: "es2022", treeshake: true, removeNodeProtocol: false },
  // TensorFlow.js imports CommonJS packages, which a bundler's dev server does not convert in a worker.
  browserBuild({
    inside: [...TFJS, "long", "seedrandom"],
    replaced: new URL("./src/bundled-files.browser.ts", import.meta.url),
    // Asked for where the code runs in Node, which has the other build.
    onlyNode: ["util", "crypto", "fs", "path", "perf_hooks", "worker_threads", "os", "string_decoder", "node-fetch"],
    removeNodeProtocol: false,
    async onSuccess() {
      const from = join(dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json")), "dist");
      for (const file of WASM) copyFileSync(join(from, file), `dist/browser/${file}`);
      writeLicences([...TFJS, "long", "seedrandom"], "dist/browser");
    },
  }),
]);
