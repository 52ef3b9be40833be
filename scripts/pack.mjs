// npm run pack [-- FOLDER]: every package as npm would publish it, for projects beside this one; default folder: packed/.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { root, run, setUp } from "./setup.mjs";

/** The folders of the packages that are published. */
export function publishedPackages() {
  const folders = [...readdirSync(join(root, "packages")).map((name) => join(root, "packages", name)), join(root, "registry")];
  const manifests = folders.map((folder) => join(folder, "package.json"));
  return folders.filter((_, i) => existsSync(manifests[i]) && !JSON.parse(readFileSync(manifests[i], "utf8")).private);
}

/** Packs the packages that are built. @returns the tarballs' paths */
export function packAll(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (/^anymc3d-.*\.tgz$/.test(name)) rmSync(join(folder, name));
  run("npm", ["pack", "--silent", "--pack-destination", folder, ...publishedPackages()], { quiet: true });
  return readdirSync(folder)
    .filter((name) => name.endsWith(".tgz"))
    .map((name) => join(folder, name));
}

if (process.argv[1] === import.meta.filename) {
  const folder = resolve(process.argv[2] ?? join(root, "packed"));
  setUp();
  const tarballs = packAll(folder);
  console.error(`${tarballs.length} packages. In your project:\n\n  npm install --ignore-scripts ${join(folder, "*.tgz")}\n`);
}
