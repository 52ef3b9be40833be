// adapter upgrade: a version 1 manifest becomes the shipped version 2, and one whose weights are broken stays as it was.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { upgradeAdapter } from "../src/commands/adapter/upgrade.js";

const shipped = path.join(import.meta.dirname, "../../adapters-lung-nodule");
const folder = await mkdtemp(path.join(tmpdir(), "anymc3d-upgrade-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

test("pins the weights beside it; broken ones change nothing", async () => {
  const manifest = JSON.parse(await readFile(path.join(shipped, "adapter.json"), "utf8"));
  const { weights: _, ...rest } = manifest;
  const old = JSON.stringify({ ...rest, schemaVersion: 1 });
  await writeFile(path.join(folder, "adapter.json"), old);
  await writeFile(path.join(folder, "weights.safetensors"), "no tensors");
  await expect(upgradeAdapter(folder)).rejects.toMatchObject({ code: "SAFETENSORS_INVALID" });
  expect(await readFile(path.join(folder, "adapter.json"), "utf8")).toBe(old);
  await writeFile(path.join(folder, "weights.safetensors"), await readFile(path.join(shipped, "weights.safetensors")));
  await upgradeAdapter(folder);
  expect(JSON.parse(await readFile(path.join(folder, "adapter.json"), "utf8"))).toEqual(manifest);
  expect((await readdir(folder)).sort()).toEqual(["adapter.json", "weights.safetensors"]);
});
