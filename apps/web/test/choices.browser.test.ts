// What was dropped and holds more, or other, than one scan: zips, patients, files beside scans, masks of another encoding; and what is saved.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { sample } from "@anymc3d/adapter-lung-nodule";
import { writeNifti } from "@anymc3d/io";
import { hasChromium } from "@anymc3d/testkit/browser/harness";
import { button, classified, classifyNow, openSample, openSampleFile, usesBrowser, visit } from "@anymc3d/testkit/browser/web-page";
import { slice } from "@anymc3d/testkit/dicom";
import { zipSync } from "fflate";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";

usesBrowser();

const input = "input[multiple]:not([webkitdirectory])";
const file = (name: string, bytes: Uint8Array | string) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) });
const heading = (page: Page) => page.locator(".chooser h1").textContent();

/** Three slices of 4×4 pixels. */
const series = (uid: string, more: Parameters<typeof slice>[2] = {}) =>
  [0, 2, 4].map((z) => slice(z, Array(16).fill(z), { "0020000e": ["UI", uid], "00280010": ["US", 4], "00280011": ["US", 4], "00180050": ["DS", 2], ...more }));
const named = (files: readonly Uint8Array[], start: string) => files.map((bytes, i) => file(`${start}${i}.dcm`, bytes));

async function saved(page: Page, name: string): Promise<{ name: string; text: string }> {
  const [download] = await Promise.all([page.waitForEvent("download"), button(page, name).click()]);
  return { name: download.suggestedFilename(), text: (await readFile(await download.path())).toString() };
}

