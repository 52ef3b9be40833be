// What an adapter's package.json asks for of its backbone.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseAdapterManifest } from "@anymc3d/core";
import { expect, test } from "vitest";
import { writeAdapterPackage } from "../src/package/package-folder.js";
import { folderOf } from "./build.js";

const shipped = fileURLToPath(new URL("../../adapters-lung-nodule/adapter.json", import.meta.url));

async function peers(folder: string, backboneVersion?: string): Promise<Record<string, string>> {
  const manifest = parseAdapterManifest(JSON.parse(await readFile(shipped, "utf8")));
  await writeAdapterPackage(folder, {
    manifest: { ...manifest, backbone: { ...manifest.backbone, name: "other-backbone" } },
    weights: new Uint8Array(1),
    backboneVersion,
  });
  return JSON.parse(await readFile(`${folder}/package.json`, "utf8")).peerDependencies;
}

test("the backbone's range follows the version that the adapter was made on", async () => {
  const folder = await folderOf({});
  expect(await peers(folder, "2.3.1")).toEqual({ "other-backbone": "^2.3.1" });
  // Written again without a version: what stands there stays.
  expect(await peers(folder)).toEqual({ "other-backbone": "^2.3.1" });
  expect(await peers(await folderOf({}))).toEqual({ "other-backbone": "*" });
});
