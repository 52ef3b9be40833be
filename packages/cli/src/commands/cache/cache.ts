// anymc3d cache ls, verify, prune: the packages that are kept on this machine.

import { folderStore } from "@anymc3d/registry/node";
import { printTable } from "../../output/table.js";
import { print, printJson } from "../../output/terminal.js";

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

export async function listCache({ json }: { json?: boolean }): Promise<void> {
  const store = folderStore();
  const entries = await store.list();
  if (json) return void printJson({ folder: store.folder, entries });
  if (entries.length)
    printTable(
      ["last used", "size", "what"],
      entries.map(({ what, bytes, used }) => [used.toISOString().slice(0, 16), megabytes(bytes), what]),
    );
  const total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  print(`${store.folder || "no cache folder (this user has no home; ANYMC3D_CACHE names one)"}: ${entries.length} files, ${megabytes(total)}`);
}

export async function verifyCache({ json }: { json?: boolean }): Promise<void> {
  const store = folderStore();
  const removed = await store.verify();
  if (json) return void printJson({ folder: store.folder, removed });
  for (const key of removed) print(`removed ${key}`);
  print(removed.length ? "What was damaged will be fetched again when it is needed." : "All whole.");
}

export async function pruneCache({ maxSize, json }: { maxSize: number; json?: boolean }): Promise<void> {
  const removed = await folderStore().prune(maxSize * 1e6);
  if (json) return void printJson({ removed });
  print(`${removed.length} file(s) removed`);
}
