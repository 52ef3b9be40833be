// Where the decoders' .wasm files are: in Node the decoders find them beside themselves. The build for browsers has codec-files.browser.ts in its place.

export const codecFile: ((file: string) => URL) | undefined = undefined;
