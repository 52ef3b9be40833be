// anymc3d adapter list, outdated: what the project's lock holds, and what the registry has by now.

import { isAnyMC3DError, type Warning } from "@anymc3d/core";
import { chooseVersion, type LockEntry, type PackageInfo } from "@anymc3d/registry";
import { findLock, type OpenRegistry } from "@anymc3d/registry/node";
import { installedAdapters } from "../../adapters/installed.js";
import { interruptSignal } from "../../interrupt.js";
import { openFor, type RegistryFlags } from "../../options/registry.js";
import { printTable } from "../../output/table.js";
import { pc, print, printErr, printJson } from "../../output/terminal.js";

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
  if (json) return void printJson({ lockFile: found?.path ?? null, locked, installed });
  if (locked.length)
    printTable(
      ["adapter", "version", "asked for", "backbone"],
      locked.map(({ name, version, wanted, backbone }) => [name, version, wanted, backbone]),
    );
  for (const folder of installed) print(`installed: ${folder}`);
  if (!locked.length && !installed.length) print("No adapters yet. `anymc3d adapter search` finds some, `anymc3d adapter add NAME` adds one.");
}

/** Exits with 0 also where there is something newer: that is no failure. */
export async function outdatedAdapters(flags: ListFlags): Promise<void> {
  const signal = interruptSignal();
  const registry = await openFor(flags, { unlocked: true });
  const locked = Object.entries((await findLock(process.cwd()))?.lock.adapters ?? {});
  const rows = await Promise.all(locked.map(([name, entry]) => newerOf(name, entry, registry, signal)));
  const outdated = rows.filter(({ version, wanted, latest, note }) => wanted !== version || latest !== version || note);
  if (flags.json) return void printJson(outdated);
  if (outdated.length)
    printTable(
      ["adapter", "locked", "in range", "latest", ""],
      outdated.map(({ name, version, wanted, latest, note }) => [name, version, wanted, latest, note]),
    );
  else print(locked.length ? "All up to date." : "No adapters are locked here.");
}

/** What the registry has of a locked adapter; the note says what is to be known, also that it was not asked. */
async function newerOf(name: string, { version, wanted, tarball }: LockEntry, registry: OpenRegistry, signal: AbortSignal) {
  const notes: string[] = [];
  const onWarning = ({ message }: Warning) => {
    notes.push("not asked now: as the registry said it the last time");
    printErr(`${pc.yellow("warning")} ${message}`);
  };
  const info = await registry.info(name, { signal, onWarning }).catch((error: unknown) => {
    // One package that is not what it should be costs nothing but itself.
    if (!isAnyMC3DError(error)) throw error;
    printErr(`${pc.yellow("warning")} ${name}: ${error.message}`);
    return error.code;
  });
  if (typeof info === "string" && info !== "PACKAGE_NOT_FOUND")
    return { name, version, wanted: version, latest: version, note: `could not be checked (${info})` };
  if (typeof info === "string")
    return { name, version, wanted: version, latest: version, note: tarball ? "added by its address; no registry knows of it" : "not known to the registry" };
  const { versions, tags } = info;
  const why = (of: string | undefined) => versions.find((each) => each.version === of)?.deprecated;
  const latest = tags.latest ?? version;
  if (!versions.some((each) => each.version === version)) notes.push("no longer in the registry");
  for (const each of new Set([version, latest])) if (why(each)) notes.push(`${each} is deprecated: ${why(each)}`);
  return { name, version, wanted: wantedNow(info, wanted) ?? version, latest, note: notes.join("; ") };
}

/** The version that what was asked for stands for by now; undefined where the registry has none any more. */
function wantedNow(info: PackageInfo, wanted: string): string | undefined {
  try {
    return chooseVersion(info, wanted).version;
  } catch {
    return undefined;
  }
}
