// The worker is a module, and starts other modules.
export default { worker: { format: "es" } };
