// The private registry of @anymc3d/registry: a server that keeps adapters.

export { changeRights } from "./server/rights.js";
export { type RunningRegistry, type ServerOptions, startRegistry } from "./server/start.js";
