// anymc3d cache ls, verify, prune: the packages that are kept on this machine.

import { folderStore } from "@anymc3d/registry/node";
import { printTable } from "../../output/table.js";

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

export async function listCache({ json }: { json?: boolean }): Promise<void> {
  const store = folderStore();
  const entries = await store.list();
  if (json) return void process.stdout.write(`${JSON.stringify({ folder: store.folder, entries })}\n`);
  if (entries.length)
    printTable(
      ["last used", "size", "what"],
      entries.map(({ what, bytes, used }) => [used.toISOString().slice(0, 16), megabytes(bytes), what]),
    );
  const total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  process.stdout.write(`${store.folder}: ${entries.length} files, ${megabytes(total)}\n`);
}

export async function verifyCache({ json }: { json?: boolean }): Promise<void> {
  const store = folderStore();
  const removed = await store.verify();
  if (json) return void process.stdout.write(`${JSON.stringify({ folder: store.folder, removed })}\n`);
  for (const key of removed) process.stdout.write(`removed ${key}\n`);
  process.stdout.write(removed.length ? "What was damaged will be fetched again when it is needed.\n" : "All whole.\n");
}

export async function pruneCache({ maxSize, json }: { maxSize: number; json?: boolean }): Promise<void> {
  const removed = await folderStore().prune(maxSize * 1e6);
  if (json) return void process.stdout.write(`${JSON.stringify({ removed })}\n`);
  process.stdout.write(`${removed.length} file(s) removed\n`);
}
