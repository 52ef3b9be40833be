// Options of the commands that ask a registry, and the registry they make.

import type { LoadOptions } from "@anymc3d/registry";
import { type OpenOptions, type OpenRegistry, openRegistry } from "@anymc3d/registry/node";
import { Presets, SingleBar } from "cli-progress";
import type { Command } from "commander";
import pc from "picocolors";

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

/** Loading with warnings on stderr and, on a terminal, a bar for what takes long. */
export function loadingOptions(what: string, signal: AbortSignal): LoadOptions & { done(): void } {
  let bar: SingleBar | undefined;
  const told = new Set<string>();
  return {
    signal,
    onProgress(done, total) {
      if (!process.stderr.isTTY || !total || total < 2 ** 22) return;
      if (!bar) {
        bar = new SingleBar(
          { format: `${what} [{bar}] {value}/{total} MB`, stream: process.stderr, clearOnComplete: true, hideCursor: true },
          Presets.shades_classic,
        );
        bar.start(Math.ceil(total / 1e6), 0);
      }
      bar.update(Math.floor(done / 1e6));
    },
    onWarning({ message }) {
      if (!told.has(message)) process.stderr.write(`${pc.yellow("warning")} ${message}\n`);
      told.add(message);
    },
    done: () => bar?.stop(),
  };
}
