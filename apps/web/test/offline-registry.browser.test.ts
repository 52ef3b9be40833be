// The built page in headless Chromium with the network off, and with adapters of a registry: good ones, broken ones, and copies of its own.
import { execFileSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasChromium } from "@anymc3d/testkit/browser/harness";
import {
  axe,
  button,
  classified,
  classifyNow,
  damageBackbone,
  openSample,
  openSampleFile,
  served,
  usesBrowser,
  visit,
} from "@anymc3d/testkit/browser/web-page";
import { type RegistryProcess, startRegistryProcess } from "@anymc3d/testkit/registry-process";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const MALIGNANT = /Rated malignant 94 %/;
const LONG = "Findings of pulmonary nodules in unenhanced thin-slice computed tomography of the chest";
const jpeg2000 = fileURLToPath(new URL("../../../packages/io/test/fixtures/dicom/jpeg-2000.dcm", import.meta.url));

usesBrowser();

const footer = (page: Page) => page.locator("footer");
const stored = (page: Page) => footer(page).getByText("works with the network off").waitFor();
const spoken = async (page: Page) => page.locator(".page > [role=status]").textContent();
/** Addresses in the page's own stores. */
const storedFiles = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const urls: string[] = [];
    for (const name of await caches.keys()) for (const { url } of await (await caches.open(name)).keys()) urls.push(url);
    return urls;
  });

/** Addresses of what a build calls so: its names hold hashes. */
const filesOf = (page: Page, what: string): Promise<string[]> =>
  page.evaluate(
    (name) =>
      (JSON.parse(document.getElementById("parts")?.textContent ?? "[]") as { path: string; what: string }[])
        .filter((part) => part.what === name)
        .map(({ path }) => new URL(path, document.baseURI).href),
    what,
  );

async function reloadOffline(page: Page, context: BrowserContext): Promise<void> {
  await context.setOffline(true);
  await page.reload();
  await page.waitForSelector(".adapter");
}

/** The network is there again, for the service worker too. */
const reached = (page: Page) =>
  page.waitForFunction(() =>
    fetch(`./none-${Date.now()}`).then(
      () => true,
      () => false,
    ),
  );

describe.skipIf(!hasChromium)("the page with the network off", () => {
  test("says that it works only when all is stored, and then it does: sample, every adapter, compressed DICOM", () =>
    visit(async ({ page, context }) => {
      const said: string[] = [];
      for (let text = ""; !text.includes("works with the network off"); text = (await footer(page).textContent()) ?? "") {
        if (text && text !== said.at(-1)) said.push(text);
        expect(said.length).toBeLessThan(2000);
        await page.waitForTimeout(20);
      }
      expect(said.some((text) => /\d+ of 60 MB|the backbone \(44 MB\)/.test(text))).toBe(true);
      const files = (await storedFiles(page)).join(" ");
      for (const kind of [/ort-wasm-simd-threaded-[^.]*\.wasm/, /sample\.nii/, /openjpegwasm[^ ]*\.wasm/, /charlswasm[^ ]*\.wasm/, /openjphjs[^ ]*\.wasm/])
        expect(files).toMatch(kind);
      expect(files.match(/weights-[^ ]*\.safetensors/g)).toHaveLength(4);

      await reloadOffline(page, context);
      await stored(page);
      await openSample(page);
      await classifyNow(page);
      expect(await spoken(page)).toMatch(MALIGNANT);
      await page.getByLabel("Adrenal shape").check();
      await page.waitForSelector(".findings");
      expect(await page.locator(".failure").count()).toBe(0);
      await button(page, "Close scan").click();
      await page.setInputFiles("input[multiple]:not([webkitdirectory])", jpeg2000);
      await page.waitForSelector(".scan-info");
      expect(await page.locator(".failure").count()).toBe(0);
    }));

  test("on a connection that saves data the large parts wait for their first use; what is missing is named", () =>
    visit(
      async ({ page, context }) => {
        await footer(page)
          .getByText(/Not stored .* yet: the backbone \(44 MB\), the engine \(14 MB\)/)
          .waitFor();
        await page.waitForTimeout(5000);
        const large = [...(await filesOf(page, "the backbone")), ...(await filesOf(page, "the engine"))];
        expect(large).toHaveLength(2);
        expect((await storedFiles(page)).filter((url) => large.includes(url))).toEqual([]);
        await reloadOffline(page, context);
        await openSample(page);
        await button(page, /^Classify$/).click();
        const alert = page.locator(".failure");
        await alert.waitFor();
        expect(await alert.textContent()).toMatch(/You are offline, and the backbone \(44 MB\).* not stored yet/);
        expect(await alert.textContent()).not.toMatch(/fetch\)|CORS|ASSERTIONS/);
        await context.setOffline(false);
        await reached(page);
        await classifyNow(page);
        expect(await spoken(page)).toMatch(MALIGNANT);
        await stored(page);
      },
      {},
      "",
      () => Object.defineProperty(Navigator.prototype, "connection", { get: () => ({ saveData: true }) }),
    ));

  test.each([
    ["once the page is installed", (page: Page) => page.waitForFunction(() => navigator.serviceWorker.controller !== null)],
    ["at once, on a first visit", () => undefined],
  ])("backbone and engine are fetched once, though they are stored and used at the same time: asked %s", (_, before) =>
    visit(async ({ page }) => {
      served.length = 0;
      await before(page);
      const paths = [...(await filesOf(page, "the backbone")), ...(await filesOf(page, "the engine"))].map((url) => new URL(url).pathname);
      expect(paths).toHaveLength(2);
      await openSample(page);
      await classifyNow(page);
      await stored(page);
      for (const path of paths) expect(served.filter((each) => each === path)).toEqual([path]);
    }),
  );
});

