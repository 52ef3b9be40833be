// The addresses of tfjs-wasm's binaries in sources that are bundled as they are: literal URLs, which bundlers (Vite, webpack 5) replace by the files
// they emit. The build for browsers has bundled-files.browser.ts in its place.

export const bundledFiles = (): Record<string, string> => ({
  "tfjs-backend-wasm.wasm": new URL("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm", import.meta.url).href,
  "tfjs-backend-wasm-simd.wasm": new URL("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm", import.meta.url).href,
  "tfjs-backend-wasm-threaded-simd.wasm": new URL("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm", import.meta.url).href,
});
