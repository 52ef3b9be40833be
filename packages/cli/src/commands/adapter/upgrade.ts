// anymc3d adapter upgrade: an adapter.json of an earlier version, written anew in today's.

import { join } from "node:path";
import { loadAdapter, parseAdapterManifest } from "@anymc3d/core";
import { upgradeManifest, weightsHash } from "@anymc3d/core/learn";
import { writeWhole } from "@anymc3d/node-files/write-whole";
import { readBytes, readJson } from "../../data/read-file.js";
import { print } from "../../output/terminal.js";

/**
 * Pins the weights that lie in the folder.
 * @throws AnyMC3DError `FILE_NOT_FOUND`, `FORMAT_INVALID`, `MANIFEST_INVALID`, `SAFETENSORS_INVALID`, `OUTPUT_NOT_WRITABLE`; the file is then as it was
 */
export async function upgradeAdapter(folder: string): Promise<void> {
  const path = join(folder, "adapter.json");
  const json = await readJson(path);
  const { name, schemaVersion } = parseAdapterManifest(json, path);
  if (schemaVersion !== 1) {
    print(`${path}: is of version ${schemaVersion} already`);
    return;
  }
  const weights = await readBytes(join(folder, "weights.safetensors"));
  const hash = await weightsHash(weights);
  const upgraded = upgradeManifest(json as Readonly<Record<string, unknown>>, hash);
  await loadAdapter(upgraded, weights);
  await writeWhole(path, `${JSON.stringify(upgraded, null, 2)}\n`);
  print(`${path}: ${name} is of version 2 now; its weights are pinned, ${hash}. Publish it under a new version.`);
}
