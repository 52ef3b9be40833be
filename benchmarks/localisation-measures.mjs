// How well a heatmap points at a mask: the share of its mass inside, whether its highest place is inside; means with intervals over patients.
import { seededRandom } from "@anymc3d/core/learn";

/**
 * @param heat values ≥ 0 @param mask voxels above 0 are inside, on the same grid
 * @returns `mass`: Σ heat inside / Σ heat; `hit`: the share of the highest voxels (ties) that lie inside, the pointing game of Zhang et al. 2018
 * without tolerance; both NaN where all heat is 0
 */
export function pointing(heat, mask) {
  let total = 0;
  let inside = 0;
  let top = 0;
  let ties = 0;
  let hits = 0;
  for (let i = 0; i < heat.length; i++) {
    total += heat[i];
    if (mask[i] > 0) inside += heat[i];
    if (heat[i] > top) [top, ties, hits] = [heat[i], 0, 0];
    if (heat[i] === top) {
      ties++;
      if (mask[i] > 0) hits++;
    }
  }
  return total > 0 ? { mass: inside / total, hit: hits / ties } : { mass: Number.NaN, hit: Number.NaN };
}

/** A Gaussian about the middle of the volume, σ a sixth of each side: what a map would be that knows only that crops are centred. */
export function centreMap([nx, ny, nz]) {
  const line = (n) => Float64Array.from({ length: n }, (_, i) => Math.exp(-0.5 * ((i - (n - 1) / 2) / (n / 6)) ** 2));
  const [x, y, z] = [line(nx), line(ny), line(nz)];
  const out = new Float32Array(nx * ny * nz);
  for (let i = 0; i < out.length; i++) out[i] = x[i % nx] * y[Math.floor(i / nx) % ny] * z[Math.floor(i / nx / ny)];
  return out;
}

/** The mask's share of the voxels: mass and pointing game of a map that knows nothing. */
export const shareOf = (mask) => mask.reduce((sum, value) => sum + (value > 0 ? 1 : 0), 0) / mask.length;

/**
 * All voxels whose centre is less than `mm` away from a voxel of the mask, in 3D. The pointing game on it is the one with tolerance: TorchRay
 * (Fong et al., ICCV 2019) counts a hit where the mask is less than 15 pixels from the highest place, on photographs.
 * @param affine voxel → mm, 4×4 row-major, axes at right angles @param mm above 0
 * @returns 0 or 1, on the mask's grid
 */
export function grown(mask, [nx, ny, nz], affine, mm) {
  const distance = (dx, dy, dz) => Math.hypot(...[0, 4, 8].map((row) => affine[row] * dx + affine[row + 1] * dy + affine[row + 2] * dz));
  const [rx, ry, rz] = [distance(1, 0, 0), distance(0, 1, 0), distance(0, 0, 1)].map((step) => Math.floor(mm / step));
  const near = [];
  for (let dz = -rz; dz <= rz; dz++)
    for (let dy = -ry; dy <= ry; dy++) for (let dx = -rx; dx <= rx; dx++) if (distance(dx, dy, dz) < mm) near.push([dx, dy, dz]);
  const out = new Uint8Array(mask.length);
  for (let i = 0; i < mask.length; i++) {
    if (!(mask[i] > 0)) continue;
    const [x, y, z] = [i % nx, Math.floor(i / nx) % ny, Math.floor(i / nx / ny)];
    for (const [dx, dy, dz] of near) {
      const [u, v, w] = [x + dx, y + dy, z + dz];
      if (u >= 0 && u < nx && v >= 0 && v < ny && w >= 0 && w < nz) out[u + nx * (v + ny * w)] = 1;
    }
  }
  return out;
}

/**
 * Mean over cases and its 95 % interval: percentiles of 1,000 resamples, seed 1, each drawing as many groups as there are, with all their cases.
 * @param cases [{ group }] @param value of a case
 */
export function meanOverGroups(cases, value) {
  const groups = new Map();
  for (const each of cases) {
    const { sum, n } = groups.get(each.group) ?? { sum: 0, n: 0 };
    groups.set(each.group, { sum: sum + value(each), n: n + 1 });
  }
  const pools = [...groups.values()];
  const mean = (drawn) => drawn.reduce((sum, pool) => sum + pool.sum, 0) / drawn.reduce((sum, pool) => sum + pool.n, 0);
  const random = seededRandom(1);
  const means = Float64Array.from({ length: 1000 }, () => mean(pools.map(() => pools[Math.floor(random() * pools.length)]))).sort();
  return { mean: mean(pools), interval: [means[25], means[974]] };
}
