// Slices at places between slices.

import type { Volume } from "@anymc3d/core";
import { allocate } from "../options/limits.js";
import { withKnownPadding } from "./resample.js";

/** Of a share, with room for rounding: what is as near to data as to none is data. */
const HALF = 0.5 + 1e-9;

/**
 * The volume with slices at places between its slices: an image linearly, its padding unmixed; a segmentation by the nearest slice, of two equally near
 * ones the upper.
 * @param places for every output slice, the index of an input slice, with a fraction
 */
export function slicesBetween(volume: Volume, places: readonly number[]): Volume {
  const { data, noData, labels, shape } = withKnownPadding(volume);
  const size = shape[0] * shape[1];
  const count = size * places.length;
  const out = allocate("volume", 4 * count, () => new Float32Array(count));
  const bits = noData && new Uint8Array(Math.ceil(count / 8));
  const isNone = (at: number) => noData !== undefined && ((noData[at >> 3] >> (at & 7)) & 1) === 1;
  places.forEach((exact, n) => {
    const place = labels ? Math.floor(exact + 0.5) : exact;
    const below = Math.floor(place) * size;
    const share = place - Math.floor(place);
    for (let i = 0, to = n * size; i < size; i++, to++) {
      const [a, b] = [below + i, share ? below + size + i : below + i];
      const [noA, noB] = [isNone(a), isNone(b)];
      if (bits && (noA || noB)) {
        // The share of what is no data decides; then the other counts alone.
        const none = (noA ? 1 - share : 0) + (noB ? share : 0) > HALF;
        out[to] = noA === none ? data[a] : data[b];
        if (none) bits[to >> 3] |= 1 << (to & 7);
      } else out[to] = share ? data[a] + share * (data[b] - data[a]) : data[a];
    }
  });
  return { ...volume, data: out, shape: [shape[0], shape[1], places.length], ...(bits && { noData: bits }) };
}
