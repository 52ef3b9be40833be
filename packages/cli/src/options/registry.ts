// Options of the commands that ask a registry, and the registry they make.

import type { LoadOptions } from "@anymc3d/registry";
import { type OpenOptions, type OpenRegistry, openRegistry } from "@anymc3d/registry/node";
import type { Command } from "commander";
import { progressLine } from "../output/progress.js";
import { pc, printErr } from "../output/terminal.js";

export interface RegistryFlags {
  registry?: string;
  offline?: boolean;
  frozen?: boolean;
}

export function addRegistryFlags(command: Command): Command {
  return command
    .option("--registry <url>", "default: npm's own settings (.npmrc)")
    .option("--offline", "ask no registry: only what is kept on this machine")
    .option("--frozen", "only what anymc3d.lock.json holds, exactly as it was");
}

export const openFor = ({ registry, offline, frozen }: RegistryFlags, more: Pick<OpenOptions, "unlocked" | "store"> = {}): Promise<OpenRegistry> =>
  openRegistry({ url: registry, offline, frozen, ...more });

/** Loading with warnings on stderr, and how far it is where it takes long. */
export function loadingOptions(what: string, signal: AbortSignal): LoadOptions & { done(): void } {
  const progress = progressLine();
  const told = new Set<string>();
  return {
    signal,
    onProgress(done, total) {
      if (total && total >= 2 ** 22) progress.show({ what: `${what}, MB`, done: Math.floor(done / 1e6), total: Math.ceil(total / 1e6) });
    },
    onWarning({ message }) {
      progress.clear();
      if (!told.has(message)) printErr(`${pc.yellow("warning")} ${message}`);
      told.add(message);
    },
    done: progress.clear,
  };
}
