// The conformance suite on onnxruntime-web in headless Chromium, and what a server without the .wasm file gets told.
import { fileURLToPath } from "node:url";
import { type Harness, hasChromium, startHarness } from "@anymc3d/testkit/browser/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

if (!hasChromium) console.warn("SKIPPED: browser conformance, no Chromium at /usr/bin/chromium or $CHROMIUM");

describe.skipIf(!hasChromium)("onnxruntime-web in Chromium", () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(fileURLToPath(new URL("../src/index.ts", import.meta.url)));
  });
  afterAll(() => harness?.close());

  test("wasm passes the conformance suite, with the real backbone", async () => {
    const results = await harness.conformance({ create: "createOnnxEngine", options: { device: "wasm" }, realBackbone: true });
    expect(results.filter(({ error }) => error)).toEqual([]);
    expect(results.length).toBeGreaterThan(18);
  });

  test("an HTML page in the .wasm file's place is named, with the option to set", async () => {
    const [first] = await harness.conformance({ create: "createOnnxEngine", options: { device: "wasm", wasmPaths: `${harness.origin}/missing/` } });
    expect(first.error).toContain("wasmPaths");
    expect(first.error).toContain("/missing/");
    expect(first.error).toContain("text/html");
  });

  test("nothing asked another host than localhost", () => expect(harness.outsideRequests).toEqual([]));
});
