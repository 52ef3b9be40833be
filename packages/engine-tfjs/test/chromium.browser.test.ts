// The conformance suite in headless Chromium, on every backend that browsers offer.
import { fileURLToPath } from "node:url";
import { type Harness, hasChromium, startHarness } from "@anymc3d/testkit/browser/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

if (!hasChromium) console.warn("SKIPPED: browser conformance, no Chromium at /usr/bin/chromium or $CHROMIUM");

describe.skipIf(!hasChromium)("Chromium", () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(fileURLToPath(new URL("./browser-entry.ts", import.meta.url)));
  });
  afterAll(() => harness?.close());

  const inPage = async <A, T>(work: (argument: A) => T | Promise<T>, argument: A): Promise<T> => {
    const page = await harness.page();
    return (page.evaluate(work as never, argument) as Promise<T>).finally(() => page.close());
  };

  for (const backend of ["wasm", "webgl", "webgpu"]) {
    test(`tfjs/${backend} passes the conformance suite`, async () => {
      const results = await harness.conformance({ create: "createTfjsEngine", options: { backend }, realBackbone: true, trainable: true });
      expect(results.filter(({ error }) => error)).toEqual([]);
      expect(results.length).toBeGreaterThan(33);
    });

    test(`tfjs/${backend} leaves no tensor behind`, async () => {
      const counts = await inPage((backend) => anymc3d.tensorCounts(backend), backend);
      expect(counts.encoded).toBe(counts.created);
      expect(counts.trained).toBe(counts.adapted);
      expect(counts.disposed).toBe(counts.before);
    });
  }

  for (const backend of ["webgl", "webgpu"]) {
    test(`tfjs/${backend}: a lost device is named, and a new engine works`, async () => {
      const seen = await inPage((backend) => anymc3d.loseDevice(backend), backend);
      expect(seen.code).toBe("DEVICE_LOST");
      expect(seen.backward).toBe("DEVICE_LOST");
      expect(seen.message).toContain("Create a new engine");
      expect(seen.again).toBeLessThan(1e-4);
    });
  }

  test("an HTML page in the .wasm file's place is named, with the option to set; the next try works", async () => {
    const seen = await inPage((folder) => anymc3d.wrongFolder(folder), "/missing/");
    expect(seen.code).toBe("ASSET_INVALID");
    expect(seen.message).toContain("/missing/tfjs-backend-wasm-simd.wasm");
    expect(seen.message).toContain("text/html");
    expect(seen.message).toContain("wasmPaths");
    expect(seen.again).toBe("tfjs/wasm");
  });

  test("by default graphics emulated in software are passed over for WebAssembly", async () => {
    const { id, warnings } = await inPage(() => anymc3d.defaultEngine(), undefined);
    expect(id).toBe("tfjs/wasm");
    expect(warnings).toHaveLength(2);
    for (const { code, message } of warnings) {
      expect(code).toBe("ENGINE_FALLBACK");
      expect(message).toMatch(/swiftshader/i);
    }
  });

  test("nothing asked another host than localhost", () => expect(harness.outsideRequests).toEqual([]));
});