describe.skipIf(!hasChromium)("choices", () => {
  test("a zip of two series asks which, alone and beside a letter", () =>
    visit(async ({ page }) => {
      const both = [...series("1.2.1", { "0008103e": ["LO", "Soft"] }), ...series("1.2.2", { "0008103e": ["LO", "Bone"] })];
      const zip = file("study.zip", zipSync(Object.fromEntries(both.map((bytes, i) => [`IM${i}`, bytes]))));
      for (const files of [[zip], [zip, file("letter.txt", "hello")]]) {
        await page.setInputFiles(input, files);
        await button(page, /Bone/).waitFor();
        await button(page, "Other files").click();
      }
      await page.setInputFiles(input, zip);
      await button(page, /Bone/).click();
      await page.waitForSelector(".scan-info");
      expect(await page.textContent(".scan-info h2")).toBe("Bone");
    }));

  test("names that would turn a line round, hide or forge words are shown as what they are; honest Hebrew keeps to its place", () =>
    visit(async ({ page }) => {
      const harmful = /[\p{Cc}\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2067\ufeff\u{e0000}-\u{e007f}]/u;
      /** All that is drawn or read aloud; the page's own texts hold line feeds. */
      const said = () =>
        page.evaluate(() => [
          document.title,
          ...Array.from(document.querySelectorAll("#app *"), (each) => [
            ...["title", "aria-label", "alt", "placeholder", "aria-valuetext"].map((name) => each.getAttribute(name) ?? ""),
            ...Array.from(each.childNodes, (node) => (node.nodeType === Node.TEXT_NODE ? (node.textContent ?? "") : "")),
          ]),
        ]);
      const expectHarmless = async () => expect((await said()).flat().filter((text) => harmful.test(text.replaceAll("\n", " ")))).toEqual([]);
      const volume = writeNifti({ data: new Float32Array(64).fill(1), shape: [4, 4, 4], affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] });
      // Right to left override, a zero-width space, a tag; a control character of 8 bits.
      await page.setInputFiles(input, [file("one\u202egnp.nii", volume), file("t\u200bwo\u{e0041}\u009b2J.nii", volume)]);
      await page.waitForSelector(".series");
      expect((await page.locator(".series .name").allTextContents()).sort()).toEqual(["one\\u202egnp.nii", "t\\u200bwo\\u{e0041}\\x9b2J.nii"]);
      await expectHarmless();
      await button(page, /gnp/).click();
      await page.waitForSelector(".scan-info");
      expect([await page.textContent(".scan-info h2"), await page.getAttribute(".scan-info h2", "title")]).toEqual(Array(2).fill("one\\u202egnp.nii"));
      await expectHarmless();
      await button(page, "Close scan").click();
      // A header's text: Hebrew words between isolates, beside figures of ours.
      const utf8 = { "00080005": ["CS", "ISO_IR 192"] } as const;
      await page.setInputFiles(input, [
        ...named(series("1.2.3", { ...utf8, "0008103e": ["LO", "\u05e8\u05d9\u05d0\u05d4 93 %"] }), "a"),
        ...named(series("1.2.4", { ...utf8, "0008103e": ["LO", "93 % \u202eon"], "00100010": ["PN", "Roe\u2066^Ann"] }), "b"),
      ]);
      await page.waitForSelector(".series");
      expect(await page.locator(".chooser").textContent()).toMatch(/\u2068\u05e8\u05d9\u05d0\u05d4\u2069 93 %/);
      expect(await page.locator(".chooser").textContent()).toContain("93 % \\u202eon");
      expect(await page.locator(".chooser").textContent()).toContain("Roe\\u2066, Ann");
      await expectHarmless();
    }));

  test("series of two patients lie under their names; what cannot be read cannot be chosen", () =>
    visit(async ({ page }) => {
      const of = (name: string, id: string) =>
        ({ "00100010": ["PN", name], "00100020": ["LO", id], "00080020": ["DA", "20240131"], "0020000d": ["UI", `1.2.8.${id}`] }) as const;
      const shot = series("1.2.5", { ...of("Roe^Ann", "P2"), "0008103e": ["LO", "Screenshot"], "00280004": ["CS", "RGB"], "00280002": ["US", 3] });
      await page.setInputFiles(input, [
        ...named(series("1.2.3", of("Doe^Jane", "P1")), "a"),
        ...named(series("1.2.4", of("Roe^Ann", "P2")), "b"),
        ...named(shot, "c"),
      ]);
      await page.waitForSelector(".series");
      expect(await page.locator(".chooser h2").allTextContents()).toEqual(["Doe, Jane · P1", "Roe, Ann · P2"]);
      expect(await page.locator(".series button").count()).toBe(2);
      expect(await page.locator(".series button").first().textContent()).toMatch(/2024-01-31/);
      expect(await page.locator(".unreadable").textContent()).toMatch(/CT.*Screenshot.*RGB.*cannot be read/);
    }));

  test("a scan with the notes of its converter opens; of two scans one is chosen", () =>
    visit(async ({ page }) => {
      const scan = await readFile(fileURLToPath(sample));
      await page.setInputFiles(input, [file("scan.nii.gz", scan), file("scan.json", "{}"), file("scan.bval", "0")]);
      await page.waitForSelector(".scan-info");
      expect(await page.textContent(".scan-info h2")).toBe("scan.nii.gz");
      await button(page, "Close scan").click();
      await page.setInputFiles(input, [file("scan.nii.gz", scan), file("mask.nii.gz", scan), file("scan.json", "{}")]);
      await button(page, /mask/).waitFor();
      expect(await heading(page)).toBe("Which file?");
      await button(page, /mask/).click();
      await page.waitForFunction(() => document.querySelector(".scan-info h2")?.textContent === "mask.nii.gz");
    }));

  test("a zip without a scan says what it holds, and asks nothing", () =>
    visit(async ({ page }) => {
      await page.setInputFiles(input, file("letters.zip", zipSync({ "a.txt": new Uint8Array(3) })));
      const alert = page.locator(".failure");
      await alert.waitFor();
      expect(await alert.textContent()).toMatch(/letters\.zip: the zip holds no DICOM image, no array and no volume \(a\.txt\)/);
      expect(await alert.locator("form").count()).toBe(0);
    }));

  test("time points are listed to be chosen, without words of the command line", () =>
    visit(async ({ page }) => {
      const times = [0, 1].flatMap((t) => series("1.2.6", { "00200100": ["IS", t + 1], "00080018": ["UI", `1.2.6.${t}`] }).map((bytes) => bytes));
      await page.setInputFiles(input, named(times, "t"));
      const form = page.locator(".failure form");
      await form.waitFor();
      expect(await page.locator(".failure p").textContent()).not.toMatch(/--|`/);
      expect(await form.locator("option").count()).toBe(2);
      await form.locator("select").selectOption("1");
      await button(page, "Read it").click();
      await page.waitForSelector(".scan-info");
    }));

  test("what was said of the modality can be taken back; the page's own sample is not asked about", () =>
    visit(async ({ page }) => {
      await openSample(page);
      expect(await page.locator(".modality-choice").count()).toBe(0);
      expect(await page.textContent(".scan-info p")).toMatch(/^CT/);
      await button(page, "Close scan").click();
      await openSampleFile(page);
      await page.selectOption(".modality-choice select", "MR");
      await page.waitForSelector(".findings.refused");
      await page.selectOption(".modality-choice select", "");
      await button(page, /^Classify$/).waitFor();
      expect(await page.textContent(".scan-info p")).not.toMatch(/MR/);
    }));

  test("a mask of 0 and 1 is refused by an adapter for masks of 0 and 255", () =>
    visit(async ({ page }) => {
      const mask = new Uint8Array(64 ** 3).map((_, i) => (Math.hypot((i % 64) - 32, (Math.floor(i / 64) % 64) - 32, Math.floor(i / 4096) - 32) < 20 ? 1 : 0));
      const nifti = writeNifti({ data: mask, shape: [64, 64, 64], affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] });
      await page.setInputFiles(input, file("mask.nii", nifti));
      await page.getByLabel("Adrenal shape").check();
      await button(page, "Classify anyway").waitFor();
      expect(await page.textContent(".findings.refused")).toMatch(/largest voxel value is 1, expected 255/);
    }));

  test("a result of one method, asked for again by the other, is done with", () =>
    visit(async ({ page }) => {
      await openSample(page);
      await classifyNow(page);
      await page.selectOption("select[aria-label=Method]", "gradcam");
      await page.selectOption("select[aria-label='Finding to explain']", "spiculated");
      await button(page, "Classify again").click();
      await page.waitForFunction(() => document.querySelector(".result")?.textContent?.includes("what speaks for “Spiculated”"));
      const report = await saved(page, "Report");
      expect(report.name).toBe("sample-lung-nodule-gradcam-spiculated.html");
      expect(/<figcaption>(.*?)<\/figcaption>/.exec(report.text)?.[1]).toMatch(
        /^Grad-CAM: what speaks for “Spiculated”\. Shown: axial slice \d of 6, feet–head; coronal slice .*; Lung window\.$/,
      );
      expect(report.text).toMatch(/axial slices that counted most<\/th><td>\d of 6: \d+\.\d %/);
      await page.selectOption("select[aria-label=Method]", "attention");
      await button(page, "Classify again").click();
      await classified(page);
      await page.waitForFunction(() => document.querySelector(".result")?.textContent?.includes("Attention: where the model looked"));
      expect(await button(page, /^Classify( again)?$/).count()).toBe(0);
      const json = await saved(page, "JSON");
      expect(json.name).toBe("sample-lung-nodule-attention.json");
      expect(Date.now() - Date.parse(JSON.parse(json.text).made)).toBeLessThan(60_000);
    }));

  test("the keyboard's focus stays with what goes on: the scan, Cancel, the result, the start", () =>
    visit(async ({ page }) => {
      const focused = (text: RegExp) =>
        page.waitForFunction(
          (source) => document.activeElement !== document.body && new RegExp(source).test(document.activeElement?.textContent ?? ""),
          text.source,
        );
      await button(page, "Try the sample").focus();
      await page.keyboard.press("Enter");
      await focused(/^sample\.nii\.gz$/);
      await button(page, /^Classify$/).focus();
      await page.keyboard.press("Enter");
      await focused(/^Cancel$/);
      await classified(page);
      await focused(/^Lung nodule findings/);
      await button(page, "Close scan").focus();
      await page.keyboard.press("Enter");
      await focused(/^Drop a scan$/);
    }));

  test("a scan that is dragged onto the picture of another takes its place", () =>
    visit(async ({ page, context }) => {
      await openSample(page);
      const devtools = await context.newCDPSession(page);
      const data = { items: [], files: [fileURLToPath(sample)], dragOperationsMask: 1 };
      const box = await page.locator(".canvas canvas").boundingBox();
      const at = { x: (box?.x ?? 0) + 100, y: (box?.y ?? 0) + 100 };
      await devtools.send("Input.dispatchDragEvent", { type: "dragEnter", ...at, data });
      await devtools.send("Input.dispatchDragEvent", { type: "dragOver", ...at, data });
      await page.waitForSelector(".page.over");
      await devtools.send("Input.dispatchDragEvent", { type: "drop", ...at, data });
      await page.waitForSelector(".modality-choice");
    }));

  test("a browser that keeps nothing for pages shows the page all the same", () =>
    visit(async ({ page, unwanted }) => {
      await page.addInitScript(() =>
        Object.defineProperty(globalThis, "localStorage", {
          get: () => {
            throw new DOMException("denied", "SecurityError");
          },
        }),
      );
      await page.reload();
      await openSample(page);
      expect(unwanted).toEqual([]);
    }));
});
