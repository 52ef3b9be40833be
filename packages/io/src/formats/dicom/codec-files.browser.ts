// Where the decoders' .wasm files are in the build for browsers: beside it. Literal URLs, so that bundlers ship the files.

const FILES: Readonly<Record<string, URL>> = {
  "charlswasm_decode.wasm": new URL("./charlswasm_decode.wasm", import.meta.url),
  "openjpegwasm_decode.wasm": new URL("./openjpegwasm_decode.wasm", import.meta.url),
  "openjphjs.wasm": new URL("./openjphjs.wasm", import.meta.url),
};

export const codecFile = (file: string): URL => FILES[file];
