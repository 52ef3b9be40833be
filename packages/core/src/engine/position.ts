// Where a patch lies: learned position tables resized to a slice's grid, and rotary angles.

import { tensorOf } from "../backbone.js";
import type { Backbone, BackboneSpec } from "../types.js";

/** Bicubic convolution kernel (Keys 1981): a = -0.75 as PyTorch's plain resize, -0.5 as its anti-aliased one. */
function cubic(x: number, a: number): number {
  const t = Math.abs(x);
  if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
  return 0;
}

/** Per output index, the input indices and weights of a one-axis bicubic resize, align_corners=false. */
function cubicTaps(from: number, to: number, antialias: boolean): { index: number[]; weight: number[] }[] {
  const scale = from / to;
  const stretch = antialias ? Math.max(1, scale) : 1;
  const a = antialias ? -0.5 : -0.75;
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale - 0.5;
    const index: number[] = [];
    const weight: number[] = [];
    for (let j = Math.ceil(centre - 2 * stretch); j <= Math.floor(centre + 2 * stretch); j++) {
      if (antialias && (j < 0 || j >= from)) continue;
      index.push(Math.min(from - 1, Math.max(0, j)));
      weight.push(cubic((j - centre) / stretch, a));
    }
    const sum = antialias ? weight.reduce((s, w) => s + w, 0) : 1;
    return { index, weight: weight.map((w) => w / sum) };
  });
}

/** Resizes [rows, columns, width] values bicubically, align_corners=false, as torch.nn.functional.interpolate does. */
function resizeGrid(values: Float32Array, from: readonly [number, number], to: readonly [number, number], width: number, antialias: boolean): Float32Array {
  const rows = cubicTaps(from[0], to[0], antialias);
  const columns = cubicTaps(from[1], to[1], antialias);
  const half = new Float64Array(from[0] * to[1] * width);
  for (let y = 0; y < from[0]; y++) {
    for (let x = 0; x < to[1]; x++) accumulate(half, (y * to[1] + x) * width, values, columns[x], (j) => (y * from[1] + j) * width, width);
  }
  const out = new Float64Array(to[0] * to[1] * width);
  for (let y = 0; y < to[0]; y++) {
    for (let x = 0; x < to[1]; x++) accumulate(out, (y * to[1] + x) * width, half, rows[y], (j) => (j * to[1] + x) * width, width);
  }
  return Float32Array.from(out);
}

function accumulate(
  out: Float64Array,
  at: number,
  values: Float32Array | Float64Array,
  taps: { index: number[]; weight: number[] },
  offset: (j: number) => number,
  width: number,
): void {
  for (let t = 0; t < taps.index.length; t++) {
    const from = offset(taps.index[t]);
    for (let d = 0; d < width; d++) out[at + d] += taps.weight[t] * values[from + d];
  }
}

/**
 * Position embeddings of the patches of a rows × columns grid, [rows·columns, D]; zeros for a rotary backbone.
 * Source: DINOv2's bicubic interpolation of the trained table.
 */
export function patchPositions(backbone: Pick<Backbone, "spec" | "tensors">, rows: number, columns: number): Float32Array {
  const { position, width } = backbone.spec;
  if (position.kind !== "learned") return new Float32Array(rows * columns * width);
  const table = tensorOf(backbone.tensors, "position").data.subarray(width);
  if (position.grid[0] === rows && position.grid[1] === columns) return table.slice();
  return resizeGrid(table, position.grid, [rows, columns], width, position.antialias);
}

/** The tokens before the patches: CLS (with its position) and the registers, [1+R, D]. */
export function prefixTokens(backbone: Pick<Backbone, "spec" | "tensors">): Float32Array {
  const { width, registers, position } = backbone.spec;
  const out = new Float32Array((1 + registers) * width);
  out.set(tensorOf(backbone.tensors, "cls").data);
  if (position.kind === "learned") {
    const table = tensorOf(backbone.tensors, "position").data;
    for (let d = 0; d < width; d++) out[d] += table[d];
  }
  if (registers) out.set(tensorOf(backbone.tensors, "registers").data, width);
  return out;
}

/**
 * Rotary angles of all tokens: q' = q ⊙ cos + swap(q) ⊙ sin, swap exchanging the two halves of a head; the minus of
 * rotate_half is already in `sin`. Tokens before the patches are not turned. Both [1+R+rows·columns, head size].
 * Source: DINOv3's axial RoPE, patch centres in [-1, 1], periods theta^(4i/head size), angle 2π·centre/period.
 */
export function ropeTables(spec: BackboneSpec, rows: number, columns: number): { cos: Float32Array; sin: Float32Array } | undefined {
  if (spec.position.kind !== "rope") return undefined;
  const size = spec.width / spec.heads;
  const prefix = 1 + spec.registers;
  const cos = new Float32Array((prefix + rows * columns) * size).fill(1);
  const sin = new Float32Array(cos.length);
  const quarter = size / 4;
  for (let p = 0; p < rows * columns; p++) {
    const centre = [(2 * (Math.floor(p / columns) + 0.5)) / rows - 1, (2 * ((p % columns) + 0.5)) / columns - 1];
    for (let i = 0; i < size; i++) {
      const k = i % (size / 2);
      const angle = 2 * Math.PI * centre[Math.floor(k / quarter)] * spec.position.theta ** (-(k % quarter) / quarter);
      cos[(prefix + p) * size + i] = Math.cos(angle);
      sin[(prefix + p) * size + i] = (i < size / 2 ? -1 : 1) * Math.sin(angle);
    }
  }
  return { cos, sin };
}
