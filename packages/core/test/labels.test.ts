// Numbers of labels are never mixed: on the way to pixels, in the checks, by an adapter's table of other numbers.
import { checkStudy, parseAdapterManifest, type Volume } from "@anymc3d/core";
import { checkInput, prepareView } from "@anymc3d/core/learn";
import { manifestJson, plain, refusal, viewOf } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";

const LPS = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const row = (values: readonly number[], rest: Partial<Volume> = {}): Volume => ({
  data: Float32Array.from(values),
  shape: [values.length, 1, 1],
  affine: LPS,
  ...rest,
});
const view = (fields: object) => viewOf({ pad: 0, expect: {}, ...fields });
const sampled = (volume: Volume, fields: object) => [...prepareView(volume, view(fields), plain).values(0)];

describe("onto pixels", () => {
  // Six pixels of 0.5 mm over three voxels of 1 mm lie at -0.25, 0.25, 0.75, 1.25, 1.75, 2.25.
  const fine = { spacing: 0.5, size: [1, 6] };
  test("of several labels the one with the largest share of a pixel: between 1 and 3 lies no 2", () => {
    const map = row([1, 3, 0]);
    expect(sampled(map, { ...fine, labels: { known: [0, 1, 2, 3] } })).toEqual([1, 1, 3, 3, 0, 0]);
    expect(sampled(row([1, 3, 0], { labels: {} }), fine)).toEqual([1, 1, 3, 3, 0, 0]);
    // What is declared nowhere is an image.
    expect(sampled(map, fine)).toEqual([1, 1.5, 2.5, 2.25, 0.75, 0]);
  });
  test("of two labels with equal shares the lower; a pixel outside keeps the pad", () => {
    // Pixels at -1, 0.5 (half 4, half 2) and 2.
    expect(sampled(row([4, 2], { labels: {} }), { spacing: 1.5, size: [1, 3], pad: -7 })).toEqual([-7, 2, -7]);
  });
  test("two numbers are a 0/1 image, 0 and 255 as 0 and 1", () => {
    const mask = row([255, 0, 0]);
    expect(sampled(mask, { ...fine, labels: { known: [0, 255] } })).toEqual([255, 191.25, 63.75, 0, 0, 0]);
    // Without a 0 two numbers are two labels.
    expect(sampled(row([1, 3, 3]), { ...fine, labels: { known: [1, 3] } })).toEqual([1, 1, 3, 3, 3, 3]);
  });
  test("coarser: the label of most voxels, by the weights of the triangle that averages images", () => {
    // One pixel of 3 mm in the middle of five voxels: weights 1/3, 2/3, 1, 2/3, 1/3. Label 2 has 1, label 9 has 1/3 + 2/3 + 2/3 = 5/3, label 5 has 1/3.
    expect(sampled(row([9, 9, 2, 9, 5], { labels: {} }), { spacing: 3, size: [1, 1] })).toEqual([9]);
  });
});

describe("against what the adapter knows", () => {
  const known = { known: [0, 1, 2, 3, 4] };
  const found = (values: readonly number[], labels: object = known, mode: "refuse" | "warn" = "refuse") =>
    checkInput(row(values), view({ labels }), "organs", mode).map(({ code, message }) => `${code} ${message}`);

  test("all of them: nothing to say; gaps are told with the numbers found", () => {
    expect(found([0, 1, 2, 3, 4])).toEqual([]);
    expect(found([0, 2, 3])).toEqual(["LABELS_FOUND the volume: its labels are 0, 2, 3; the adapter knows 0, 1, 2, 3, 4, so 1, 4 are not in it"]);
  });
  test("nearly whole is whole; more than a thousandth off is none", async () => {
    expect(found([0, 0.9999999, 2, 3.0009, 4])).toEqual([]);
    expect((await refusal(() => found([0, 1, 2.002, 3]))).message).toMatch(/segmentation of the labels 0, 1, 2, 3, 4; its values are 0, 1, 2\.002, 3/);
  });
  test("another number is refused by name, and by its place in a table taken for another, which is told", async () => {
    const error = await refusal(() => found([0, 1, 255]));
    expect([error.code, error.details]).toEqual(["INPUT_VALUES", { source: "volume", measured: "labels", found: 255, expected: [0, 1, 2, 3, 4] }]);
    const mapped = { known: [0, 255], map: { 1: 255 } };
    expect(found([0, 1, 0], mapped)).toEqual(["LABELS_FOUND the volume: its labels are 0, 1; taken were 1 as 255, as the adapter declares"]);
    expect(sampled(row([0, 1, 0]), { spacing: 1, size: [1, 3], labels: mapped })).toEqual([0, 255, 0]);
    expect((await refusal(() => found([0, 1, 7], mapped))).message).toMatch(/the labels 0, 255 \(or, in their place, 1\); its values are 0, 1, 7/);
    expect(found([0, 1, 255], known, "warn")).toHaveLength(1);
  });
  test("a scan in the place of a segmentation is refused", async () => {
    const scan = Array.from({ length: 5000 }, (_, i) => i / 3);
    expect((await refusal(() => found(scan))).message).toMatch(/its values are too many to be labels/);
  });
  test("checkStudy() says the same", () => {
    const manifest = parseAdapterManifest(manifestJson((m) => Object.assign(m.input.views[0], { labels: known, expect: {} })));
    expect(checkStudy(row([0, 1, 255]), manifest)).toMatchObject({ verdict: "refused", findings: [{ code: "INPUT_VALUES" }] });
    expect(checkStudy(row([0, 1]), manifest)).toMatchObject({ verdict: "accepted", findings: [{ code: "LABELS_FOUND" }] });
  });
  test.each([
    [{ known: [0] }, /labels/],
    [{ known: [0, 1, 1] }, /a number twice/],
    [{ known: [0, 1.5] }, /labels/],
    [{ known: [0, 1], map: { 2: 3 } }, /labels\.map: 2 must not be in labels\.known/],
    [{ known: [0, 1], map: { 1: 0 } }, /labels\.map: 1 must not be/],
    [{ known: [0, 1], map: { x: 1 } }, /Invalid key.*labels\.map\.x/s],
  ])("a table that says nothing right is refused: %j", async (labels, says) => {
    expect((await refusal(() => view({ labels }))).message).toMatch(says);
  });
});
