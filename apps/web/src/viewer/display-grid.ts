// The voxels a viewer shows: all of them, or every second or fourth where the graphics processor has no room for all.

import { voxelSpacing } from "@anymc3d/core";
import type { Volume } from "@anymc3d/sdk";

/** What a graphics processor takes: voxels altogether, and along one axis. */
export interface DisplayLimits {
  readonly voxels: number;
  readonly side: number;
}

export type Steps = readonly [number, number, number];

/** Of how many voxels along each axis one is shown. Finer axes are thinned first, so that what is shown stays as isotropic as it can. */
export function displaySteps({ shape, affine }: Pick<Volume, "shape" | "affine">, limits: DisplayLimits): Steps {
  const steps: [number, number, number] = [1, 1, 1];
  const shown = () => shape.map((n, axis) => Math.ceil(n / steps[axis]));
  for (const [axis, n] of shape.entries()) while (Math.ceil(n / steps[axis]) > limits.side) steps[axis] *= 2;
  while (shown().reduce((product, n) => product * n, 1) > limits.voxels) {
    const spacing = voxelSpacing(affine).map((mm, axis) => mm * steps[axis]);
    const finest = Math.min(...spacing.filter((_, axis) => shown()[axis] > 1));
    for (const axis of [0, 1, 2]) if (spacing[axis] < 1.05 * finest && shown()[axis] > 1) steps[axis] *= 2;
  }
  return steps;
}

/** Every `steps`-th voxel, in its place, to be looked at only: which of them are no data is left out. */
export function thinned(volume: Volume, steps: Steps): Volume {
  if (steps.every((step) => step === 1)) return volume;
  const { noData: _, ...rest } = volume;
  const { data, shape, affine } = rest;
  const [nx, ny, nz] = shape.map((n, axis) => Math.ceil(n / steps[axis]));
  const out = data.slice(0, nx * ny * nz);
  let at = 0;
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      let from = shape[0] * (steps[1] * y + shape[1] * steps[2] * z);
      for (let x = 0; x < nx; x++, from += steps[0]) out[at++] = data[from];
    }
  }
  return { ...rest, data: out, shape: [nx, ny, nz], affine: affine?.map((v, i) => (i % 4 < 3 && i < 12 ? v * steps[i % 4] : v)) };
}
