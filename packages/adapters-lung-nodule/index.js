// Where this adapter's files are. Literal URLs, so that bundlers ship the files.
export default {
  name: "@anymc3d/adapter-lung-nodule",
  manifest: new URL("./adapter.json", import.meta.url),
  weights: new URL("./weights.safetensors", import.meta.url),
};

/** A volume to try the adapter with. */
export const sample = new URL("./sample.nii.gz", import.meta.url);
