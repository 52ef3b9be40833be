// The SDK in headless Chromium: a File in, the same logits as in Node out, nothing fetched from elsewhere.
import { fileURLToPath } from "node:url";
import { hasChromium, startHarness } from "@anymc3d/testkit/browser/harness";
import { expect, test } from "vitest";

if (!hasChromium) console.warn("SKIPPED: the SDK in a browser, no Chromium at /usr/bin/chromium or $CHROMIUM");

test.skipIf(!hasChromium)("classify() in a page picks an engine that works and gives PyTorch's logits", async () => {
  const harness = await startHarness(fileURLToPath(new URL("./browser-entry.ts", import.meta.url)));
  try {
    const page = await harness.page();
    const found = await page.evaluate(() => anymc3d.classifySample());
    expect(found.engine).toBe("onnxruntime-web/wasm");
    [2.69495, 2.0404, 1.66451, -5.02184, -3.10637].forEach((logit, i) => expect(found.logits[i]).toBeCloseTo(logit, 3));
    expect(found.heatmap).toHaveLength(3);
    expect(found.warnings.map(({ code }: { code: string }) => code)).toEqual(["ENGINE_FALLBACK"]);
    expect(harness.outsideRequests).toEqual([]);
  } finally {
    await harness.close();
  }
});
