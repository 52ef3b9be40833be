// anymc3d adapter bundle, pack: one file for machines without a network; one file of an adapter's folder.

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
import { makeFolder } from "@anymc3d/node-files/make-folder";
import { checkFolderTarget } from "@anymc3d/node-files/target";
import { notWritable, writeWhole } from "@anymc3d/node-files/write-whole";
import type { LockEntry } from "@anymc3d/registry";
import { folderStore, withMemory, writeBundle } from "@anymc3d/registry/node";
import { examine, npmPack } from "../../adapters/contents.js";
import { interruptSignal } from "../../interrupt.js";
import { loadingOptions, openFor, type RegistryFlags } from "../../options/registry.js";
import { EXIT, Reported } from "../../output/failure.js";
import { pc, print, printErr, printJson } from "../../output/terminal.js";
import type { VerifyFlags } from "./verify.js";

export async function bundleAdapters(specs: readonly string[], { out, force, ...flags }: RegistryFlags & { out: string; force?: boolean }): Promise<void> {
  if (!/\.zip$/i.test(out)) throw new AnyMC3DError("OPTION_INVALID", `--out ${out}: a bundle is a zip; give a name that ends in .zip`);
  if (existsSync(out) && !force) throw new AnyMC3DError("OPTION_INVALID", `${out} exists; --force replaces it`);
  await checkFolderTarget(dirname(resolve(out)));
  const signal = interruptSignal();
  // What a cache that cannot be written does not keep goes into the bundle all the same.
  const registry = await openFor(flags, { store: withMemory(folderStore()) });
  const adapters: Record<string, LockEntry> = {};
  for (const spec of specs) {
    const loading = loadingOptions(spec, signal);
    const { name, entry } = await registry.lock(spec, loading).finally(loading.done);
    adapters[name] = entry;
  }
  const bytes = await writeBundle({ adapters }, registry.store);
  await writeOut(out, bytes);
  print(`${pc.green("written")} ${out}, ${(bytes.length / 1e6).toFixed(1)} MB; on the other machine: anymc3d adapter add ${out}`);
}

/** What `publish` would send, as a file: checked the same way. */
export async function packAdapter(folder: string, flags: VerifyFlags & { out: string }): Promise<void> {
  await checkFolderTarget(flags.out);
  const { faults } = await examine(folder, flags);
  for (const fault of faults) printErr(`${pc.red("refused")} ${fault}`);
  if (faults.length) throw new Reported(EXIT.failed);
  const file = await npmPackInto(folder, flags.out);
  if (flags.json) printJson({ file });
  else print(`${pc.green("written")} ${file}; \`anymc3d adapter add ${file}\` takes it`);
}

/** @returns the tarball's path */
async function npmPackInto(folder: string, out: string): Promise<string> {
  const packing = await mkdtemp(join(tmpdir(), "anymc3d-pack-"));
  try {
    const { filename } = await npmPack(folder, ["--pack-destination", packing]);
    await writeOut(join(out, filename), await readFile(join(packing, filename)));
    return join(out, filename);
  } finally {
    await rm(packing, { recursive: true, force: true });
  }
}

/** Writes a file whole or not at all, its folder too. @throws AnyMC3DError `OUTPUT_NOT_WRITABLE` */
async function writeOut(path: string, content: Uint8Array): Promise<void> {
  try {
    await makeFolder(dirname(path));
    await writeWhole(path, content);
  } catch (cause) {
    throw notWritable(path, dirname(path), cause);
  }
}
