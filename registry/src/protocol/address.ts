// Addresses of registries as people write them.

import { AnyMC3DError } from "@anymc3d/core";

/** With one slash at its end. @throws AnyMC3DError `OPTION_INVALID` for what is no http(s) address */
export function registryAddress(text: string): string {
  if (typeof text !== "string" || text === "")
    throw new AnyMC3DError("OPTION_INVALID", "`url`, the registry's address (https://…), is missing. In Node, openRegistry() takes it from npm's settings.");
  if (!/^https?:\/\/[^/]/i.test(text)) throw new AnyMC3DError("OPTION_INVALID", `"${text}" is no address of a registry: expected https://…`);
  return `${text.replace(/\/+$/, "")}/`;
}
