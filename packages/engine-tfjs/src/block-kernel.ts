// A block cut out of a matrix. tfjs-wasm's own slice copies the whole tensor first, so there a kernel of ours reads the heap.

import * as tf from "@tensorflow/tfjs-core";

const KERNEL = "AnyMC3DBlock";

export interface BlockAt {
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
  /** Give [columns, rows]. */
  readonly transposed?: boolean;
}

/** What the kernel uses of tfjs-wasm's backend. */
interface WasmBackend {
  makeOutput(shape: number[], dtype: "float32"): tf.TensorInfo;
  typedArrayFromHeap(info: tf.TensorInfo): Float32Array;
}

function cutOnHeap(x: tf.TensorInfo, at: BlockAt, backend: WasmBackend): tf.TensorInfo {
  const { row, rows, column, columns, transposed } = at;
  const out = backend.makeOutput(transposed ? [columns, rows] : [rows, columns], "float32");
  // Views are taken after the allocation, which may have moved the heap.
  const to = backend.typedArrayFromHeap(out);
  const from = backend.typedArrayFromHeap(x);
  const stride = x.shape[1];
  for (let r = 0; r < rows; r++) {
    const start = (row + r) * stride + column;
    if (transposed) for (let c = 0; c < columns; c++) to[c * rows + r] = from[start + c];
    else to.set(from.subarray(start, start + columns), r * columns);
  }
  return out;
}

/** Registers the kernel; harmless when done again. */
export function registerBlockKernel(): void {
  if (tf.getKernel(KERNEL, "wasm")) return;
  const kernelFunc: tf.KernelFunc = ({ inputs, attrs, backend }) => cutOnHeap(inputs.x as tf.TensorInfo, attrs as unknown as BlockAt, backend as WasmBackend);
  tf.registerKernel({ kernelName: KERNEL, backendName: "wasm", kernelFunc });
}

/** Cuts a block out of a matrix on the current backend. */
export function block(x: tf.Tensor2D, at: BlockAt): tf.Tensor2D {
  if (tf.getBackend() === "wasm") return tf.engine().runKernel(KERNEL, { x }, at as unknown as tf.NamedAttrMap) as tf.Tensor2D;
  const cut = tf.slice(x, [at.row, at.column], [at.rows, at.columns]);
  return at.transposed ? tf.transpose(cut) : cut;
}
