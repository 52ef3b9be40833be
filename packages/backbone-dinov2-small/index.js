// Where this backbone's two files are. Literal URLs, so that bundlers ship the files.
export default {
  name: "@anymc3d/backbone-dinov2-small",
  manifest: new URL("./backbone.json", import.meta.url),
  weights: new URL("./weights.safetensors", import.meta.url),
};
