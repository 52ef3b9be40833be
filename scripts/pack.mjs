// npm run pack [-- FOLDER]: every package as npm would publish it, for projects beside this one; default folder: packed/.
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { root, run, setUp } from "./setup.mjs";

/** Packs the packages that are built. @returns the tarballs' paths */
export function packAll(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (/^anymc3d-.*\.tgz$/.test(name)) rmSync(join(folder, name));
  const packages = [...readdirSync(join(root, "packages")).map((name) => join(root, "packages", name)), join(root, "registry")];
  run("npm", ["pack", "--silent", "--pack-destination", folder, ...packages], { quiet: true });
  return readdirSync(folder)
    .filter((name) => name.endsWith(".tgz"))
    .map((name) => join(folder, name));
}

if (process.argv[1] === import.meta.filename) {
  const folder = resolve(process.argv[2] ?? join(root, "packed"));
  setUp();
  const tarballs = packAll(folder);
  console.error(`${tarballs.length} packages. In your project:\n\n  npm install ${join(folder, "*.tgz")}\n`);
}
