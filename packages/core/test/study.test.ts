// A study whose views are concatenated, against PyTorch (reference/make_study.py): logits, and the gradient of every input.
import { forwardStudy } from "@anymc3d/core/learn";
import { expectClose, reference } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";

interface Case {
  cls: number[][];
  queries: number[][];
  head: number[];
  bias: number[];
  dLogits: number[];
  logits: number[];
  dCls: number[][];
  dQueries: number[][];
  dHead: number[];
}
const { D, labels, cases } = reference<{ D: number; labels: number; cases: Case[] }>("study");

describe.each(cases.map((each) => ({ ...each, pooling: each.queries.length ? "attention" : "mean" })))("views pooled by $pooling", (wanted) => {
  const study = forwardStudy(
    wanted.cls.map((rows) => Float32Array.from(rows)),
    {
      views: wanted.cls.map((_, v) => ({ query: wanted.queries[v] && Float32Array.from(wanted.queries[v]) })),
      fusion: undefined,
      head: {
        weight: { shape: [labels, wanted.cls.length * D], data: Float32Array.from(wanted.head) },
        bias: { shape: [labels], data: Float32Array.from(wanted.bias) },
      },
    },
  );

  test("logits; every view weighs the same", () => {
    expectClose(study.logits, wanted.logits, 1e-5);
    expectClose(study.fusion, [1 / 3, 1 / 3, 1 / 3], 1e-7);
  });

  test("gradients of embeddings, queries and head", () => {
    const { cls, queries, fusion, head } = study.backward(Float32Array.from(wanted.dLogits));
    cls.forEach((rows, v) => void expectClose(rows, wanted.dCls[v], 1e-5));
    wanted.queries.forEach((_, v) => void expectClose(queries[v] as Float32Array, wanted.dQueries[v], 1e-5));
    expectClose(head.weight, wanted.dHead, 1e-5);
    expectClose(head.bias, wanted.dLogits, 1e-6);
    expect(fusion).toBeUndefined();
  });
});
