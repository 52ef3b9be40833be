// A small engine of the tests' own, in plain loops: a ViT with a plain GELU or SiLU MLP and learned positions, forward only, one slice at a time.
import { AnyMC3DError, type Backbone, type Encoded, type Engine, type ForwardWants, type LoraTensors } from "@anymc3d/core";
import {
  ActivationBudget,
  type Chunk,
  type FoldedBlock,
  foldBackbone,
  foldLora,
  forwardInChunks,
  type KeptChunk,
  type Linear,
  type Norm,
  patchPositions,
  prefixTokens,
} from "@anymc3d/core/engine";

type Rows = Float32Array[];

const linear = ({ weight, bias, out }: Pick<Linear, "weight" | "bias" | "out">, rows: Rows): Rows =>
  rows.map((x) => {
    const y = Float64Array.from(bias);
    for (let i = 0; i < x.length; i++) for (let o = 0; o < out; o++) y[o] += x[i] * weight[i * out + o];
    return Float32Array.from(y);
  });

const plus = (a: Rows, b: Rows): Rows => a.map((row, r) => row.map((value, i) => value + b[r][i]));

const normed = ({ weight, bias }: Norm, epsilon: number, rows: Rows): Rows =>
  rows.map((x) => {
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    return x.map((value, i) => ((value - mean) / Math.sqrt(variance + epsilon)) * weight[i] + bias[i]);
  });

/** Abramowitz and Stegun 7.1.26, right to 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const y = 1 - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x);
  return Math.sign(x) * y;
}

/** @param counts how often it was used and disposed */
export function plainEngine(backbone: Backbone, counts = { slices: 0, disposed: 0 }): Engine {
  const { spec } = backbone;
  const { width: D, heads, depth, registers, patch } = spec;
  const folded = foldBackbone(backbone);
  const size = D / heads;
  const activate = (x: number) => (spec.mlp.activation === "gelu" ? 0.5 * x * (1 + erf(x / Math.SQRT2)) : x / (1 + Math.exp(-x)));

  /** With LoRA unmerged: x·W + (x·a)·b. */
  function adapted(map: string, weights: Linear, lora: ReturnType<typeof foldLora> | undefined, rows: Rows): Rows {
    const plain = linear(weights, rows);
    const pair = lora?.get(map);
    if (!pair) return plain;
    const inner = linear({ weight: pair.a, bias: new Float32Array(pair.rank), out: pair.rank }, rows);
    return plus(plain, linear({ weight: pair.b, bias: new Float32Array(pair.out), out: pair.out }, inner));
  }

  function block(index: number, x: Rows, lora: ReturnType<typeof foldLora> | undefined): { out: Rows; row: Float32Array } {
    const b: FoldedBlock = folded.blocks[index];
    const qkv = adapted(`blocks.${index}.qkv`, b.qkv, lora, normed(b.norm1, spec.normEps, x));
    const row = new Float32Array(x.length);
    const mixed = x.map((_, t) => {
      const out = new Float32Array(D);
      for (let h = 0; h < heads; h++) {
        const scores = qkv.map((key) => {
          let sum = 0;
          for (let i = 0; i < size; i++) sum += qkv[t][h * size + i] * key[D + h * size + i];
          return sum;
        });
        const top = Math.max(...scores);
        const exps = scores.map((score) => Math.exp(score - top));
        const total = exps.reduce((sum, e) => sum + e, 0);
        exps.forEach((e, k) => {
          if (t === 0) row[k] += e / total / heads;
          for (let i = 0; i < size; i++) out[h * size + i] += (e / total) * qkv[k][2 * D + h * size + i];
        });
      }
      return out;
    });
    const y = plus(x, adapted(`blocks.${index}.proj`, b.proj, lora, mixed));
    const hidden = linear(b.fc1, normed(b.norm2, spec.normEps, y)).map((values) => values.map(activate));
    return { out: plus(y, linear(b.fc2, hidden)), row };
  }

  const rowsOf = (values: Float32Array, width: number): Rows =>
    Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width));
  const flat = (rows: Rows) => Float32Array.from(rows.flatMap((row) => [...row]));

  async function oneSlice(chunk: Chunk, lora: LoraTensors | undefined, { from, until }: ForwardWants): Promise<Encoded> {
    counts.slices++;
    const pairs = lora && foldLora(backbone, lora);
    let x = chunk.states ? rowsOf(chunk.states, D) : embed(chunk, pairs);
    let [lastInput, row]: [Rows, Float32Array] = [[], new Float32Array(0)];
    for (let i = from?.block ?? 0; i < (until ?? depth); i++) {
      lastInput = x;
      ({ out: x, row } = block(i, x, pairs));
    }
    if (until !== undefined) return { cls: new Float32Array(0), states: flat(x) };
    const [cls, ...others] = normed(folded.norm, spec.normEps, x);
    return { cls, patches: flat(others.slice(registers)), attention: row.slice(1 + registers), lastInput: flat(lastInput.slice(1 + registers)) };
  }

  function embed({ patches, rows, columns }: Chunk, pairs: ReturnType<typeof foldLora> | undefined): Rows {
    const embedded = adapted("patch", folded.patch, pairs, rowsOf(patches, 3 * patch * patch));
    return [...rowsOf(prefixTokens(backbone), D), ...plus(embedded, rowsOf(patchPositions(backbone, rows, columns), D))];
  }

  return {
    id: "plain",
    precision: "fp32",
    backbone,
    warnings: [],
    async forward(slices, lora, want, signal) {
      if (counts.disposed) throw new AnyMC3DError("ENGINE_DISPOSED", "the plain engine was disposed");
      if (lora) foldLora(backbone, lora);
      const forward = async (chunk: Chunk) => ({ encoded: await oneSlice(chunk, lora, want) });
      return forwardInChunks<KeptChunk>({ backbone, slices, lora, want, signal, size: 1, budget: new ActivationBudget(0), forward });
    },
    dispose: async () => void counts.disposed++,
  };
}
