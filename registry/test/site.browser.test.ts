// The marketplace page of a real registry: what is in it, that others' text stays text, and that people can use it.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromiumPath, hasChromium, PATIENCE } from "@anymc3d/testkit/browser/harness";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRegistry, memoryStore } from "../src/index.js";
import type { RunningRegistry } from "../src/server.js";
import { writeSite } from "../src/site.js";
import { packageFolder, publish, startPublished } from "./published.js";

const HOSTILE = '<script>document.title = "run"</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) ![p](http://evil.invalid/p.png)';
let folder: string;
let real: RunningRegistry;
let out: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-site-"));
  real = await startPublished(folder, ["adapters-lung-nodule", "adapters-adrenal-shape", "adapters-vessel-aneurysm", "backbone-dinov2-small"]);
  const foreign = join(folder, "foreign");
  await cp(packageFolder("adapters-adrenal-shape"), foreign, { recursive: true, filter: (path) => !/[/\\]run$/.test(path) });
  for (const file of ["adapter.json", "package.json"]) {
    const json = JSON.parse(await readFile(join(foreign, file), "utf8"));
    const own = file === "adapter.json" ? { title: HOSTILE, description: HOSTILE } : { anymc3d: { ...json.anymc3d, title: HOSTILE } };
    await writeFile(join(foreign, file), JSON.stringify({ ...json, name: "@me/adapter-adrenal-shape", ...own }));
  }
  await writeFile(join(foreign, "README.md"), `# A card\n\n${HOSTILE}\n`);
  await publish(folder, real.url, foreign);
  out = join(folder, "site");
});
afterAll(async () => {
  await real.close();
  await rm(folder, { recursive: true, force: true });
});

test("every adapter with its figures, its card and its install line; two of one task side by side", async () => {
  const registry = createRegistry({ url: real.url, store: memoryStore() });
  expect(await writeSite(registry, out, { registryUrl: "https://npm.example/", tryUrl: "https://app.example/?adapter={adapter}" })).toBe(4);
  expect((await readdir(join(out, "adapters"))).sort()).toEqual([
    "anymc3d__adapter-adrenal-shape.html",
    "anymc3d__adapter-lung-nodule.html",
    "anymc3d__adapter-vessel-aneurysm.html",
    "me__adapter-adrenal-shape.html",
  ]);
  const index = await readFile(join(out, "index.html"), "utf8");
  expect(index).toContain("Not a medical device");
  const page = await readFile(join(out, "adapters/anymc3d__adapter-lung-nodule.html"), "utf8");
  expect(page).toContain("anymc3d adapter add @anymc3d/adapter-lung-nodule@^1.0.0 --registry https://npm.example/");
  expect(page).toContain("https://app.example/?adapter=%40anymc3d%2Fadapter-lung-nodule%401.0.0");
  // Of its manifest: malignant, 83 of 127 with a label, 43 positive.
  expect(page).toMatch(/<th scope="row">malignant<\/th><td>83<\/td><td>43<\/td><td>0\.820<\/td>/);
});

test("text of a package stays text", async () => {
  for (const file of ["index.html", "adapters/me__adapter-adrenal-shape.html"]) {
    const html = await readFile(join(out, file), "utf8");
    expect(html).not.toMatch(/<script>document|<img|href="javascript|src="http/);
    expect(html).toContain("&lt;script&gt;");
  }
});

describe.skipIf(!hasChromium)("in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    const flags = "--headless --no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
    browser = await chromium.launch({ executablePath: chromiumPath, args: flags.split(" ") });
  });
  afterAll(() => browser.close());
  async function newPage(options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
    const page = await browser.newPage(options);
    page.setDefaultTimeout(PATIENCE);
    return page;
  }
  const address = (file = "index.html") => String(pathToFileURL(join(out, file)));

  test("search and filters", async () => {
    const page = await newPage();
    await page.goto(address());
    const shown = () => page.locator(".adapters li:visible h2").allTextContents();
    expect(await shown()).toHaveLength(4);
    await page.getByLabel("Search").fill("artery");
    expect(await shown()).toEqual(["Aneurysm of a brain artery (shape)"]);
    expect(await page.locator("#count").textContent()).toBe("1 adapter of 4");
    await page.getByLabel("Search").fill("");
    await page.getByLabel("Body part").selectOption("lung");
    expect(await shown()).toEqual(["Lung nodule findings (CT)"]);
    await page.getByRole("link", { name: "Lung nodule findings (CT)" }).click();
    expect(await page.locator("h1").textContent()).toBe("Lung nodule findings (CT)");
    await page.close();
  });

  test("a search that was shared opens as it was", async () => {
    const page = await newPage();
    await page.goto(`${address()}?text=aneurysm`);
    expect(await page.locator(".adapters li:visible").count()).toBe(1);
    await page.close();
  });

  test("reads without JavaScript, and fits a phone", async () => {
    const page = await newPage({ javaScriptEnabled: false, viewport: { width: 390, height: 800 } });
    for (const file of ["index.html", "adapters/anymc3d__adapter-lung-nodule.html", "adapters/me__adapter-adrenal-shape.html"]) {
      await page.goto(address(file));
      const box = await page.locator("main").boundingBox();
      expect((box?.x ?? 0) + (box?.width ?? 999)).toBeLessThanOrEqual(390);
    }
    await page.goto(address());
    expect(await page.locator(".adapters li:visible").count()).toBe(4);
    expect(await page.locator("form").isVisible()).toBe(false);
    await page.close();
  });
});
