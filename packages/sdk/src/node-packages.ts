// Folders and installed packages in Node, by name. Only their data files are named here; no code of a package is run.

import { AnyMC3DError, type PackageKind, packageNames } from "@anymc3d/core";
import type { AssetModule } from "./assets.js";

const NOT_FOUND = { adapter: "ADAPTER_NOT_FOUND", backbone: "BACKBONE_NOT_FOUND" } as const;

function builtins() {
  const get = (globalThis as { process?: Partial<NodeJS.Process> }).process?.getBuiltinModule;
  if (!get) return undefined;
  return { fs: get("node:fs"), path: get("node:path"), url: get("node:url"), module: get("node:module") };
}

/**
 * Finds an adapter's or backbone's two files by folder or package name. Packages are looked for from the working directory, then beside the SDK.
 * @throws AnyMC3DError `ADAPTER_NOT_FOUND`, `BACKBONE_NOT_FOUND`
 */
export function findPackage(kind: PackageKind, source: string | URL): AssetModule {
  const node = builtins();
  if (!node)
    throw new AnyMC3DError(
      NOT_FOUND[kind],
      `"${source}" is a name, and names are resolved in Node only. In a browser, import the ${kind}'s package and pass its default export.`,
    );
  const text = source instanceof URL ? node.url.fileURLToPath(source) : source;
  const folder = node.path.resolve(text);
  if (node.fs.existsSync(node.path.join(folder, `${kind}.json`))) return filesIn(folder, kind, node);
  if (source instanceof URL || /^\.{0,2}[\\/]/.test(text) || node.path.isAbsolute(text)) {
    throw new AnyMC3DError(NOT_FOUND[kind], `${folder}: no ${kind}.json there. Give the folder that holds ${kind}.json and weights.safetensors.`);
  }
  return installedPackage(text, kind, node);
}

function filesIn(folder: string, kind: PackageKind, { path, url }: NonNullable<ReturnType<typeof builtins>>): AssetModule {
  const file = (name: string) => url.pathToFileURL(path.join(folder, name));
  return { name: folder, manifest: file(`${kind}.json`), weights: file("weights.safetensors") };
}

function installedPackage(text: string, kind: PackageKind, node: NonNullable<ReturnType<typeof builtins>>): AssetModule {
  const names = packageNames(kind, text);
  const bases = [node.path.join(process.cwd(), "noop.js"), import.meta.url];
  for (const base of bases)
    for (const name of names) {
      try {
        const manifest = node.module.createRequire(base).resolve(`${name}/${kind}.json`);
        return { ...filesIn(node.path.dirname(manifest), kind, node), name };
      } catch {
        // Not installed there, or under another name.
      }
    }
  const [name] = names;
  throw new AnyMC3DError(
    NOT_FOUND[kind],
    `${kind} "${text}" was not found: no folder of that name with a ${kind}.json, and ${name} is not installed. Install it with \`npm install ${name}\`, or \`anymc3d adapter add ${name}\`.`,
  );
}
