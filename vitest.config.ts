// Tests run on sources: a package's name stands for its src. A test file's name says its tier; CONTRIBUTING.md tells what belongs to which.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string) => fileURLToPath(new URL(`./packages/${path}`, import.meta.url));

const FOLDERS = ["packages/*/test", "registry/test", "apps/*/test", "docs/test", "examples/*/test"];
const named = (ending: string) => FOLDERS.map((folder) => `${folder}/**/*${ending}`);
const PROCESS = named(".process.test.ts");
const BROWSER = named(".browser.test.ts");

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@anymc3d\/node-files\/(.*)$/, replacement: source("node-files/src/$1.ts") },
      { find: /^@anymc3d\/testkit\/(.*)$/, replacement: source("testkit/src/$1.ts") },
      { find: "@anymc3d/core/engine", replacement: source("core/src/engine.ts") },
      { find: "@anymc3d/core/learn", replacement: source("core/src/learn.ts") },
      { find: "@anymc3d/core/errors", replacement: source("core/src/errors.ts") },
      { find: "@anymc3d/io/options", replacement: source("io/src/options.ts") },
      { find: "@anymc3d/core/testing", replacement: source("core/src/testing/index.ts") },
      { find: /^@anymc3d\/registry$/, replacement: fileURLToPath(new URL("./registry/src/index.ts", import.meta.url)) },
      { find: "@anymc3d/registry/node", replacement: fileURLToPath(new URL("./registry/src/node.ts", import.meta.url)) },
      { find: "@anymc3d/registry/site", replacement: fileURLToPath(new URL("./registry/src/site.ts", import.meta.url)) },
      { find: "@anymc3d/registry/server", replacement: fileURLToPath(new URL("./registry/src/server.ts", import.meta.url)) },
      { find: "@anymc3d/sdk/engines", replacement: source("sdk/src/engines/table.ts") },
      { find: "@anymc3d/sdk/worker", replacement: source("sdk/src/worker/classifier.ts") },
      { find: "@anymc3d/train/node", replacement: source("train/src/node.ts") },
      { find: /^@anymc3d\/(core|io|engine-onnx|engine-tfjs|sdk|train)$/, replacement: source("$1/src/index.ts") },
    ],
  },
  test: {
    // Many a test starts processes or browsers, on a machine that may be busy with others: this is for what hangs.
    testTimeout: 400_000,
    hookTimeout: 400_000,
    pool: "forks",
    // Not among what the user of this machine keeps.
    env: { ANYMC3D_CACHE: source("../node_modules/.cache/anymc3d-tests") },
    maxWorkers: 2,
    projects: [
      // Without isolation a worker loads the sources once, not once a file: a unit test leaves no global changed behind.
      {
        extends: true,
        test: {
          name: "unit",
          include: [...named(".test.ts"), "benchmarks/*.test.mjs"],
          exclude: [...PROCESS, ...BROWSER],
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: "process", include: PROCESS, sequence: { groupOrder: 1 } } },
      { extends: true, test: { name: "browser", include: BROWSER, sequence: { groupOrder: 2 } } },
    ],
  },
});
