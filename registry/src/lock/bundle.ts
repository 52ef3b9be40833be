// One file for a machine without a network: a zip of a lock file and the packages it names, each checked again when it is taken.

import { AnyMC3DError } from "@anymc3d/core";
import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
import { cacheOn, keyOf, type Store } from "../cache/store.js";
import { checkIntegrity } from "../protocol/integrity.js";
import { formatLock, LOCK_FILE, type Lock, parseLock } from "./lock.js";

const packagesOf = ({ adapters }: Lock) =>
  Object.entries(adapters).flatMap(([name, { version, integrity, backbone }]) => [
    { id: `${name}@${version}`, integrity },
    { id: `${backbone.name}@${backbone.version}`, integrity: backbone.integrity },
  ]);

/** The bundle of everything a lock names. @throws AnyMC3DError `PACKAGE_NOT_FOUND` for what the store does not have */
export async function writeBundle(lock: Lock, store: Store): Promise<Uint8Array> {
  const files: Record<string, Uint8Array> = { [LOCK_FILE]: strToU8(formatLock(lock)) };
  const cache = cacheOn(store);
  for (const { id, integrity } of packagesOf(lock)) {
    const bytes = await cache.package(integrity);
    if (!bytes) throw new AnyMC3DError("PACKAGE_NOT_FOUND", `${id} is not kept on this machine; load it first.`);
    files[`${keyOf(integrity)}.tgz`] = bytes;
  }
  return zipSync(files, { level: 0 });
}

/**
 * Puts a bundle's packages into a store.
 * @returns its lock
 * @throws AnyMC3DError `PACKAGE_INVALID`, `INTEGRITY_MISMATCH`, `LOCK_INVALID`; nothing is kept then. `OUTPUT_NOT_WRITABLE` where the store is not
 */
export async function readBundle(bytes: Uint8Array, name: string, store: Store): Promise<Lock> {
  const files = unzip(bytes, name);
  const lockText = files[LOCK_FILE];
  if (!lockText) throw new AnyMC3DError("PACKAGE_INVALID", `${name}: no bundle: ${LOCK_FILE} is not in it. \`anymc3d adapter bundle\` makes bundles.`);
  const lock = parseLock(strFromU8(lockText), name);
  const packages: [string, Uint8Array][] = [];
  for (const { id, integrity } of packagesOf(lock)) {
    const found = files[`${keyOf(integrity)}.tgz`];
    if (!found) throw new AnyMC3DError("PACKAGE_INVALID", `${name}: ${id} is named and not in it. Make the bundle again.`);
    await checkIntegrity(found, integrity, `${name}: ${id}`);
    packages.push([integrity, found]);
  }
  const cache = cacheOn(store);
  for (const [integrity, content] of packages)
    await cache.putPackage(integrity, content).catch((cause: Error) => {
      throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${name}: what is in it cannot be kept: ${cause.message}. ANYMC3D_CACHE names another folder.`, { cause });
    });
  return lock;
}

/** Bytes of what a zip says of each of its files, at least: its entry in the directory and its own header. */
const ENTRY = 46 + 30;

/** What a bundle holds lies in it as it is, so that taking it apart takes no more than it has itself, whatever its directory says. */
function unzip(bytes: Uint8Array, name: string): Record<string, Uint8Array> {
  let left = bytes.length;
  try {
    return unzipSync(bytes, {
      filter({ name: file, size, originalSize, compression }) {
        if (compression !== 0 || size !== originalSize) throw new Error(`${file} in it is compressed, as bundles' files are not`);
        left -= size + ENTRY;
        if (left < 0) throw new Error("its files are more than it has room for");
        return true;
      },
    });
  } catch (cause) {
    const hint = "Copy the bundle again, or make it anew by `anymc3d adapter bundle`.";
    throw new AnyMC3DError("PACKAGE_INVALID", `${name}: cannot be unpacked: ${(cause as Error).message}. ${hint}`, { cause });
  }
}
