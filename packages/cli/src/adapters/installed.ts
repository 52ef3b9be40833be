// Adapters installed where the command runs: packages called like adapters in a node_modules folder on the way up.

import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isNamedAs } from "@anymc3d/core";

/** Folders of installed adapters, whatever their scope. */
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

/** Empty for what is no folder, or cannot be read. */
function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function adaptersIn(modules: string): [string, string][] {
  const names = list(modules).flatMap((entry) => (entry.startsWith("@") ? list(join(modules, entry)).map((name) => `${entry}/${name}`) : [entry]));
  const adapters = names.filter((name) => isNamedAs("adapter", name) && existsSync(join(modules, name, "adapter.json")));
  return adapters.map((name) => [name, join(modules, name)]);
}
