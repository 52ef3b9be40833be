// A data set whose answer is known: noise, with a bright ball in half of the volumes.

import type { Volume } from "@anymc3d/core";
import { seededRandom } from "@anymc3d/core/learn";
import type { TrainCase } from "../src/data/cases.js";

/** Noise, with a bright ball in it where `ball` says so. */
function madeVolume(seed: number, ball: boolean): { volume: Volume; mask: Volume } {
  const random = seededRandom(seed);
  const [x0, y0, z0] = [8 + 16 * random(), 8 + 16 * random(), 1 + 2 * random()];
  const data = new Float32Array(32 * 32 * 4);
  const inside = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const [x, y, z] = [i % 32, Math.floor(i / 32) % 32, Math.floor(i / 1024)];
    inside[i] = ball && (x - x0) ** 2 + (y - y0) ** 2 + 16 * (z - z0) ** 2 < 36 ? 1 : 0;
    data[i] = random() * 100 + 120 * inside[i];
  }
  return { volume: { data, shape: [32, 32, 4] }, mask: { data: inside, shape: [32, 32, 4] } };
}

export function madeCases(train: number, val: number, label: (i: number, ball: boolean) => 0 | 1, masks = false): TrainCase[] {
  return Array.from({ length: train + val }, (_, i) => {
    const ball = seededRandom(1000 + i)() < 0.5;
    const { volume, mask } = madeVolume(i + 1, ball);
    return {
      id: `case${i}`,
      group: `case${i}`,
      split: i < train ? ("train" as const) : ("val" as const),
      labels: new Map([["sick", label(i, ball)]]),
      origin: "made",
      load: async () => ({ volume }),
      ...(masks && { loadMask: async () => mask }),
    };
  });
}

/** The label that says whether the ball is there. */
export const ballTruth = (_: number, ball: boolean): 0 | 1 => (ball ? 1 : 0);
