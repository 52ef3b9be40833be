// anymc3d registry site: the marketplace page of a registry, as static files.

import { checkFolderTarget } from "@anymc3d/node-files/target";
import { writeSite } from "@anymc3d/registry/site";
import { interruptSignal } from "../../interrupt.js";
import { openFor, type RegistryFlags } from "../../options/registry.js";
import { pc, print, printErr } from "../../output/terminal.js";

export interface SiteFlags extends RegistryFlags {
  out: string;
  title?: string;
  publicUrl?: string;
  try?: string;
}

export async function registrySite({ out, title, publicUrl, try: tryUrl, ...flags }: SiteFlags): Promise<void> {
  await checkFolderTarget(out);
  const registry = await openFor(flags, { unlocked: true });
  const onWarning = ({ message }: { message: string }) => void printErr(`${pc.yellow("warning")} ${message}`);
  const count = await writeSite(registry, out, { title, registryUrl: publicUrl ?? flags.registry, tryUrl, signal: interruptSignal(), onWarning });
  print(`${pc.green("written")} ${out}/index.html, ${count} adapter(s)`);
}
