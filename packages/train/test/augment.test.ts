// Augmentation: draws that depend on seed, epoch and sample only; geometry, blur and values as scipy and numpy compute them.
import { readFileSync } from "node:fs";
import { seededRandom } from "@anymc3d/core/learn";
import { describe, expect, test } from "vitest";
import { type AugmentOptions, parseTrainConfig } from "../src/config.js";
import { textHash } from "../src/data/text-hash.js";
import { type Augmentation, applyAugmentation, augment, drawAugmentation, sampleSeed, trainingSlices } from "../src/learning/augment.js";
import { binaryTask, taskJson } from "./build.js";

type Shape = [number, number, number];
interface Reference {
  geometry: {
    shape: Shape;
    pad: number;
    drawn: Partial<Augmentation>;
    values: number[];
    mask: number[];
    moved: number[];
    movedMask: number[];
  }[];
  blur: { shape: Shape; sd: number; values: number[]; blurred: number[] }[];
  intensity: { shape: Shape; range: [number, number]; values: number[]; gamma: number[]; contrast: number[]; all: number[] };
  hashes: Record<string, number>;
}
const reference: Reference = JSON.parse(readFileSync(new URL("reference/augment.json", import.meta.url), "utf8"));

const nothing: Augmentation = {
  flipRows: false,
  flipColumns: false,
  reverse: false,
  degrees: 0,
  zoom: 1,
  shift: [0, 0],
  blur: 0,
  gamma: 1,
  contrast: 1,
  brightness: 0,
  noise: 0,
  noiseSeed: 1,
};
const options = parseTrainConfig(taskJson(binaryTask)).training.augment as AugmentOptions;
const always: AugmentOptions = {
  ...options,
  rotate: { ...options.rotate, p: 1 },
  zoom: { ...options.zoom, p: 1 },
  shift: { ...options.shift, p: 1 },
  noise: { ...options.noise, p: 1 },
  blur: { ...options.blur, p: 1 },
  brightness: { ...options.brightness, p: 1 },
  contrast: { ...options.contrast, p: 1 },
  gamma: { ...options.gamma, p: 1 },
};
const never: AugmentOptions = {
  flip: 0,
  reverse: 0,
  rotate: { p: 0, degrees: 30 },
  zoom: { p: 0, low: 0.7, high: 1.4 },
  shift: { p: 0, share: 0.1 },
  region: { p: 0, mm: 3 },
  noise: { p: 0, sd: 0.1 },
  blur: { p: 0, sd: 1 },
  brightness: { p: 0, sd: 0.1 },
  contrast: { p: 0, low: 0.9, high: 1.1 },
  gamma: { p: 0, low: 0.7, high: 1.5 },
};
const numbers = (count: number, seed = 5): Float32Array => {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => random() * 200 - 50);
};
const close = (found: ArrayLike<number>, wanted: readonly number[], tolerance: number) => {
  expect(found.length).toBe(wanted.length);
  let worst = 0;
  for (let i = 0; i < wanted.length; i++) worst = Math.max(worst, Math.abs(found[i] - wanted[i]));
  expect(worst).toBeLessThan(tolerance);
};

test("the hash is MurmurHash3, as scikit-learn computes it", () => {
  for (const [text, hash] of Object.entries(reference.hashes)) expect([text, textHash(text)]).toEqual([text, hash]);
});

