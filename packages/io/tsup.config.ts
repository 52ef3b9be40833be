import { copyFileSync } from "node:fs";
import { createRequire } from "node:module";
import { defineConfig } from "tsup";
import { browserBuild } from "../../scripts/browser-build.mjs";
import { writeLicences } from "../../scripts/third-party-licences.mjs";

const CODECS = ["@cornerstonejs/codec-charls", "@cornerstonejs/codec-openjpeg", "@cornerstonejs/codec-openjph"];
const WASM = ["codec-charls/decodewasm", "codec-openjpeg/decodewasm", "codec-openjph/wasm"];

export default defineConfig([
  { entry: ["src/index.ts", "src/options.ts"], format: "esm", dts: true, clean: true, target: "es2022", treeshake: true },
  // The decoders of compressed DICOM, with their .wasm files beside: their modules name others that only Node has, which bundlers would stumble over.
  browserBuild({
    inside: CODECS,
    replaced: new URL("./src/formats/dicom/codec-files.browser.ts", import.meta.url),
    onlyNode: ["fs", "path"],
    async onSuccess() {
      const require = createRequire(import.meta.url);
      for (const path of WASM) {
        const file = require.resolve(`@cornerstonejs/${path}`);
        copyFileSync(file, `dist/browser/${file.split("/").at(-1)}`);
      }
      writeLicences(CODECS, "dist/browser");
    },
  }),
]);
