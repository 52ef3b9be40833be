// The storage folder is the account's alone that runs the registry: passwords' hashes and the key of all tokens lie in it.

import { chmod, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "@anymc3d/node-files/make-folder";
import { notWritable } from "@anymc3d/node-files/write-whole";
import { LEDGER_FILE } from "./ledger.js";
import { RIGHTS_FILE } from "./rights.js";

const FILES = ["htpasswd", LEDGER_FILE, RIGHTS_FILE, "packages/.verdaccio-db.json", "config.yaml", ".verdaccio-db.json"];
const FOLDERS = ["packages"];
const MODE = { file: 0o600, folder: 0o700 } as const;
/** What a registry's own folder holds; one with other things in it is not closed to others for them. */
const OWN = new Set([...FILES.map((file) => file.split("/")[0]), ...FOLDERS, "in-use", "README.md"]);

/**
 * Makes the folder where it is missing, and closes it and its secrets to other users of the machine.
 * @returns what was open before
 * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE`
 */
export async function closeStorage(storage: string): Promise<string[]> {
  try {
    await makeFolder(storage, MODE.folder);
    if (process.platform === "win32") return [];
    const names = await readdir(storage);
    const whole = names.every((name) => OWN.has(name) || name.startsWith("in-use") || name.startsWith("."));
    const found: string[] = [];
    for (const folder of [...(whole ? ["."] : []), ...FOLDERS]) if (await close(join(storage, folder), MODE.folder)) found.push(join(storage, folder));
    for (const file of FILES) if (await close(join(storage, file), MODE.file)) found.push(join(storage, file));
    return found;
  } catch (cause) {
    throw notWritable(storage, storage, cause);
  }
}

/** @returns whether it was open to others */
async function close(path: string, mode: number): Promise<boolean> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!info || (info.mode & 0o077) === 0) return false;
  await chmod(path, mode);
  return true;
}
