// The marketplace page of @anymc3d/registry: static files made from what a registry has.

export { type Listed, type SiteOptions, writeSite } from "./site/write.js";
