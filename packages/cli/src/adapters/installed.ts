// Adapters installed where the command runs: packages named adapter-* in a node_modules folder on the way up.

import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folders of installed adapters, scoped (@anymc3d/adapter-*) or not (anymc3d-adapter-*). */
export function installedAdapters(): string[] {
  const found = new Map<string, string>();
  for (const start of [process.cwd(), dirname(fileURLToPath(import.meta.url))]) {
    for (let folder = start; ; folder = dirname(folder)) {
      for (const [name, path] of adaptersIn(join(folder, "node_modules"))) if (!found.has(name)) found.set(name, path);
      if (folder === dirname(folder)) break;
    }
  }
  return [...found.values()];
}

function adaptersIn(modules: string): [string, string][] {
  const list = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
  const scoped = list(join(modules, "@anymc3d")).filter((name) => name.startsWith("adapter-"));
  const plain = list(modules).filter((name) => name.startsWith("anymc3d-adapter-"));
  const all = [...scoped.map((name) => join("@anymc3d", name)), ...plain];
  return all.filter((name) => existsSync(join(modules, name, "adapter.json"))).map((name) => [name, join(modules, name)]);
}
