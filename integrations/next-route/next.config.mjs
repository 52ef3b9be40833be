// The SDK stays as it is installed: a bundler would move it away from the weights, WebAssembly and native code that lie beside it.
export default {
  serverExternalPackages: ["@anymc3d/sdk", "@anymc3d/backbone-dinov2-small", "@anymc3d/adapter-lung-nodule"],
};
