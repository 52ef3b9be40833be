// A marketplace page: static files made from what a registry has. Reading works without JavaScript.

import { join } from "node:path";
import { type AdapterManifest, AnyMC3DError, type Warning } from "@anymc3d/core";
import { makeFolder } from "@anymc3d/node-files/make-folder";
import { notWritable, writeWhole } from "@anymc3d/node-files/write-whole";
import type { LoadOptions } from "../client/options.js";
import type { Registry } from "../client/registry.js";
import { type Found, leftOut } from "../client/search.js";
import { registryAddress } from "../protocol/address.js";
import { adapterPage, indexPage, slugOf } from "./pages.js";
import { FILTER, STYLE } from "./style.js";

/** Options of the marketplace page. */
export interface SiteOptions extends LoadOptions {
  readonly title?: string;
  /** Shown in the install lines: the registry's address as users reach it. */
  readonly registryUrl?: string;
  /** The browser app's address; {adapter} in it becomes name@version. */
  readonly tryUrl?: string;
  readonly onAdapter?: (done: number, total: number) => void;
}

/** An adapter as the site shows it. */
export interface Listed {
  readonly found: Found;
  readonly manifest: AdapterManifest;
  /** What its users should know of it, such as figures that are no better than chance. */
  readonly warnings: readonly Warning[];
  readonly card: string;
  readonly versions: readonly { version: string; published?: string; deprecated?: string }[];
}

/**
 * Writes the site of all adapters a registry has into a folder: index.html and adapters/NAME.html. One that cannot be loaded is told of and left out.
 * @returns how many adapters it shows
 * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE`; as {@link createRegistry}
 */
export async function writeSite(registry: Registry, out: string, options: SiteOptions = {}): Promise<number> {
  const { signal, onWarning } = options;
  const addresses = { ...options, registryUrl: options.registryUrl && registryAddress(options.registryUrl) };
  if (/^[^/]*\/\/[^/]*@/.test(options.tryUrl ?? ""))
    throw new AnyMC3DError("OPTION_INVALID", "the browser app's address has a name or password in it, which everyone would read.");
  const all = await registry.search({ signal, onWarning });
  const listed: Listed[] = [];
  const pages: Record<string, string> = {};
  for (const [i, found] of all.entries()) {
    options.onAdapter?.(i, all.length);
    try {
      const one = await listOne(registry, found, options);
      pages[`adapters/${slugOf(found.name)}.html`] = adapterPage(one, addresses);
      listed.push(one);
    } catch (error) {
      if (signal?.aborted) throw error;
      onWarning?.(leftOut(found.name, error));
    }
  }
  const files: Record<string, string> = { "index.html": indexPage(listed, addresses), "style.css": STYLE, "filter.js": FILTER, ...pages };
  try {
    await makeFolder(join(out, "adapters"));
    for (const [name, content] of Object.entries(files)) await writeWhole(join(out, name), content);
  } catch (cause) {
    throw notWritable(out, out, cause);
  }
  return listed.length;
}

async function listOne(registry: Registry, found: Found, options: SiteOptions): Promise<Listed> {
  const spec = `${found.name}@${found.version}`;
  const { manifest, warnings = [] } = await registry.load(spec, { signal: options.signal });
  const { versions } = await registry.info(found.name, { signal: options.signal });
  return { found, manifest, warnings, card: await registry.card(spec, { signal: options.signal }), versions: [...versions].reverse() };
}
