// The conformance suite on ONNX Runtime: native build with all golden values, WebAssembly build in Node.
import { testEngine } from "@anymc3d/core/testing";
import { fixtures, goldenFiles, hasShared, shippedBackbone } from "@anymc3d/testkit/fixtures";
import { describe, test } from "vitest";
import { createOnnxEngine } from "../src/index.js";

const backbone = await shippedBackbone();
const golden = hasShared ? await goldenFiles() : undefined;
if (!golden) console.warn("SKIPPED: golden values, ../shared is absent");

describe("onnxruntime-node/cpu", () => {
  for (const { name, run } of testEngine({ create: (b, o) => createOnnxEngine(b, o), fixtures, backbone, golden, trainable: true })) test(name, run);
});

describe("onnxruntime-web/wasm in Node", () => {
  const create = (b: typeof backbone, o?: { chunk?: number }) => createOnnxEngine(b, { ...o, runtime: "onnxruntime-web", threads: 2 });
  for (const { name, run } of testEngine({ create, fixtures, backbone, golden: golden && { ...golden, sizes: ["112x112"] }, trainable: true })) test(name, run);
});
