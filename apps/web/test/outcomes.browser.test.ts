// What the page shows and saves of each form of answer: the numbers are those that the SDK gives in Node.
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sample } from "@anymc3d/adapter-lung-nodule";
import { type ClassifyResult, createClassifier } from "@anymc3d/sdk";
import { hasChromium } from "@anymc3d/testkit/browser/harness";
import { axe, button, classified, classifyNow, openSampleFile, usesBrowser, visit } from "@anymc3d/testkit/browser/web-page";
import { type RegistryProcess, startRegistryProcess } from "@anymc3d/testkit/registry-process";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MADE_ADAPTERS, makeAdapter } from "./outcome-adapters.js";

usesBrowser();

async function saved(page: Page, name: string): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent("download"), button(page, name).click()]);
  return readFile(await download.path(), "utf8");
}

describe.skipIf(!hasChromium)("answers that are no yes or no", () => {
  let place: string;
  let registry: RegistryProcess;
  const answers = new Map<string, ClassifyResult>();

  beforeAll(async () => {
    if (!hasChromium) return;
    place = await mkdtemp(join(tmpdir(), "anymc3d-web-outcomes-"));
    const env = { ...process.env, NO_COLOR: "1", npm_config_userconfig: join(place, "npmrc"), ANYMC3D_CACHE: join(place, "cache") };
    registry = await startRegistryProcess(place, env);
    const classifier = await createClassifier();
    for (const made of MADE_ADAPTERS) {
      const folder = join(place, made.name);
      expect(await makeAdapter(made, folder, classifier.engine)).toBeLessThan(1e-3);
      execFileSync("npm", ["publish", "--ignore-scripts", "--silent", "--registry", registry.url], { cwd: folder, env });
      answers.set(made.name, await classifier.classify(sample, folder));
    }
    await classifier.dispose();
  });
  afterAll(async () => {
    await registry?.stop();
    if (place) await rm(place, { recursive: true, force: true });
  });

  /** Opens the page with an adapter and classifies the sample by it. */
  const answered = (name: string, work: (page: Page, answer: ClassifyResult) => Promise<void>, options: Parameters<typeof visit>[1] = {}) =>
    visit(
      async ({ page }) => {
        await page.waitForSelector(".adapter.chosen:has-text('made for tests')");
        await openSampleFile(page);
        await classifyNow(page);
        await work(page, answers.get(name) as ClassifyResult);
      },
      options,
      `?${new URLSearchParams({ registry: registry.url, adapter: `${name}@^1` })}`,
    );

  const four = (value: number) => String(Number(value.toPrecision(4)));
  const named = ({ labels, set = [] }: ClassifyResult) => labels.filter(({ id }) => set.includes(id)).map(({ name }) => name);

  test("classes: the most probable one, and the set", () =>
    answered("adapter-made-appearance", async (page, answer) => {
      const rows = page.locator(".result .label");
      expect(await rows.locator(".label-name").allTextContents()).toEqual(["Solid", "Part solid", "Ground glass"]);
      const top = answer.labels.findIndex(({ positive }) => positive);
      expect(await rows.nth(top).locator(".verdict").textContent()).toBe("most probable");
      expect(await page.locator(".result .label.in-set .label-name").allTextContents()).toEqual(named(answer));
      expect(named(answer).length).toBeGreaterThan(1);
      expect(await page.textContent(".result .set")).toMatch(/^With 90 % coverage: .* or /);
      const json = JSON.parse(await saved(page, "JSON"));
      expect(json).toMatchObject({ schema: "anymc3d.web/2", task: "multiclass", set: answer.set, coverage: 0.9 });
      answer.labels.forEach(({ probability }, i) => expect(json.labels[i].probability).toBeCloseTo(probability, 3));
    }));

  test("ordered classes: the one decided for, the expected value; Grad-CAM names no class", () =>
    answered("adapter-made-malignancy", async (page, answer) => {
      const decided = answer.labels.find(({ positive }) => positive)?.name as string;
      expect(await page.textContent(".result .headline strong")).toBe(decided);
      const json = JSON.parse(await saved(page, "JSON"));
      expect(json.value).toBeCloseTo(answer.value as number, 3);
      expect(await page.textContent(".result .headline span")).toBe(`expected value ${four(json.value)}`);
      expect(await page.locator(".result .label.in-set .label-name").allTextContents()).toEqual(named(answer));
      const report = await saved(page, "Report");
      expect(report).toContain("<th>Class, from low to high</th>");
      expect(report).toContain(`Expected value: ${four(json.value)}`);
      expect(await page.textContent("[role=status]")).toContain(`Result: ${decided}, expected value`);
      await page.getByLabel("Method").selectOption("gradcam");
      expect(await page.getByLabel("Finding to explain").count()).toBe(0);
      await button(page, "Classify again").click();
      await page.waitForFunction(() => document.querySelector(".legend figcaption")?.textContent?.includes("what speaks for a higher class"));
      await classified(page);
      expect(await page.locator(".failure").count()).toBe(0);
    }));

  test("a quantity: value, unit, interval; in the report, too", () =>
    answered("adapter-made-diameter", async (page, answer) => {
      expect(answer.labels).toEqual([]);
      const json = JSON.parse(await saved(page, "JSON"));
      expect(json.value).toBeCloseTo(answer.value as number, 2);
      expect(json).toMatchObject({ task: "regression", unit: "mm", quantity: { id: "diameter" }, coverage: 0.9 });
      expect(await page.textContent(".result .headline")).toBe(`Largest diameter${four(json.value)} mm`);
      const interval = `With 90 % coverage: ${four(json.interval[0])} to ${four(json.interval[1])} mm`;
      expect(await page.textContent(".result .set")).toBe(interval);
      const report = await saved(page, "Report");
      for (const text of [`<td>${four(json.value)} mm</td>`, interval, "not a medical device"]) expect(report.toLowerCase()).toContain(text.toLowerCase());
    }));

  test("doubts of its figures: where it is chosen, beside its answer, and in the report, each by its finding", () =>
    answered("adapter-made-doubtful", async (page) => {
      expect(await page.textContent(".adapter.chosen .problem")).toBe("worse than chance, near chance, few cases");
      const told = [
        "the interval of the AUROC of swapped on val lies below 0.5: it is worse than what guessing gives; look for swapped or shifted labels",
        "the interval of the AUROC of guessed on val holds 0.5, what guessing gives; nothing shows that it was learned",
        "rare: val has 2 positive and 98 negative cases; its figures say little",
      ];
      const shown = await page.locator(".result .problem li").allTextContents();
      expect(shown.sort()).toEqual([...told].sort());
      for (const each of await page.locator(".result .problem li").all()) expect(await each.isVisible()).toBe(true);
      const report = await saved(page, "Report");
      for (const text of told) expect(report).toContain(text);
      const { warnings } = JSON.parse(await saved(page, "JSON"));
      expect(warnings.map(({ code }: { code: string }) => code)).toEqual(expect.arrayContaining(["WORSE_THAN_CHANCE", "NEAR_CHANCE", "FEW_CASES"]));
    }));

  for (const colorScheme of ["light", "dark"] as const)
    for (const { name } of MADE_ADAPTERS)
      test(`${name}, ${colorScheme}: nothing is cut off at three widths, and axe finds nothing serious`, () =>
        answered(
          name,
          async (page) => {
            for (const width of [390, 768, 1280]) {
              await page.setViewportSize({ width, height: 900 });
              expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
              const shots = process.env.SCREENSHOTS;
              if (shots) await page.locator(".result").screenshot({ path: join(shots, `${name}-${colorScheme}-${width}.png`) });
            }
            expect(await axe(page)).toEqual([]);
          },
          { colorScheme },
        ));
});
