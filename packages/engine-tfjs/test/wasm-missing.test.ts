// A start of tfjs-wasm that fails, in a process of its own: the error says which file, and a second try with the right folder works.
import { isAnyMC3DError } from "@anymc3d/core";
import { loadTiny } from "@anymc3d/core/testing";
import { fixtures } from "@anymc3d/testkit/fixtures";
import { expect, test } from "vitest";
import { createTfjsEngine } from "../src/index.js";

test("a missing .wasm file is named, with the option to set; the next try is not held back by it", async () => {
  const { backbone } = await loadTiny(fixtures, "tiny-dinov2");
  const error = await createTfjsEngine(backbone, { backend: "wasm", wasmPaths: "/nowhere" }).catch((reason: unknown) => reason);
  expect(isAnyMC3DError(error) && error.code).toBe("ASSET_INVALID");
  expect(String(error)).toContain("/nowhere/tfjs-backend-wasm-simd.wasm");
  expect(String(error)).toContain("wasmPaths");
  const engine = await createTfjsEngine(backbone, { backend: "wasm" });
  expect(engine.id).toBe("tfjs/wasm");
  await engine.dispose();
});
