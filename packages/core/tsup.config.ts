import { writeFile } from "node:fs/promises";
import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/engine.ts", "src/learn.ts", "src/errors.ts", "src/testing/index.ts"],
  format: "esm",
  dts: true,
  clean: true,
  target: "es2022",
  async onSuccess() {
    const { adapterJsonSchema } = await import("./src/manifest.js");
    await writeFile("dist/adapter.schema.json", `${JSON.stringify(adapterJsonSchema(), null, 2)}\n`);
  },
});
