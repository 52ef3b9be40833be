// Builds the page; the service worker is told which files the page is made of.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** Files that make the page open; weights, WebAssembly and samples are kept when they are used. */
const SHELL = /\.(js|mjs|css|html|json|svg|webmanifest)$/;

/** Writes sw.js with the list of the page's files and a version that follows from it. */
function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    generateBundle(_, bundle) {
      const shell = ["./", "icon.svg", "app.webmanifest", ...Object.keys(bundle).filter((name) => SHELL.test(name) && name !== "index.html")].sort();
      const version = createHash("sha256").update(shell.join("\n")).digest("hex").slice(0, 12);
      const source = readFileSync(new URL("./src/sw.js", import.meta.url), "utf8");
      const text = source.replace("__SHELL__", JSON.stringify(shell)).replace("__VERSION__", version);
      this.emitFile({ type: "asset", fileName: "sw.js", source: text });
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [serviceWorker()],
  worker: { format: "es" },
  build: { target: "es2023", assetsInlineLimit: 0, chunkSizeWarningLimit: 4000, modulePreload: { polyfill: false } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
