// What @anymc3d/registry adds to a page that has @anymc3d/core already.
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, test } from "vitest";

test("under 60 kB gzipped in a browser bundle", async () => {
  const output = await build({
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      target: "es2022",
      lib: { entry: fileURLToPath(new URL("../src/index.ts", import.meta.url)), formats: ["es"] },
      rollupOptions: { external: ["@anymc3d/core"] },
    },
  });
  const [bundle] = Array.isArray(output) ? output : [output];
  const code = "output" in bundle ? bundle.output.flatMap((chunk) => (chunk.type === "chunk" ? [chunk.code] : [])).join("") : "";
  expect(code).toContain("sha512-");
  expect(gzipSync(code).length).toBeLessThan(60_000);
});
