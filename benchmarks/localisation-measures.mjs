// How well a heatmap points at a mask: the share of its mass inside, and whether its highest place is inside.

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
