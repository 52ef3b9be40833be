// Pooling, head and activations against PyTorch, masked and with extreme scores.
import { attentionPool, headForward, meanPool, sigmoid, softmax } from "@anymc3d/core/learn";
import { expectClose, reference } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";

interface Case {
  rows: number[];
  query: number[];
  mask: number[] | null;
  weights: number[];
  embedding: number[];
  mean: number[];
  head: number[];
  bias: number[];
  logits: number[];
  softmax: number[];
}
const wanted = reference<{ n: number; d: number; cases: Case[]; x: number[]; sigmoid: number[] }>("pool");

describe.each(wanted.cases.map((c, i) => ({ ...c, i })))(
  "case $i, mask $mask",
  ({ rows, query, mask, weights, embedding, mean, head, bias, logits, softmax: probabilities }) => {
    const size = Math.max(...rows.map(Math.abs), 1);
    const pooled = attentionPool(Float32Array.from(rows), Float32Array.from(query), mask ?? undefined);

    test("attention weights and embedding", () => {
      expectClose(pooled.weights, weights, size > 100 ? 1e-4 : 1e-6); // scores near 1000 carry float32's rounding
      expectClose(pooled.embedding, embedding, 1e-5 * size);
      mask?.forEach((real, i) => {
        if (!real) expect(pooled.weights[i]).toBe(0);
      });
    });

    test("mean pooling", () => expectClose(meanPool(Float32Array.from(rows), wanted.d).embedding, mean, 1e-6 * size));

    test("linear head and softmax of its logits", () => {
      const found = headForward(
        Float32Array.from(embedding),
        { shape: [3, wanted.d], data: Float32Array.from(head) },
        { shape: [3], data: Float32Array.from(bias) },
      );
      expectClose(found, logits, 1e-5 * size);
      expectClose(softmax(logits), probabilities, 1e-6);
    });
  },
);

test("softmax does not overflow, and all masked gives zeros, not NaN", () => {
  expectClose(softmax([1e30, 1e30]), [0.5, 0.5], 0);
  expectClose(softmax([-1e30, 0]), [0, 1], 0);
  expectClose(softmax([1, 2, 3], [0, 0, 0]), [0, 0, 0], 0);
});

test("sigmoid from -1000 to 1000", () => expectClose(wanted.x.map(sigmoid), wanted.sigmoid, 1e-12));
