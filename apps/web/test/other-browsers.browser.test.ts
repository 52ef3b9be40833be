// The built page in Firefox and in WebKit, Safari's engine: the sample classified, drawn, and classified again without a server.
import { existsSync } from "node:fs";
import { PATIENCE } from "@anymc3d/testkit/browser/harness";
import { FIREFOX, type OtherBrowser, startFirefox, startScreen, startWebKit, WEBKIT_DRIVER, XVFB } from "@anymc3d/testkit/browser/other-browsers";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveWeb } from "../../../scripts/web.mjs";

/** PyTorch's logits of the bundled sample. */
const LOGITS = [2.69495, 2.0404, 1.66451, -5.02184, -3.10637];

describe.each([
  ["Firefox", FIREFOX, startFirefox],
  ["WebKit", WEBKIT_DRIVER, startWebKit],
])("the page in %s", (name, program, start) => {
  const isThere = existsSync(program) && existsSync(XVFB);
  if (!isThere) console.warn(`SKIPPED: the page in ${name}: no ${program} or no ${XVFB}`);
  let screen: { display: string; close(): void };
  let browser: OtherBrowser;
  let server: { url: string; close(): Promise<void> };
  beforeAll(async () => {
    if (!isThere) return;
    screen = await startScreen();
    server = await serveWeb(0);
    browser = await start(screen.display);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    screen?.close();
  });

  const until = async (what: () => unknown) => {
    await expect.poll(() => browser.evaluate(what), { timeout: PATIENCE, interval: 200 }).toBeTruthy();
  };
  /** The sample from a fresh page to its result. @returns probabilities, by the file that is saved */
  async function classifySample(): Promise<number[]> {
    await until(() => document.querySelector(".adapter"));
    await browser.evaluate(() => [...document.querySelectorAll("button")].find((each) => each.textContent?.includes("Try the sample"))?.click());
    await until(() => document.querySelector(".run > button"));
    await browser.evaluate(() => document.querySelector<HTMLElement>(".run > button")?.click());
    await until(() => document.querySelector(".result, .failure"));
    expect(await browser.evaluate(() => document.querySelector(".failure")?.textContent ?? "")).toBe("");
    await browser.evaluate(() => {
      const make = URL.createObjectURL;
      URL.createObjectURL = (blob) => {
        (blob as Blob).text().then((text) => document.documentElement.setAttribute("data-saved", text));
        return make(blob);
      };
      [...document.querySelectorAll("button")].find((each) => each.textContent === "JSON")?.click();
    });
    await until(() => document.documentElement.hasAttribute("data-saved"));
    const saved = JSON.parse(await browser.evaluate(() => document.documentElement.getAttribute("data-saved") ?? ""));
    expect(saved.provenance.engine).toBe("onnxruntime-web/wasm");
    return saved.labels.map(({ probability }: { probability: number }) => probability);
  }
  const expectPyTorch = (probabilities: number[]) => LOGITS.forEach((logit, i) => expect(probabilities[i]).toBeCloseTo(1 / (1 + Math.exp(-logit)), 3));

  test.skipIf(!isThere)("the sample gets PyTorch's probabilities, is drawn with its heatmap, and again with the server gone", async () => {
    await browser.open(server.url);
    expectPyTorch(await classifySample());
    await until(() => document.querySelector(".slider") && !document.querySelector(".preparing"));
    await browser.evaluate(() => [...document.querySelectorAll("button")].find((each) => each.textContent === "axial")?.click());
    expect(await browser.evaluate(() => document.querySelector(".slider span")?.textContent)).toBe("Axial slice 4 of 6, feet–head");
    await expect
      .poll(
        async () => {
          const { data, channels } = decode(await browser.screenshot());
          let warm = 0;
          for (let i = 0; i < data.length; i += channels) if (data[i] > 200 && data[i + 1] > 100 && data[i + 2] < 170 && data[i] - data[i + 2] > 60) warm++;
          return warm;
        },
        { timeout: PATIENCE, interval: 500 },
      )
      .toBeGreaterThan(500);
    await until(() => document.querySelector("footer")?.textContent?.includes("works with the network off"));
    await server.close();
    await browser.open(server.url);
    expectPyTorch(await classifySample());
  });
});
