// What this machine can do at most: a 2048³ float32 matrix product by ONNX Runtime itself.
import ort from "onnxruntime-node";
import { matMulModel } from "./matmul-model.mjs";

export async function matrixPeak(n = 2048) {
  const session = await ort.InferenceSession.create(matMulModel(n));
  const tensor = () => new ort.Tensor("float32", new Float32Array(n * n).fill(0.5), [n, n]);
  const feeds = { a: tensor(), b: tensor() };
  return {
    /** GFLOP/s of one product. */
    async measure() {
      const start = performance.now();
      await session.run(feeds);
      return (2 * n ** 3) / (performance.now() - start) / 1e6;
    },
  };
}
