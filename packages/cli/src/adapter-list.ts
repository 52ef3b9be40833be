// anymc3d adapter list, outdated: what the project's lock holds, and what the registry has by now.

import { findLock } from "@anymc3d/registry/node";
import semver from "semver";
import { installedAdapters } from "./adapters.js";
import { interruptSignal } from "./interrupt.js";
import { openFor, type RegistryFlags } from "./registry-flags.js";
import { printTable } from "./table.js";

export interface ListFlags extends RegistryFlags {
  json?: boolean;
}

export async function listAdapters({ json }: ListFlags): Promise<void> {
  const found = await findLock(process.cwd());
  const locked = Object.entries(found?.lock.adapters ?? {}).map(([name, { version, wanted, backbone }]) => ({
    name,
    version,
    wanted,
    backbone: `${backbone.name}@${backbone.version}`,
  }));
  const installed = installedAdapters();
  if (json) return void process.stdout.write(`${JSON.stringify({ lockFile: found?.path ?? null, locked, installed })}\n`);
  if (locked.length)
    printTable(
      ["adapter", "version", "asked for", "backbone"],
      locked.map(({ name, version, wanted, backbone }) => [name, version, wanted, backbone]),
    );
  for (const folder of installed) process.stdout.write(`installed: ${folder}\n`);
  if (!locked.length && !installed.length) process.stdout.write("No adapters yet. `anymc3d adapter search` finds some, `anymc3d adapter add NAME` adds one.\n");
}

/** Exits with 0 also where there is something newer: that is no failure. */
export async function outdatedAdapters(flags: ListFlags): Promise<void> {
  const signal = interruptSignal();
  const registry = await openFor(flags, { unlocked: true });
  const locked = Object.entries((await findLock(process.cwd()))?.lock.adapters ?? {});
  const rows = await Promise.all(
    locked.map(async ([name, { version, wanted }]) => {
      const { versions, tags } = await registry.info(name, { signal });
      const own = versions.find((each) => each.version === version);
      const inRange = semver.maxSatisfying(
        versions.filter(({ deprecated }) => !deprecated).map((each) => each.version),
        wanted,
      );
      return {
        name,
        version,
        wanted: inRange ?? tags[wanted] ?? version,
        latest: tags.latest ?? version,
        note: own ? (own.deprecated ?? "") : "no longer in the registry",
      };
    }),
  );
  const outdated = rows.filter(({ version, wanted, latest, note }) => wanted !== version || latest !== version || note);
  if (flags.json) return void process.stdout.write(`${JSON.stringify(outdated)}\n`);
  if (outdated.length)
    printTable(
      ["adapter", "locked", "in range", "latest", ""],
      outdated.map(({ name, version, wanted, latest, note }) => [name, version, wanted, latest, note]),
    );
  else process.stdout.write(locked.length ? "All up to date.\n" : "No adapters are locked here.\n");
}