describe("draws", () => {
  const samples = Array.from({ length: 12 }, (_, i) => `case_${i}`);
  const draw = (seed: number, epoch: number, id: string) => JSON.stringify(drawAugmentation(options, seededRandom(sampleSeed(seed, epoch, id))));

  test("12 samples in 2 epochs: 24 different ones, whoever draws them in whatever order (O53)", () => {
    const jobs = [0, 1].flatMap((epoch) => samples.map((id) => ({ epoch, id })));
    const straight = new Map(jobs.map(({ epoch, id }) => [`${epoch} ${id}`, draw(7, epoch, id)]));
    expect(new Set(straight.values()).size).toBe(24);
    // four workers that take turns, each from its own end
    const workers = [0, 1, 2, 3].flatMap((worker) => jobs.filter((_, i) => i % 4 === worker).reverse());
    const shared = new Map(workers.map(({ epoch, id }) => [`${epoch} ${id}`, draw(7, epoch, id)]));
    expect(Object.fromEntries(shared)).toEqual(Object.fromEntries(straight));
    expect(draw(8, 0, samples[0])).not.toBe(draw(7, 0, samples[0]));
    expect(sampleSeed(1, 11, "a")).not.toBe(sampleSeed(11, 1, "a"));
  });

  test("happen as often and as far as the options say", () => {
    const random = seededRandom(2);
    const drawn = Array.from({ length: 20_000 }, () => drawAugmentation({ ...always, rotate: options.rotate, flip: 0.5 }, random));
    const share = (test: (each: Augmentation) => boolean) => drawn.filter(test).length / drawn.length;
    // three standard errors of a share of 20 000 draws are 0.0106 or less
    expect(Math.abs(share(({ flipRows }) => flipRows) - 0.5)).toBeLessThan(0.0106);
    expect(Math.abs(share(({ degrees }) => degrees !== 0) - 0.2)).toBeLessThan(0.0085);
    const mean = (of: (each: Augmentation) => number) => drawn.reduce((sum, each) => sum + of(each), 0) / drawn.length;
    // log-uniform between 0.7 and 1.4: the mean logarithm is that of √(0.7·1.4); its sd is ln 2/√12
    expect(Math.abs(mean(({ zoom }) => Math.log(zoom)) - Math.log(Math.sqrt(0.98)))).toBeLessThan((3 * Math.LN2) / Math.sqrt(12 * 20_000));
    expect(Math.abs(mean(({ brightness }) => (brightness / 0.01) ** 2) - 1)).toBeLessThan(3 * Math.sqrt(2 / 20_000));
    for (const { degrees, zoom, shift, blur, contrast, gamma } of drawn) {
      expect(Math.abs(degrees)).toBeLessThanOrEqual(30);
      expect(zoom >= 0.7 && zoom <= 1.4 && gamma >= 0.7 && gamma <= 1.5 && contrast >= 0.9 && contrast <= 1.1 && blur >= 0 && blur <= 1).toBe(true);
      expect(Math.max(...shift.map(Math.abs))).toBeLessThanOrEqual(0.08);
    }
  });

  test("one option leaves the draws of the others alone", () => {
    const [some, all] = [options, always].map((each) => drawAugmentation(each, seededRandom(99)));
    expect([all.flipRows, all.flipColumns, all.reverse, all.noiseSeed]).toEqual([some.flipRows, some.flipColumns, some.reverse, some.noiseSeed]);
    for (const key of ["degrees", "zoom", "blur", "gamma", "contrast"] as const) expect([nothing[key], all[key]]).toContain(some[key]);
  });
});

describe("geometry", () => {
  test.each(reference.geometry)(
    "$drawn of $shape as scipy samples it; the mask moves with the image",
    ({ shape, pad, drawn, values, mask, moved, movedMask }) => {
      const stack = { shape, pad, range: [0, 1] as const };
      const found = applyAugmentation(Float32Array.from(values), Float32Array.from(mask), stack, { ...nothing, ...drawn });
      close(found.values, moved, 2e-5);
      close(found.mask ?? [], movedMask, 1e-6);
    },
  );

  test("a quarter turn is numpy's rot90: counter-clockwise", () => {
    const { values } = applyAugmentation(Float32Array.of(1, 2, 3, 4), undefined, { shape: [1, 2, 2], pad: 0, range: [0, 1] }, { ...nothing, degrees: 90 });
    close(values, [2, 4, 1, 3], 1e-6);
  });

  test("flips and the reversal move values exactly", () => {
    const stack = { shape: [2, 2, 3] as const, pad: 0, range: [0, 1] as const };
    const [values, mask] = [Float32Array.from({ length: 12 }, (_, i) => i + 0.1), Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)];
    const moved = (drawn: Partial<Augmentation>) => applyAugmentation(values, mask, stack, { ...nothing, ...drawn });
    const order = (found: Float32Array) => [...found].map((v) => values.indexOf(v));
    expect(order(moved({ flipRows: true }).values)).toEqual([3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]);
    expect(order(moved({ flipColumns: true }).values)).toEqual([2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9]);
    expect(order(moved({ reverse: true }).values)).toEqual([6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5]);
    expect(moved({ reverse: true, flipColumns: true }).mask?.indexOf(1)).toBe(8);
  });
});

