// The viewer in headless Chromium: what is drawn, and that slider, chart and picture always tell the same slice.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { sample } from "@anymc3d/adapter-lung-nodule";
import { readNifti, writeNifti } from "@anymc3d/io";
import type { Volume } from "@anymc3d/sdk";
import { hasChromium, PATIENCE } from "@anymc3d/testkit/browser/harness";
import { button, classifyNow, openSample, usesBrowser, visit } from "@anymc3d/testkit/browser/web-page";
import { slice } from "@anymc3d/testkit/dicom";
import { decode } from "fast-png";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";

usesBrowser();

const FILES = "input[multiple]:not([webkitdirectory])";
const nifti = (volume: Volume, name = "scan.nii") => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(writeNifti(volume)) });
/** A NumPy array, which states no orientation. */
function npy({ data, shape: [nx, ny, nz] }: Volume) {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${nz}, ${ny}, ${nx}), }`.padEnd(117);
  const buffer = Buffer.concat([Buffer.from("\x93NUMPY\x01\0v\0", "latin1"), Buffer.from(`${header}\n`), Buffer.from(Float32Array.from(data).buffer)]);
  return { name: "scan.npy", mimeType: "application/octet-stream", buffer };
}
const drawn = (page: Page) => page.waitForFunction(() => document.querySelector(".slider") !== null && document.querySelector(".preparing") === null);

async function open(page: Page, files: Parameters<Page["setInputFiles"]>[1]): Promise<void> {
  await page.setInputFiles(FILES, files);
  await page.waitForSelector(".scan-info");
  await drawn(page);
}

const label = (page: Page) => page.textContent(".slider span");
/** What is moved by the mouse arrives when the next frame is made. */
const expectLabel = (page: Page, text: string | RegExp) =>
  expect.poll(() => label(page), { timeout: PATIENCE }).toEqual(typeof text === "string" ? text : expect.stringMatching(text));

interface Picture {
  readonly width: number;
  readonly height: number;
  at(x: number, y: number): readonly [red: number, green: number, blue: number];
}

/** The canvas, once it stays as it is. */
async function picture(page: Page): Promise<Picture> {
  let shot: Buffer = Buffer.alloc(0);
  for (let before: Buffer | undefined; !before?.equals(shot); ) {
    before = shot;
    await page.waitForTimeout(300);
    shot = await page.locator(".canvas canvas").screenshot();
  }
  const { data, channels, width, height } = decode(shot);
  return { width, height, at: (x, y) => [0, 1, 2].map((c) => data[(Math.floor(y) * width + Math.floor(x)) * channels + c]) as [number, number, number] };
}

const pixels = ({ width, height, at }: Picture) => Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width)));
const lit = (shown: Picture, level = 60) => pixels(shown).filter(([r, g, b]) => Math.max(r, g, b) > level).length;
const differing = (a: Picture, b: Picture) => {
  const others = pixels(b);
  return pixels(a).filter((pixel, i) => pixel.some((value, c) => Math.abs(value - others[i][c]) > 40)).length;
};

/** A ball of 40 in air, or in what is given, at slices that differ. */
function ball(shape: Volume["shape"], { around = -1000, affine }: { around?: number; affine?: Volume["affine"] } = {}): Volume {
  const data = new Float32Array(shape[0] * shape[1] * shape[2]).fill(around);
  const place = (i: number) => [i % shape[0], Math.floor(i / shape[0]) % shape[1], Math.floor(i / shape[0] / shape[1])];
  data.forEach((_, i) => {
    if (Math.hypot(...place(i).map((v, axis) => (v - shape[axis] / 2) / (0.3 * shape[axis]))) < 1) data[i] = 40;
  });
  return { data, shape, affine };
}
/** Voxel axes towards the left, back and head, as in DICOM. */
const LPS = [-1, 0, 0, 30, 0, -1, 0, 30, 0, 0, 2, -20, 0, 0, 0, 1];

describe.skipIf(!hasChromium)("the viewer", () => {
  test("the slider belongs to the plane that is shown, and goes through its slices by keyboard", () =>
    visit(async ({ page }) => {
      await openSample(page);
      await drawn(page);
      const slider = page.locator(".slider input");
      const cases = [
        ["axial", "Axial slice 4 of 6, feet–head"],
        ["coronal", "Coronal slice 22 of 43, front–back"],
        ["sagittal", "Sagittal slice 24 of 47, right–left"],
        ["all planes", "Axial slice 4 of 6, feet–head"],
        ["3D", "Axial slice 4 of 6, feet–head"],
      ];
      for (const [name, text] of cases) {
        await button(page, name).click();
        await expectLabel(page, text);
      }
      for (const [name, text] of [
        ["coronal", "Coronal slice 12 of 43, front–back"],
        ["sagittal", "Sagittal slice 14 of 47, right–left"],
      ]) {
        await button(page, name).click();
        const before = await picture(page);
        await slider.focus();
        for (let i = 0; i < 10; i++) await page.keyboard.press("ArrowLeft");
        await expectLabel(page, text);
        expect(differing(before, await picture(page))).toBeGreaterThan(2000);
      }
    }));

  test("wheel and clicks move label, slider and the chart's mark; a bar moves the picture", () =>
    visit(async ({ page }) => {
      await openSample(page);
      await classifyNow(page);
      await drawn(page);
      await button(page, "axial").click();
      const current = () => page.locator(".bars [aria-current]").getAttribute("aria-label");
      const box = await page.locator(".canvas canvas").boundingBox();
      if (!box) throw new Error("no canvas");
      const [left, top, { width, height }] = [box.x, box.y, box];
      await page.mouse.move(left + width / 2, top + height / 2);
      await page.mouse.wheel(0, 100);
      await page.mouse.wheel(0, 100);
      await expectLabel(page, /^Axial slice [26] of 6/);
      const number = (await label(page))?.match(/\d+/)?.[0];
      expect(await current()).toMatch(new RegExp(`^Slice ${number},`));
      expect(await page.textContent(".slice-charts .shown")).toMatch(new RegExp(`^slice ${number}: \\d`));
      expect(await page.locator(".slider input").inputValue()).toBe(String(Number(number) - 1));
      // A click in the coronal plane, near its top: the head's end.
      await button(page, "coronal").click();
      await page.mouse.click(left + width / 2, top + height / 2 - 10);
      await button(page, "axial").click();
      const middle = await label(page);
      await button(page, "coronal").click();
      const shown = await picture(page);
      const rows = Array.from({ length: shown.height }, (_, y) => y).filter((y) => Math.max(...shown.at(Math.round(shown.width / 3), y)) > 0);
      await page.mouse.click(left + width / 2, top + (rows[0] / shown.height) * height + 6);
      await button(page, "axial").click();
      expect(middle).not.toContain("slice 6");
      await expectLabel(page, "Axial slice 6 of 6, feet–head");
      const before = await picture(page);
      await button(page, /^Slice 2, weight/).click();
      await expectLabel(page, "Axial slice 2 of 6, feet–head");
      expect(differing(before, await picture(page))).toBeGreaterThan(2000);
    }));

  test("counts a scan stored from head to feet that way, and a tilted one by its own slices", () =>
    visit(async ({ page }) => {
      const upright = [-1, 0, 0, 30, 0, -1, 0, 30, 0, 0, -2, 20, 0, 0, 0, 1];
      await open(page, nifti(ball([60, 60, 20], { affine: upright })));
      await expectLabel(page, "Axial slice 11 of 20, head–feet");
      await button(page, "Close scan").click();
      // Tilted by 25 degrees about the left-right axis, and far from the middle of the patient's space.
      const [c, s] = [Math.cos(0.44), Math.sin(0.44)];
      const tilted = [-1, 0, 0, 90, 0, -c, -2 * s, 160, 0, -s, 2 * c, -300, 0, 0, 0, 1];
      await open(page, nifti(ball([60, 60, 20], { affine: tilted })));
      await expectLabel(page, "Axial slice 11 of 20, feet–head");
      await button(page, "axial").click();
      for (const index of [0, 7, 19]) {
        await page.fill(".slider input", String(index));
        await expectLabel(page, `Axial slice ${index + 1} of 20, feet–head`);
        expect(lit(await picture(page)) > 30_000).toBe(index === 7);
      }
    }));

  test("twenty scans one after the other take one WebGL context, and the last is still there", () =>
    visit(async ({ page }) => {
      const warnings: string[] = [];
      page.on("console", (message) => /WebGL contexts/.test(message.text()) && warnings.push(message.text()));
      const small = nifti(ball([30, 30, 10], { affine: LPS }));
      for (let i = 0; i < 20; i++) {
        await open(page, small);
        if (i < 19) await button(page, "Close scan").click();
      }
      await button(page, "axial").click();
      expect(lit(await picture(page))).toBeGreaterThan(30_000);
      expect(warnings).toEqual([]);
      // What a graphics driver takes away is made again.
      const old = await page.locator(".canvas canvas").elementHandle();
      await old?.evaluate((canvas) => (canvas as HTMLCanvasElement).getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext());
      await page.waitForFunction((canvas) => !canvas?.isConnected, old);
      await drawn(page);
      expect(lit(await picture(page))).toBeGreaterThan(30_000);
    }));

  test("a graphics driver that takes the canvas away, with a heatmap over the scan or while a scan is prepared: both are drawn anew", () =>
    visit(async ({ page, unwanted }) => {
      await openSample(page);
      await classifyNow(page);
      await drawn(page);
      await page.waitForSelector(".viewer .legend");
      const lose = () =>
        page.evaluate(() => {
          const canvas = document.querySelector<HTMLCanvasElement>(".canvas canvas");
          canvas?.setAttribute("data-old", "");
          canvas?.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
        });
      const anew = () => page.waitForFunction(() => document.querySelector(".canvas canvas:not([data-old])") !== null);
      await lose();
      await anew();
      await drawn(page);
      expect(lit(await picture(page))).toBeGreaterThan(30_000);
      await button(page, "Close scan").click();
      // Lost as soon as the scan is there and before it is drawn.
      const lost = page.evaluate(
        () =>
          new Promise<void>((resolve) => {
            const observer = new MutationObserver(() => {
              const canvas = document.querySelector<HTMLCanvasElement>(".canvas canvas");
              if (!canvas || !document.querySelector(".preparing")) return;
              observer.disconnect();
              canvas.setAttribute("data-old", "");
              canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
              resolve();
            });
            observer.observe(document.body, { subtree: true, childList: true });
          }),
      );
      await page.setInputFiles(FILES, nifti(ball([30, 30, 10], { affine: LPS })));
      await lost;
      await anew();
      await drawn(page);
      expect(lit(await picture(page))).toBeGreaterThan(10_000);
      expect(unwanted).toEqual([]);
    }));

  test("letters say which side is which, on black and on white; a scan that does not state how it lies has none", () =>
    visit(async ({ page }) => {
      const places = async () => {
        const shown = await picture(page);
        const { width, height } = shown;
        const around = (x: number, y: number) =>
          Array.from({ length: 40 * 24 }, (_, i) =>
            shown.at(Math.min(width - 1, Math.max(0, x - 20 + (i % 40))), Math.min(height - 1, Math.max(0, y - 12 + Math.floor(i / 40)))),
          );
        return [around(13, height / 2), around(width - 14, height / 2), around(width / 2, 15), around(width / 2, height - 15)].map((pixels) => {
          const levels = pixels.map((pixel) => pixel.reduce((sum, value) => sum + value, 0) / 3);
          return { light: levels.filter((level) => level > 190).length, dark: levels.filter((level) => level < 110).length };
        });
      };
      // A wide scan fills the canvas in one direction, a tall one in the other: one value, white in its window.
      for (const shape of [
        [90, 60, 10],
        [60, 90, 10],
      ] as const) {
        await open(
          page,
          nifti({ ...ball(shape, { affine: LPS, around: -1000 }), data: new Float32Array(shape[0] * shape[1] * 10).fill(500).fill(-1000, 0, 10) }),
        );
        await button(page, "axial").click();
        for (const { light, dark } of await places()) {
          expect(light).toBeGreaterThan(15);
          expect(dark).toBeGreaterThan(100);
        }
        await button(page, "Close scan").click();
      }
      await open(page, npy(ball([60, 60, 20])));
      await button(page, "axial").click();
      await expectLabel(page, "Slice 11 of 20, as stored");
      for (const { light } of await places()) expect(light).toBe(0);
      for (const index of [1, 10, 19]) {
        await page.fill(".slider input", String(index));
        await expectLabel(page, `Slice ${index + 1} of 20, as stored`);
        expect(lit(await picture(page)) > 30_000).toBe(index === 10);
      }
    }));

  test("the heatmap fades in from nothing, without a dark rim, and its colours are explained", () =>
    visit(async ({ page }) => {
      await openSample(page);
      await drawn(page);
      expect(await page.locator(".legend").count()).toBe(0);
      await classifyNow(page);
      await button(page, "axial").click();
      const shot = async (opacity: string) => {
        await page.fill(".opacity input", opacity);
        return pixels(await picture(page));
      };
      const [without, over] = [await shot("0"), await shot("1")];
      const darkened = over.filter((pixel, i) => Math.max(...without[i]) - Math.max(...pixel) > 90);
      expect(darkened.length).toBeLessThan(50);
      // Not the hottest places alone: what is tinted a little lies all around them.
      const changes = over.map((pixel, i) => Math.max(...pixel.map((value, c) => Math.abs(value - without[i][c])))).filter((change) => change > 8);
      expect(changes.length).toBeGreaterThan(0.2 * over.length);
      const legend = page.locator(".legend");
      expect(await legend.textContent()).toMatch(
        /Attention: where the model looked, whatever the finding; less than 0\.2 is not shown.*0\.2 little.*1 most in this scan/,
      );
      expect(await legend.locator(".colors span").evaluate((bar) => getComputedStyle(bar).backgroundImage)).toMatch(/^linear-gradient/);
    }));

  test("a head CT begins with the Brain window, one without lung with Soft tissue; air all around is no box in 3D", () =>
    visit(async ({ page }) => {
      const files = Array.from({ length: 4 }, (_, z) => ({
        name: `${z}.dcm`,
        mimeType: "application/dicom",
        buffer: Buffer.from(
          slice(2 * z, Array(64).fill(40), {
            "00180015": ["CS", "HEAD"],
            "00080018": ["UI", `1.2.9.5.${z + 1}`],
            "00280010": ["US", 8],
            "00280011": ["US", 8],
          }),
        ),
      }));
      const chosen = () => page.getByLabel("Window").inputValue();
      await open(page, files);
      expect(await chosen()).toBe("Brain");
      await button(page, "Close scan").click();
      await open(page, nifti(ball([60, 60, 60], { affine: LPS })));
      expect(await chosen()).toBe("Soft tissue");
      // 40, of 0 … 80, of -160 … 240, of -1350 … 150; beside the crosshair.
      for (const [name, grey] of [
        ["Soft tissue", 127],
        ["Brain", 127],
        ["Lung", 236],
        ["Bone", 83],
      ] as const) {
        await page.getByLabel("Window").selectOption(name);
        await button(page, "axial").click();
        const shown = await picture(page);
        expect(Math.abs(shown.at(shown.width / 2 - 60, shown.height / 2 - 60)[0] - grey), name).toBeLessThan(4);
      }
      await button(page, "3D").click();
      await page.getByLabel("Window").selectOption("Bone");
      const bone = lit(await picture(page), 30);
      expect(bone).toBeGreaterThan(10_000);
      await page.getByLabel("Window").selectOption("Lung");
      expect(lit(await picture(page), 30) / bone).toBeLessThan(1.3);
    }));

  test("says that it prepares the picture; a CT whose air is only at its border is one, too", () =>
    visit(async ({ page }) => {
      await page.evaluate(() => {
        const said = new Set<string | null | undefined>();
        Object.assign(globalThis, { said });
        new MutationObserver(() => said.add(document.querySelector(".preparing")?.textContent)).observe(document.body, { subtree: true, childList: true });
      });
      const bordered = ball([60, 60, 20], { around: 0, affine: LPS });
      bordered.data.fill(-1000, 0, 3600);
      await open(page, nifti(bordered));
      expect(await page.evaluate(() => (globalThis as unknown as { said: Set<string> }).said.has("Preparing the picture …"))).toBe(true);
      expect(await page.locator(".toolbar option").allTextContents()).toEqual(["Soft tissue", "Lung", "Bone", "Brain", "Automatic", "Full range"]);
    }));

  test("stating the modality leaves window, slice and layout", () =>
    visit(async ({ page }) => {
      await open(page, { ...nifti(await readNifti(new Uint8Array(await readFile(sample)))), name: "lung.nii" });
      await page.getByLabel("Window").selectOption("Bone");
      await button(page, "coronal").click();
      await page.fill(".slider input", "9");
      const before = await picture(page);
      await page.getByLabel(/does not state the modality/).selectOption("CT");
      await page.waitForFunction(() => document.querySelector(".scan-info")?.textContent?.includes("CT"));
      await drawn(page);
      expect(await page.getByLabel("Window").inputValue()).toBe("Bone");
      await expectLabel(page, "Coronal slice 10 of 43, front–back");
      expect(differing(before, await picture(page))).toBe(0);
    }));

  test("keys, double clicks and the right button leave the picture, its window and its layout alone", () =>
    visit(async ({ page }) => {
      await openSample(page);
      await drawn(page);
      await button(page, "axial").click();
      const canvas = page.locator(".canvas canvas");
      const { x, y, width, height } = (await canvas.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
      await page.mouse.click(x + width / 2, y + height / 2);
      const before = await picture(page);
      for (const key of ["v", "c", "p", "h", "m"]) await page.keyboard.press(key);
      await page.mouse.move(x + width / 3, y + height / 3);
      await page.mouse.down({ button: "right" });
      await page.mouse.move(x + width / 2.5, y + height / 2.5, { steps: 4 });
      await page.mouse.up({ button: "right" });
      await page.mouse.dblclick(x + width / 2, y + height / 2);
      expect(differing(before, await picture(page))).toBe(0);
      expect(await canvas.evaluate((element) => (element as HTMLElement).tabIndex)).toBe(-1);
    }));

  test("a file dropped on the picture opens", () =>
    visit(async ({ page, context }) => {
      await openSample(page);
      await drawn(page);
      const { x, y, width, height } = (await page.locator(".canvas canvas").boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
      const cdp = await context.newCDPSession(page);
      const file = fileURLToPath(new URL("../../../packages/io/test/fixtures/dicom/jpeg-ls.dcm", import.meta.url));
      for (const type of ["dragEnter", "dragOver", "drop"] as const)
        await cdp.send("Input.dispatchDragEvent", { type, x: x + width / 2, y: y + height / 2, data: { items: [], files: [file], dragOperationsMask: 1 } });
      await page.waitForFunction(() => !document.querySelector(".scan-info")?.textContent?.includes("47 × 43 × 6"));
      await drawn(page);
      expect(await page.locator(".failure").count()).toBe(0);
    }));

  test("by touch: a swipe over the picture scrolls the page, a tap goes there; a bar of the chart brings the picture back", () =>
    visit(
      async ({ page, context }) => {
        await openSample(page);
        await classifyNow(page);
        await drawn(page);
        await page.evaluate(() => scrollTo(0, 0));
        await button(page, "coronal").click();
        const { x, y, width, height } = (await page.locator(".canvas canvas").boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
        const cdp = await context.newCDPSession(page);
        const before = await label(page);
        const finger = (type: "touchStart" | "touchMove" | "touchEnd", up = 0) =>
          cdp.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x: x + width / 3, y: y + height / 2 - up }] });
        await finger("touchStart");
        for (let up = 20; up <= 200; up += 20) await finger("touchMove", up);
        await finger("touchEnd");
        await page.waitForFunction(() => scrollY > 100);
        await page.evaluate(() => scrollTo(0, 0));
        expect(await label(page)).toBe(before);
        await button(page, "axial").click();
        const axial = await label(page);
        await button(page, "coronal").click();
        await page.locator(".canvas canvas").tap({ position: { x: width / 3, y: height / 2 + 60 } });
        await button(page, "axial").click();
        await expect.poll(() => label(page), { timeout: PATIENCE }).not.toBe(axial);
        const bar = button(page, /^Slice 2, weight/);
        await bar.scrollIntoViewIfNeeded();
        expect(await page.evaluate(() => document.querySelector(".canvas")?.getBoundingClientRect().bottom)).toBeLessThan(200);
        await bar.tap();
        await expectLabel(page, "Axial slice 2 of 6, feet–head");
        expect(await page.evaluate(() => document.querySelector(".canvas")?.getBoundingClientRect().top)).toBeGreaterThanOrEqual(0);
      },
      { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
    ));

  test("the report tells the slice and the window that its picture shows", () =>
    visit(async ({ page }) => {
      await openSample(page);
      await classifyNow(page);
      await drawn(page);
      await button(page, "coronal").click();
      await page.fill(".slider input", "9");
      await page.getByLabel("Window").selectOption("Bone");
      const report = async () => {
        const [download] = await Promise.all([page.waitForEvent("download"), button(page, "Report").click()]);
        return readFile(await download.path(), "utf8");
      };
      expect(await report()).toContain("Shown: coronal slice 10 of 43, front–back; Bone window.");
      await button(page, "all planes").click();
      expect(await report()).toMatch(
        /Shown: axial slice 4 of 6, feet–head; coronal slice 10 of 43, front–back; sagittal slice \d+ of 47, right–left; Bone window\./,
      );
    }));

  test("where there is no WebGL 2 the viewer says so in its place; classifying works", () =>
    visit(async ({ page }) => {
      await page.evaluate(() => {
        HTMLCanvasElement.prototype.getContext = () => null;
      });
      await openSample(page);
      expect(await page.locator(".viewer [role=alert]").textContent()).toMatch(/cannot be shown here: the viewer needs WebGL 2/);
      await classifyNow(page);
      expect(await page.locator(".viewer .toolbar, .viewer .slider, .viewer .legend").count()).toBe(0);
    }));

  test("the viewer's controls keep the dark theme's colours in the light one", () =>
    visit(
      async ({ page }) => {
        await openSample(page);
        await drawn(page);
        expect(await page.locator(".slider input").evaluate((input) => getComputedStyle(input).accentColor)).toBe("rgb(125, 180, 255)");
      },
      { colorScheme: "light" },
    ));

  test.each([1280, 390])("the slider's label keeps to its line, %i wide", (width) =>
    visit(
      async ({ page }) => {
        await open(page, nifti({ data: new Float32Array(512 * 2 * 2).map((_, i) => i), shape: [512, 2, 2], affine: LPS }));
        await button(page, "sagittal").click();
        await expectLabel(page, "Sagittal slice 257 of 512, right–left");
        const { height, overflow, gap } = await page.locator(".slider span").evaluate((span) => ({
          height: span.getBoundingClientRect().height,
          overflow: span.scrollWidth - span.clientWidth,
          gap: (span.nextElementSibling as Element).getBoundingClientRect().right - (span.parentElement as Element).getBoundingClientRect().right,
        }));
        expect(height).toBeLessThan(24);
        expect(overflow).toBeLessThanOrEqual(0);
        expect(gap).toBeLessThanOrEqual(0);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      },
      { viewport: { width, height: 844 } },
    ),
  );
});
