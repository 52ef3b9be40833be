// Packs every package as npm would publish it, installs the tarballs in an empty folder, and runs the consumers there.
// usage: node integrations/packed.mjs [--node24]     (npm run build first; --node24 runs them on Node 24 too)
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "anymc3d-packed-"));
const exec = (program, args, cwd = folder) =>
  execFileSync(program, args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, npm_config_onnxruntime_node_install: "skip" },
  });

/** Logits of the bundled sample as PyTorch computed them (float32, the shipped weights). */
const EXPECTED = [2.69495, 2.0404, 1.66451, -5.02184, -3.10637];

function check(what, logits) {
  const off = Math.max(...logits.map((value, i) => Math.abs(value - EXPECTED[i])));
  if (!(off < 0.02)) throw new Error(`${what}: logits ${logits} are off by ${off}`);
  console.log(`ok ${what}: logits within ${off.toExponential(1)} of the reference`);
}

try {
  const packages = [...readdirSync(join(root, "packages")).map((name) => join(root, "packages", name)), join(root, "registry")];
  exec("npm", ["pack", "--silent", "--pack-destination", folder, ...packages], root);
  const tarballs = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  exec("npm", ["install", "--no-audit", "--no-fund", "--silent", ...tarballs.map((name) => `./${name}`)]);
  cpSync(join(root, "integrations/node-esm/index.mjs"), join(folder, "index.mjs"));
  const nodes = [["node", []], ...(process.argv.includes("--node24") ? [["npx", ["-y", "node@24"]]] : [])];
  for (const [program, before] of nodes) {
    const version = exec(program, [...before, "--version"]).trim();
    const result = JSON.parse(exec(program, [...before, "index.mjs"]));
    check(`Node ${version}, ${result.engine}`, result.logits);
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
