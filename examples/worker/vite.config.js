// The SDK's worker is a module, and starts other modules.
export default { worker: { format: "es" }, build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 10_000 } };
