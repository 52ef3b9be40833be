// Where this adapter's files are. Literal URLs, so that bundlers ship the files.
export default {
  name: "@anymc3d/adapter-adrenal-shape",
  manifest: new URL("./adapter.json", import.meta.url),
  weights: new URL("./weights.safetensors", import.meta.url),
};
