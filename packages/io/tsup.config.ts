import { copyFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { defineConfig } from "tsup";
import { writeLicences } from "../../scripts/third-party-licences.mjs";

const CODECS = ["@cornerstonejs/codec-charls", "@cornerstonejs/codec-openjpeg", "@cornerstonejs/codec-openjph"];
const WASM = ["codec-charls/decodewasm", "codec-openjpeg/decodewasm", "codec-openjph/wasm"];

export default defineConfig([
  { entry: ["src/index.ts"], format: "esm", dts: true, clean: true, target: "es2022", treeshake: true },
  // For browsers the decoders of compressed DICOM are inside, with their .wasm files beside: their modules name others that only Node has,
  // which bundlers would stumble over.
  {
    entry: ["src/index.ts"],
    outDir: "dist/browser",
    format: "esm",
    platform: "browser",
    target: "es2022",
    treeshake: true,
    noExternal: CODECS,
    esbuildPlugins: [
      {
        name: "browser",
        setup(build) {
          build.onResolve({ filter: /^\.\/codec-files\.js$/ }, () => ({ path: fileURLToPath(new URL("./src/codec-files.browser.ts", import.meta.url)) }));
          build.onResolve({ filter: /^(fs|path)$/ }, ({ path }) => ({ path, namespace: "only-node" }));
          build.onLoad({ filter: /.*/, namespace: "only-node" }, () => ({ contents: "export default {}" }));
        },
      },
    ],
    external: [/^node:/],
    async onSuccess() {
      const require = createRequire(import.meta.url);
      for (const path of WASM) {
        const file = require.resolve(`@cornerstonejs/${path}`);
        copyFileSync(file, `dist/browser/${file.split("/").at(-1)}`);
      }
      writeLicences(CODECS, "dist/browser");
    },
  },
]);
