import { writeFile } from "node:fs/promises";
import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/node.ts"],
  format: "esm",
  dts: true,
  clean: true,
  target: "es2022",
  treeshake: true,
  async onSuccess() {
    const { trainConfigJsonSchema } = await import("./src/config.js");
    await writeFile("dist/task.schema.json", `${JSON.stringify(trainConfigJsonSchema(), null, 2)}\n`);
  },
});
