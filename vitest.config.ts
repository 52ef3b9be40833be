// Tests run on sources: a package's name stands for its src, so that no build is needed to test.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string) => fileURLToPath(new URL(`./packages/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: "@anymc3d/core/errors", replacement: source("core/src/errors.ts") },
      { find: "@anymc3d/core/testing", replacement: source("core/src/testing/index.ts") },
      { find: /^@anymc3d\/registry$/, replacement: fileURLToPath(new URL("./registry/src/index.ts", import.meta.url)) },
      { find: "@anymc3d/registry/node", replacement: fileURLToPath(new URL("./registry/src/node.ts", import.meta.url)) },
      { find: "@anymc3d/registry/site", replacement: fileURLToPath(new URL("./registry/src/site.ts", import.meta.url)) },
      { find: "@anymc3d/registry/server", replacement: fileURLToPath(new URL("./registry/src/server.ts", import.meta.url)) },
      { find: "@anymc3d/sdk/worker", replacement: source("sdk/src/worker-classifier.ts") },
      { find: "@anymc3d/train/node", replacement: source("train/src/node.ts") },
      { find: /^@anymc3d\/(core|io|engine-onnx|engine-tfjs|sdk|train)$/, replacement: source("$1/src/index.ts") },
    ],
  },
  test: {
    include: ["packages/*/test/**/*.test.ts", "registry/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "docs/test/*.test.ts", "benchmarks/*.test.mjs"],
    // Many a test starts processes or browsers, on a machine that may be busy with others: this is for what hangs.
    testTimeout: 400_000,
    hookTimeout: 400_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
