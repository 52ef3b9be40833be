// Losses, optimiser and mask decoder against PyTorch (reference/make_losses.py).
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decode, maskCells } from "../src/learning/decoder.js";
import { maskLoss, sigmoidLoss, softmaxLoss } from "../src/learning/losses.js";
import { adamW, clip, schedule, zeroMoments } from "../src/learning/optimizer.js";

const reference = JSON.parse(readFileSync(new URL("./reference/losses.json", import.meta.url), "utf8"));

function close(found: ArrayLike<number>, expected: readonly number[], digits = 5): void {
  expect(found.length).toBe(expected.length);
  expected.forEach((value, i) => void expect(found[i]).toBeCloseTo(value, digits));
}

const plain = { gamma: 0, alpha: null };
const ones = [1, 1, 1, 1];

describe("losses", () => {
  const { logits, target, weights } = reference.inputs;

  test("binary cross-entropy with positive weights", () => {
    const { loss, dLogits } = sigmoidLoss(Float32Array.from(logits), target, plain, weights);
    expect(loss).toBeCloseTo(reference.bce.loss, 5);
    close(dLogits, reference.bce.gradient);
  });

  test("focal", () => {
    const { loss, dLogits } = sigmoidLoss(Float32Array.from(logits), target, { gamma: 2, alpha: 0.25 }, ones);
    expect(loss).toBeCloseTo(reference.focal.loss, 5);
    close(dLogits, reference.focal.gradient);
  });

  test("focal of one logit with γ = 0 and no α is binary cross-entropy, not zero", () => {
    const { loss } = sigmoidLoss(Float32Array.of(0.3), [1], plain, ones);
    expect(loss).toBeCloseTo(0.554355, 6);
  });

  test("an unknown label costs nothing and moves nothing", () => {
    const known = sigmoidLoss(Float32Array.of(0.3), [1], plain, ones);
    const some = sigmoidLoss(Float32Array.of(5, 0.3), [undefined, 1], plain, ones);
    expect(some.loss).toBe(known.loss);
    expect([...some.dLogits]).toEqual([0, known.dLogits[0]]);
  });

  test("softmax cross-entropy with class weights", () => {
    const { loss, dLogits } = softmaxLoss(Float32Array.of(0.3, -1.2, 2.5), 1, plain, [1, 2, 3]);
    expect(loss).toBeCloseTo(reference.crossEntropy.loss, 5);
    close(dLogits, reference.crossEntropy.gradient);
  });

  test("Dice + BCE of a mask", () => {
    const { logits: z, mask, loss, gradient } = reference.mask;
    const found = maskLoss(Float32Array.from(z), Float32Array.from(mask));
    expect(found.loss).toBeCloseTo(loss, 5);
    close(found.dLogits, gradient);
  });

  test("an empty mask has a finite loss", () => {
    expect(maskLoss(new Float32Array(8), new Float32Array(8)).loss).toBeCloseTo(1 - 1 / 5 + Math.log(2), 5);
  });
});

describe("optimiser", () => {
  test("AdamW in two groups, five steps", () => {
    let tensors = new Map([
      ["views.0.lora.patch.A", { shape: [3], data: Float32Array.of(0.5, -0.3, 0.1) }],
      ["head.bias", { shape: [2], data: Float32Array.of(1, -2) }],
    ]) as ReturnType<typeof adamW>;
    const moments = zeroMoments(tensors);
    for (const g of reference.adamW.gradients) {
      const gradients = new Map([
        ["views.0.lora.patch.A", Float32Array.from(g.slice(0, 3))],
        ["head.bias", Float32Array.from(g.slice(3))],
      ]);
      tensors = adamW(tensors, gradients, moments, { learningRate: { lora: 1e-4, head: 1e-3 }, weightDecay: { lora: 1e-5, head: 1e-4 } }, 1);
    }
    close(tensors.get("views.0.lora.patch.A")?.data ?? [], reference.adamW.lora, 6);
    close(tensors.get("head.bias")?.data ?? [], reference.adamW.head, 6);
  });

  test("the learning rate rises, then falls along half a cosine", () => {
    expect([0, 4, 9].map((step) => schedule(step, 110, 10 / 110))).toEqual([0.1, 0.5, 1]);
    expect(schedule(10, 110, 10 / 110)).toBe(1);
    expect(schedule(60, 110, 10 / 110)).toBeCloseTo(0.5, 10);
    expect(schedule(110, 110, 10 / 110)).toBeCloseTo(0, 10);
  });

  test("clipping scales to the norm, and only down", () => {
    const gradients = new Map([["a", Float32Array.of(3, 0)], ["b", Float32Array.of(4)]]); // biome-ignore format: a table
    expect(clip(gradients, 10)).toBe(5);
    expect(gradients.get("b")?.[0]).toBe(4);
    clip(gradients, 1);
    close([...(gradients.get("a") ?? []), ...(gradients.get("b") ?? [])], [0.6, 0, 0.8], 6);
  });
});

describe("mask decoder", () => {
  test("logits and gradients", () => {
    const { tokens, parameters, logits, seed, gradients } = reference.decoder;
    const shapes = [[4, 5], [4], [16, 4], [16]];
    const names = ["decoder.0.weight", "decoder.0.bias", "decoder.1.weight", "decoder.1.bias"];
    const tensors = new Map(names.map((name, i) => [name, { shape: shapes[i], data: Float32Array.from(parameters[i]) }]));
    const decoded = decode(Float32Array.from(tokens), tensors);
    close(decoded.logits, logits, 4);
    const sums = new Map(names.map((name, i) => [name, new Float32Array(parameters[i].length)]));
    close(decoded.backward(Float32Array.from(seed), sums), gradients[0], 4);
    names.forEach((name, i) => void close(sums.get(name) ?? [], gradients[i + 1], 4));
  });

  test("a mask falls into its patch and cell", () => {
    // Two patches side by side of 8×8 pixels, cells of 2×2; the pixels (y 2, x 9) and (y 3, x 8) lie in patch 1, cell row 1, column 0.
    const mask = new Float32Array(8 * 16);
    mask[2 * 16 + 9] = 1;
    mask[3 * 16 + 8] = 1;
    const cells = maskCells(mask, 8, 16, 8);
    expect(cells.length).toBe(32);
    expect([...cells].flatMap((value, i) => (value ? [[i, value]] : []))).toEqual([[16 + 4, 0.5]]);
  });
});
