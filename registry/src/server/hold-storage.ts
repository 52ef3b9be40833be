// One registry a storage folder: two would overwrite each other's packages. A mark that gives signs of life is of one that runs, on whatever machine.

import { join } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
import { Held, hold } from "@anymc3d/node-files/hold";
import { notWritable } from "@anymc3d/node-files/write-whole";

/**
 * Holds a folder until released. A mark that a killed process left is watched for a while, and passed over.
 * @returns what releases it
 * @throws AnyMC3DError `OPTION_INVALID` where another registry holds it, `OUTPUT_NOT_WRITABLE`
 */
export async function holdStorage(storage: string): Promise<() => void> {
  return hold(join(storage, "in-use"), { beats: true }).catch((cause: unknown) => {
    if (!(cause instanceof Held)) throw notWritable(storage, storage, cause);
    const { pid, host } = cause.holder;
    const owner = `process ${pid} on ${host}`;
    throw new AnyMC3DError("OPTION_INVALID", `${storage}: another registry (${owner}) keeps its packages there. Stop it, or choose another --storage.`);
  });
}
