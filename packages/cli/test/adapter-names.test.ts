// A task that `adapter new` starts has a name by which everything finds its package: the SDK, the command line, the lock, the registry.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageName } from "@anymc3d/core";
import { openAdapter } from "@anymc3d/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseSpec } from "../../../registry/src/client/spec.js";
import { lockedName } from "../src/adapters/find.js";
import { installedAdapters } from "../src/adapters/installed.js";
import { newAdapter } from "../src/commands/adapter/new.js";

const lungNodule = fileURLToPath(new URL("../../adapters-lung-nodule", import.meta.url));
const before = process.cwd();
let project: string;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "anymc3d-names-"));
  process.chdir(project);
});
afterAll(async () => {
  process.chdir(before);
  await rm(project, { recursive: true });
});

/** Installs the shipped adapter's data under a name. */
async function install(name: string): Promise<string> {
  const folder = join(project, "node_modules", name);
  await mkdir(folder, { recursive: true });
  for (const file of ["adapter.json", "weights.safetensors"]) await cp(join(lungNodule, file), join(folder, file));
  await writeFile(join(folder, "package.json"), JSON.stringify({ name, version: "1.0.0" }));
  return folder;
}

test("`adapter new x` makes a name that the SDK, the installed list, the lock and the registry take for the same package", async () => {
  await newAdapter("x", { modality: "CT", labels: "finding" });
  const { name } = JSON.parse(await readFile(join(project, "x/task.json"), "utf8"));
  const folder = await install(name);
  const shipped = await openAdapter(lungNodule);
  expect((await openAdapter(name)).hash).toBe(shipped.hash);
  expect((await openAdapter("x-not-there").catch((error) => error)).code).toBe("ADAPTER_NOT_FOUND");
  expect(installedAdapters()).toContain(folder);
  expect(parseSpec(name, "adapter")).toEqual({ kind: "package", name, wanted: undefined });
  expect(packageName("adapter", name)).toBe(name);
  const entry = {} as never;
  expect(lockedName({ adapters: { [name]: entry } }, name)).toBe(name);
  expect(lockedName({ adapters: { [name]: entry } }, "x")).toBe(name);
});

test("of installed packages that a short name may stand for, the project's own comes first; other scopes are listed, too", async () => {
  await install("adapter-y");
  expect((await openAdapter("y")).manifest.name).toBe("@anymc3d/adapter-lung-nodule");
  const own = await install("@anymc3d/adapter-y");
  await writeFile(join(own, "adapter.json"), "not JSON");
  await expect(openAdapter("y")).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
  const theirs = await install("@me/adapter-z");
  expect(installedAdapters()).toEqual(expect.arrayContaining([own, theirs]));
});
