// The private registry of @anymc3d/registry: a server that keeps adapters.

export { type RunningRegistry, type ServerOptions, startRegistry } from "./server/start.js";
