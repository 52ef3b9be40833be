// anymc3d registry site: the marketplace page of a registry, as static files.

import { writeSite } from "@anymc3d/registry/site";
import pc from "picocolors";
import { interruptSignal } from "../../interrupt.js";
import { openFor, type RegistryFlags } from "../../options/registry.js";

export interface SiteFlags extends RegistryFlags {
  out: string;
  title?: string;
  publicUrl?: string;
  try?: string;
}

export async function registrySite({ out, title, publicUrl, try: tryUrl, ...flags }: SiteFlags): Promise<void> {
  const registry = await openFor(flags, { unlocked: true });
  const onWarning = ({ message }: { message: string }) => void process.stderr.write(`${pc.yellow("warning")} ${message}\n`);
  const count = await writeSite(registry, out, { title, registryUrl: publicUrl ?? flags.registry, tryUrl, signal: interruptSignal(), onWarning });
  process.stdout.write(`${pc.green("written")} ${out}/index.html, ${count} adapter(s)\n`);
}
