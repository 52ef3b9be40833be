// The addresses of tfjs-wasm's binaries in the build for browsers: beside it.

export const bundledFiles = (): Record<string, string> => ({
  "tfjs-backend-wasm.wasm": new URL("./tfjs-backend-wasm.wasm", import.meta.url).href,
  "tfjs-backend-wasm-simd.wasm": new URL("./tfjs-backend-wasm-simd.wasm", import.meta.url).href,
  "tfjs-backend-wasm-threaded-simd.wasm": new URL("./tfjs-backend-wasm-threaded-simd.wasm", import.meta.url).href,
});
