import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/worker-classifier.ts", "src/worker.ts"],
  format: "esm",
  dts: { entry: ["src/index.ts", "src/worker-classifier.ts"] },
  clean: true,
  target: "es2022",
  treeshake: true,
});
