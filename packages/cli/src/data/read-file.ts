// Reading the files that a command names.

import { readFile } from "node:fs/promises";
import { AnyMC3DError } from "@anymc3d/core";

/** @throws AnyMC3DError `FILE_NOT_FOUND` */
export async function readBytes(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: Error) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${path} could not be read: ${cause.message}`, { cause });
  });
}

/** @throws AnyMC3DError `FILE_NOT_FOUND`, `FORMAT_INVALID` */
export async function readJson(path: string): Promise<unknown> {
  const bytes = await readBytes(path);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new AnyMC3DError("FORMAT_INVALID", `${path}: not JSON`, { cause });
  }
}
