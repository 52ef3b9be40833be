// Packs every package as npm would publish it, installs the tarballs in an empty folder, and runs the consumers there.
// usage: node integrations/packed.mjs [--node24]     (npm run build first; --node24 runs them on Node 24 too)
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { check, installPacked, exec as run } from "./packed-packages.mjs";

const folder = installPacked();
const exec = (program, args) => run(program, args, folder);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

try {
  cpSync(here("node-esm/index.mjs"), join(folder, "index.mjs"));
  for (const name of ["index.cjs", "entries.cjs"]) cpSync(here(`node-cjs/${name}`), join(folder, name));
  const nodes = [["node", []], ...(process.argv.includes("--node24") ? [["npx", ["-y", "node@24"]]] : [])];
  for (const [program, before] of nodes) {
    const version = exec(program, [...before, "--version"]).trim();
    const result = JSON.parse(exec(program, [...before, "index.mjs"]));
    check(`Node ${version}, ${result.engine}`, result.logits);
    check(`Node ${version}, CommonJS`, JSON.parse(exec(program, [...before, "index.cjs"])).logits);
    const modules = JSON.parse(exec(program, [...before, "entries.cjs"]));
    for (const name of ["core", "core/learn", "sdk", "io", "train/node", "registry/server", "adapter-lung-nodule", "backbone-dinov2-small"])
      if (!modules.includes(`@anymc3d/${name}`)) throw new Error(`no module @anymc3d/${name} was tried by require()`);
    console.log(`ok Node ${version}, require() of ${modules.length} modules`);
    const cli = ["node_modules/.bin/anymc3d", "classify", "node_modules/@anymc3d/adapter-lung-nodule/sample.nii.gz", "--adapter", "lung-nodule", "--json"];
    check(
      `Node ${version}, anymc3d classify`,
      JSON.parse(exec(program, [...before, ...cli])).labels.map(({ logit }) => logit),
    );
  }
  // Where the native runtime could not be installed, the WebAssembly build takes over and says so.
  rmSync(join(folder, "node_modules/onnxruntime-node"), { recursive: true });
  const fallback = JSON.parse(exec("node", ["index.mjs"]));
  if (fallback.engine !== "onnxruntime-web/wasm" || !fallback.warnings.includes("ENGINE_FALLBACK")) {
    throw new Error(`without onnxruntime-node: ${JSON.stringify(fallback)}`);
  }
  check(`without onnxruntime-node, ${fallback.engine}`, fallback.logits);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