describe.skipIf(!hasChromium)("adapters of a registry", () => {
  let registry: RegistryProcess;
  let place: string;

  beforeAll(async () => {
    if (!hasChromium) return;
    place = await mkdtemp(join(tmpdir(), "anymc3d-web-adapters-"));
    const env = { ...process.env, NO_COLOR: "1", npm_config_userconfig: join(place, "npmrc"), ANYMC3D_CACHE: join(place, "cache") };
    registry = await startRegistryProcess(place, env);
    const publish = (cwd: string) => execFileSync("npm", ["publish", "--ignore-scripts", "--silent", "--registry", registry.url], { cwd, env });
    /** The bundled adapter, changed. */
    const made = async (name: string, change: (manifest: string) => string = (text) => text, cut = 0) => {
      const own = join(place, name.replace("/", "-"));
      const from = fileURLToPath(new URL("../../../packages/adapters-lung-nodule/", import.meta.url));
      await cp(from, own, { recursive: true, filter: (path) => !/\/(run|compare)$/.test(path) });
      for (const file of ["package.json", "adapter.json"]) {
        const text = (await readFile(join(own, file), "utf8")).replaceAll("@anymc3d/adapter-lung-nodule", name);
        await writeFile(join(own, file), file === "adapter.json" ? change(text) : text.replaceAll("Lung nodule findings (CT)", LONG));
      }
      if (cut) await writeFile(join(own, "weights.safetensors"), (await readFile(join(own, "weights.safetensors"))).subarray(0, -cut));
      publish(own);
    };
    await made("@anymc3d/adapter-lung-nodule");
    await made("@me/adapter-elsewhere", (text) => text.replaceAll("Lung nodule findings (CT)", LONG));
    await made("@me/adapter-other-weights", (text) => text.replace(/("backbone": \{[^}]*"hash": "sha256-)[0-9a-f]{8}/, "$100000000"));
    await made("@me/adapter-swapped", (text) => text.replace(/("weights": \{[^}]*"hash": "sha256-)[0-9a-f]{8}/, "$100000000"));
    await made("@me/adapter-other-backbone", (text) => text.replaceAll("@anymc3d/backbone-dinov2-small", "@me/backbone-none"));
    await made("@me/adapter-cut", undefined, 1000);
  });
  afterAll(async () => {
    await registry?.stop();
    if (place) await rm(place, { recursive: true, force: true });
  });

  const search = async (page: Page, words = "") => {
    await page.getByText("More from a registry").click();
    await page.fill("input[type=url]", registry.url);
    await page.fill("input[type=search]", words);
    await button(page, "Search").click();
    await page.waitForSelector(".hits li button");
  };
  const hit = (page: Page, name: string) => page.locator(".hits li", { hasText: `${name}@` });

  test("added: a busy sign, Cancel, then Added, told to screen readers; named, kept, usable with the network off, removed", () =>
    visit(async ({ page, context }) => {
      await search(page);
      const row = hit(page, "@me/adapter-elsewhere");
      let open: () => void = () => undefined;
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      await context.route(/adapter-elsewhere.*\.tgz/, async (route) => {
        await opened;
        await route.continue().catch(() => undefined);
      });
      await row.getByRole("button", { name: "Add" }).click();
      await row.getByRole("progressbar").waitFor();
      await row.getByRole("button", { name: "Cancel" }).click();
      await row.getByRole("button", { name: "Add" }).click();
      await row.getByRole("progressbar").waitFor();
      open();
      await row.getByRole("button", { name: "Added" }).waitFor();
      expect(await page.locator(".registry output").textContent()).toBe(`“${LONG}” was added and is chosen.`);
      expect(await page.locator(".registry [role=alert]").count()).toBe(0);
      // The button is as wide as its word, however long the title.
      const box = await row.getByRole("button").boundingBox();
      expect(box?.width).toBeGreaterThan(50);
      expect(await page.locator(".adapter.chosen").textContent()).toMatch(/@me\/adapter-elsewhere@1\.0\.0, from 127\.0\.0\.1:\d+; stays in this browser/);
      expect(await axe(page)).toEqual([]);
      await stored(page);

      await reloadOffline(page, context);
      await page.getByLabel(LONG).check();
      await openSampleFile(page);
      await classifyNow(page);
      expect(await page.textContent("#result-title")).toContain(LONG);
      await button(page, "Remove @me/adapter-elsewhere@1.0.0").click();
      await page.waitForFunction(() => document.querySelectorAll(".adapter").length === 3);
      await page.reload();
      await page.waitForSelector(".adapter");
      await page.waitForTimeout(500);
      expect(await page.locator(".adapter").count()).toBe(3);
    }));

  test("one whose files the browser has cleared is named", () =>
    visit(async ({ page }) => {
      await search(page, "elsewhere");
      await button(page, "Add").click();
      await button(page, "Added").waitFor();
      await page.evaluate(() => caches.delete("anymc3d"));
      await page.reload();
      await page.getByText("No longer stored in this browser: @me/adapter-elsewhere@1.0.0").waitFor();
    }));

  test("the registry's copy of one that comes with the page takes nothing away", async () => {
    const query = `?${new URLSearchParams({ registry: registry.url, adapter: "@anymc3d/adapter-lung-nodule" })}`;
    await visit(
      async ({ page }) => {
        await search(page);
        await hit(page, "@anymc3d/adapter-lung-nodule").getByRole("button", { name: "Here already" }).waitFor();
        expect(await page.locator(".adapter").count()).toBe(3);
        expect(await page.locator(".adapter").first().textContent()).toContain("comes with this page");
        expect(await page.locator(".failure").count()).toBe(0);
        await button(page, "Try the sample").waitFor();
      },
      {},
      query,
    );
  });

  test("broken ones are named when they are added, and take nothing that is stored away", () =>
    visit(async ({ page }) => {
      await stored(page);
      await search(page);
      const said = async (name: string) => {
        const row = hit(page, name);
        await row.getByRole("button", { name: "Add" }).click();
        await row.getByRole("alert").waitFor();
        return row.getByRole("alert").textContent();
      };
      expect(await said("@me/adapter-other-weights")).toMatch(
        /^@me\/adapter-other-weights@1\.0\.0 was made for other weights of the backbone than this page has/,
      );
      expect(await said("@me/adapter-other-backbone")).toMatch(/needs the backbone @me\/backbone-none, which 127\.0\.0\.1:\d+ does not have/);
      expect(await said("@me/adapter-cut")).toMatch(/^@me\/adapter-cut@1\.0\.0 cannot be used.*Tell its author/);
      expect(await said("@me/adapter-swapped")).toMatch(/^@me\/adapter-swapped@1\.0\.0 cannot be used.*Tell its author.*replaced or damaged/);
      expect(await page.locator(".failure").count()).toBe(0);
      expect(await page.locator(".adapter").count()).toBe(3);
      expect((await storedFiles(page)).filter((url) => url.includes("/assets/weights-"))).toHaveLength(4);
      await stored(page);
    }));

  test("an http:// registry on another host: at once, what the page may ask", () =>
    visit(async ({ page }) => {
      await page.getByText("More from a registry").click();
      await page.fill("input[type=url]", "http://registry.invalid:4873/");
      await button(page, "Search").click();
      const problem = page.locator(".registry [role=alert]");
      await problem.waitFor();
      expect(await problem.textContent()).toMatch(/may only ask registries at https:\/\/ addresses.*registry\.invalid:4873 is neither/);
    }));

  test("a damaged backbone is the page's own fault: it is let go of, and nothing else", () =>
    visit(async ({ page }) => {
      await stored(page);
      const before = (await storedFiles(page)).sort();
      await damageBackbone(page);
      await page.reload();
      await openSample(page);
      await button(page, /^Classify$/).click();
      const alert = page.locator(".failure");
      await alert.waitFor();
      expect(await alert.textContent()).toMatch(/had stored of the backbone \(44 MB\) was damaged/);
      await stored(page);
      expect((await storedFiles(page)).sort()).toEqual(before);
      await button(page, /^Classify$/).click();
      await classified(page);
      expect(await spoken(page)).toMatch(MALIGNANT);
    }));
});