describe("values", () => {
  test.each(reference.blur)("blur of $sd pixels as scipy's gaussian_filter, $shape", ({ shape, sd, values, blurred }) => {
    const stack = { shape, pad: 0, range: [0, 1] as const };
    close(applyAugmentation(Float32Array.from(values), undefined, stack, { ...nothing, blur: sd }).values, blurred, 5e-5);
  });

  test("gamma within the range, contrast about the mean, brightness as a share of the range", () => {
    const { shape, range, values, gamma, contrast, all } = reference.intensity;
    const changed = (drawn: Partial<Augmentation>) =>
      applyAugmentation(Float32Array.from(values), undefined, { shape, pad: 0, range }, { ...nothing, ...drawn });
    close(changed({ gamma: 0.8 }).values, gamma, 2e-5);
    close(changed({ contrast: 0.9 }).values, contrast, 2e-5);
    close(changed({ gamma: 0.8, contrast: 1.1, brightness: 0.03 }).values, all, 3e-5);
  });

  test("noise is normal, without bias or memory, and the same for the same seed", () => {
    const stack = { shape: [4, 100, 100] as const, pad: 0, range: [-100, 300] as const };
    const values = numbers(40_000);
    const noise = (noiseSeed: number) =>
      applyAugmentation(values, undefined, stack, { ...nothing, noise: 0.0125, noiseSeed }).values.map((v, i) => (v - values[i]) / 5);
    const found = noise(1);
    const moment = (power: number) => found.reduce((sum, v) => sum + v ** power, 0) / found.length;
    // three standard errors of the first four moments of 40 000 normal numbers: √(1, 2, 15, 96 / n)
    expect(Math.abs(moment(1))).toBeLessThan(3 * Math.sqrt(1 / 40_000));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(3 * Math.sqrt(2 / 40_000));
    expect(Math.abs(moment(3))).toBeLessThan(3 * Math.sqrt(15 / 40_000));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(3 * Math.sqrt(96 / 40_000));
    for (const lag of [1, 2, 100]) {
      let sum = 0;
      for (let i = lag; i < found.length; i++) sum += found[i] * found[i - lag];
      expect(Math.abs(sum / found.length)).toBeLessThan(3 / Math.sqrt(40_000));
    }
    expect(noise(1)).toEqual(found);
    expect(noise(2)).not.toEqual(found);
  });
});

test("nothing drawn: the same values to the bit, in new arrays", () => {
  const stack = { shape: [3, 8, 6] as const, pad: 4, range: [0, 100] as const };
  const [values, mask] = [numbers(144), numbers(144, 6)];
  const { drawn, ...found } = augment(values, mask, { ...stack, options: never, seed: 12 });
  expect({ ...drawn, noiseSeed: 1 }).toEqual(nothing);
  expect(found).toEqual({ values, mask });
  expect(found.values).not.toBe(values);
});

test("augment() is what was drawn, and leaves its input alone", () => {
  const stack = { shape: [3, 20, 16] as const, pad: -50, range: [-50, 150] as const };
  const values = numbers(960);
  const before = values.slice();
  const { drawn, ...found } = augment(values, undefined, { ...stack, options: always, seed: sampleSeed(0, 1, "x") });
  expect(values).toEqual(before);
  expect(found).toEqual(applyAugmentation(values, undefined, stack, JSON.parse(JSON.stringify(drawn))));
  expect(found.values.every(Number.isFinite)).toBe(true);
  expect(found.values).not.toEqual(values);
});

describe("slices of a training step", () => {
  test("all where there are few; else one of each share, sorted, each as likely", () => {
    const random = seededRandom(4);
    expect(trainingSlices(3, 12, random)).toEqual([0, 1, 2]);
    expect(trainingSlices(12, 12, random)).toEqual(Array.from({ length: 12 }, (_, i) => i));
    const counts = new Array<number>(26).fill(0);
    for (let round = 0; round < 4000; round++) {
      const chosen = trainingSlices(26, 4, random);
      chosen.forEach((slice, share) => {
        expect(slice >= [0, 6, 13, 19][share] && slice < [6, 13, 19, 26][share]).toBe(true);
        counts[slice]++;
      });
    }
    // shares of 6 or 7 slices: at least 4000/7 = 571 each, four standard deviations of 22 below
    expect(Math.min(...counts)).toBeGreaterThan(483);
    expect(trainingSlices(40, 12, seededRandom(1))).not.toEqual(trainingSlices(40, 12, seededRandom(2)));
  });
});
