// Builds the page; the service worker and the page are told which files it is made of.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatNames } from "@anymc3d/io";
import { defineConfig, type Plugin, type Rolldown } from "vite";

/** What the page is written in. */
const SHELL = /\.(js|mjs|css|html|json|svg|webmanifest)$/;
/** Runtimes that come with the libraries and that the page never starts. */
const UNUSED = /\.(jsep|asyncify)-/;
/** What is not stored at once, but when the page is idle. */
const LARGE = /backbone|engine/;

/** What the files of weights and WebAssembly are, by the file they were made from: for people, and as errors name it. */
const NAMES: readonly (readonly [RegExp, string, string?])[] = [
  [/backbone/, "the backbone"],
  [/ort-wasm/, "the engine", "onnx"],
  [/tfjs/, "the spare engine", "tfjs"],
  [/charls/, "the JPEG-LS decoder", "jpeg-ls"],
  [/openjpeg/, "the JPEG 2000 decoder", "jpeg-2000"],
  [/openjph/, "the HTJ2K decoder", "htj2k"],
  [/sample/, "the sample"],
];

function nameOf(from: string): { what: string; role?: string } {
  const manifest = join(dirname(from), "adapter.json");
  const title = /weights/.test(from) && existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).title;
  if (title) return { what: `the weights of “${title}”` };
  const [, what = "a part of the page", role] = NAMES.find(([pattern]) => pattern.test(from)) ?? [];
  return { what, role };
}

/** A file that is not code: what it is for, and what tells whether it is whole. */
function partOf({ fileName, source, originalFileNames }: Rolldown.OutputAsset) {
  const from = fileURLToPath(new URL(originalFileNames[0] ?? fileName, import.meta.url));
  const { what, role } = nameOf(from);
  return { path: fileName, what, role, bytes: source.length, sha256: createHash("sha256").update(source).digest("hex"), later: LARGE.test(what) };
}

/** Writes sw.js with the list of the page's files and a version that follows from it, and the list of its parts into the page. */
function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const names = Object.keys(bundle).filter((name) => name !== "index.html");
        const assets = names.filter((name) => !SHELL.test(name) && !UNUSED.test(name)).map((name) => bundle[name] as Rolldown.OutputAsset);
        const parts = assets.map(partOf).sort((a, b) => b.bytes - a.bytes);
        const small = parts.filter(({ later }) => !later).map(({ path }) => path);
        const shell = ["./", "icon.svg", "icon-192.png", "icon-512.png", "app.webmanifest", ...names.filter((name) => SHELL.test(name)), ...small].sort();
        const large = parts.filter(({ later }) => later).map(({ path }) => path);
        const version = createHash("sha256")
          .update([...shell, ...large].join("\n"))
          .digest("hex")
          .slice(0, 12);
        const source = readFileSync(new URL("./src/offline/service-worker.js", import.meta.url), "utf8");
        const text = source.replace("__SHELL__", JSON.stringify(shell)).replace("__LARGE__", JSON.stringify(large)).replace("__VERSION__", version);
        this.emitFile({ type: "asset", fileName: "sw.js", source: text });
        const page = bundle["index.html"] as Rolldown.OutputAsset;
        page.source = String(page.source).replace("</head>", `  <script type="application/json" id="parts">${JSON.stringify(parts)}</script>\n  </head>`);
      },
    },
  };
}

export default defineConfig({
  base: "./",
  define: { __FORMATS__: JSON.stringify(formatNames()) },
  plugins: [serviceWorker()],
  worker: { format: "es" },
  build: { target: "es2023", assetsInlineLimit: 0, chunkSizeWarningLimit: 4000, modulePreload: { polyfill: false } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
