// The user's road through the built program, against a real registry: find, add, classify by name, offline, bundles, kills at any moment.
import { execFile, execFileSync, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bin, type RegistryProcess, startRegistryProcess } from "@anymc3d/testkit/registry-process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folderStore, openRegistry, writeBundle } from "../../../registry/src/node.js";

const packages = fileURLToPath(new URL("../..", import.meta.url));
const sample = join(packages, "adapters-lung-nodule/sample.nii.gz");
/** Logits of the bundled sample as PyTorch computed them (float32, the shipped weights). */
const EXPECTED = [2.69495, 2.0404, 1.66451, -5.02184, -3.10637];
let folder: string;
let url: string;
let server: RegistryProcess;
let number = 0;

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

const environment = (more: NodeJS.ProcessEnv = {}) => ({
  ...process.env,
  NO_COLOR: "1",
  npm_config_userconfig: join(folder, "npmrc"),
  npm_config_cache: join(folder, "npm-cache"),
  ANYMC3D_CACHE: join(folder, "cache"),
  // A machine that is busy with many of these may take long to answer itself.
  npm_config_fetch_timeout: "300000",
  ...more,
});

const anymc3d = (cwd: string, args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
  new Promise<Run>((resolve) => {
    execFile("node", [bin, ...args], { cwd, env: environment(more), encoding: "utf8" }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

/** A copy of a shipped adapter, without what training leaves in its folder, in another version. */
async function copyOf(name: string, version: string, change: (manifest: string) => string = (text) => text): Promise<string> {
  const to = join(folder, `copy-${++number}`);
  await cp(join(packages, name), to, { recursive: true, filter: (path) => !/[/\\](run|compare)$/.test(path) });
  for (const file of ["adapter.json", "package.json"]) {
    const text = (await readFile(join(to, file), "utf8")).replace(/"version": "[^"]+"/, `"version": "${version}"`);
    await writeFile(join(to, file), file === "adapter.json" ? change(text) : text);
  }
  return to;
}

/** Packed as it is: nothing is checked. */
async function packed(from: string): Promise<string> {
  const { stdout } = await promisify(execFile)("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], { cwd: from, env: environment() });
  const said: unknown = JSON.parse(stdout);
  return join(folder, ((Array.isArray(said) ? said : Object.values(said as object)) as { filename: string }[])[0].filename);
}

const lockOf = async (at: string) => JSON.parse(await readFile(join(at, "anymc3d.lock.json"), "utf8")).adapters;

async function project(): Promise<string> {
  const at = join(folder, `project-${++number}`);
  await mkdir(at);
  return at;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-market-"));
  server = await startRegistryProcess(folder, environment());
  url = server.url;
  for (const name of ["adapters-lung-nodule", "adapters-adrenal-shape", "backbone-dinov2-small"])
    await promisify(execFile)("npm", ["publish", "--ignore-scripts", "--registry", url], { cwd: join(packages, name), env: environment() });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const logitsOf = (run: Run): number[] => JSON.parse(run.stdout).labels.map(({ logit }: { logit: number }) => logit);
function expectLogits(run: Run): void {
  expect(run.stderr).toBe("");
  logitsOf(run).forEach((logit, i) => expect(logit).toBeCloseTo(EXPECTED[i], 1));
}

describe("adapters by name", () => {
  test("search finds by label and body part, info shows the card", async () => {
    const at = await project();
    const found = await anymc3d(at, ["adapter", "search", "shape", "--json"]);
    expect(JSON.parse(found.stdout)).toMatchObject([{ name: "@anymc3d/adapter-adrenal-shape", labels: ["hyperplasia"], bodyParts: ["adrenal gland"] }]);
    expect((await anymc3d(at, ["adapter", "search", "nodule", "--modality", "MR"])).stdout).toContain("Nothing found");
    const card = await readFile(join(packages, "adapters-lung-nodule/README.md"), "utf8");
    expect((await anymc3d(at, ["adapter", "info", "lung-nodule"])).stdout).toContain(card.trim().replace(/^.*$/gm, (line) => `│ ${line}`.trimEnd()));
  });

  test("add, list, classify with --frozen, remove; a name that is not locked is refused", async () => {
    const at = await project();
    expect((await anymc3d(at, ["classify", sample, "--adapter", "lung-nodule", "--frozen"])).stderr).toContain("LOCK_MISMATCH");
    const added = await anymc3d(at, ["adapter", "add", "lung-nodule@^1", "--json"]);
    expect(JSON.parse(added.stdout)).toMatchObject({ name: "@anymc3d/adapter-lung-nodule", version: "1.0.0" });
    expect(JSON.parse((await anymc3d(at, ["adapter", "list", "--json"])).stdout).locked).toMatchObject([{ version: "1.0.0", wanted: "^1" }]);
    expectLogits(await anymc3d(at, ["classify", sample, "--adapter", "lung-nodule", "--frozen", "--json"]));
    expect((await anymc3d(at, ["classify", sample, "--adapter", "lung-nodule@^2"])).stderr).toContain("LOCK_MISMATCH");
    expect(JSON.parse((await anymc3d(at, ["adapter", "outdated", "--json"])).stdout)).toEqual([]);
    expect((await anymc3d(at, ["adapter", "remove", "lung-nodule"])).code).toBe(0);
    expect(await anymc3d(at, ["adapter", "remove", "lung-nodule"])).toMatchObject({ code: 2, stderr: expect.stringContaining("not in") });
  });

  test("a range without a lock, straight from the registry", async () => {
    expectLogits(await anymc3d(await project(), ["classify", sample, "--adapter", "@anymc3d/adapter-lung-nodule@1.x", "--json"]));
  });

  test("a lock that was changed by hand is refused, and nothing is classified", async () => {
    const at = await project();
    await anymc3d(at, ["adapter", "add", "lung-nodule"]);
    const path = join(at, "anymc3d.lock.json");
    const lock = JSON.parse(await readFile(path, "utf8"));
    lock.adapters["@anymc3d/adapter-lung-nodule"].hash = `sha256-${"0".repeat(64)}`;
    await writeFile(path, JSON.stringify(lock));
    const run = await anymc3d(at, ["classify", sample, "--adapter", "lung-nodule", "--json"]);
    expect([run.code, run.stdout, run.stderr]).toEqual([1, "", expect.stringContaining("LOCK_MISMATCH")]);
  });

  test("a bundle carries it to a machine that never saw the registry; pack makes a file that add takes", async () => {
    const at = await project();
    const bundle = join(at, "lung.zip");
    expect((await anymc3d(at, ["adapter", "bundle", "lung-nodule", "--out", bundle])).code).toBe(0);
    const far = { ANYMC3D_CACHE: join(folder, "far-cache"), npm_config_registry: "http://127.0.0.1:9/" };
    const there = await project();
    expect((await anymc3d(there, ["adapter", "add", bundle], far)).stdout).toContain("added @anymc3d/adapter-lung-nodule@1.0.0");
    expectLogits(await anymc3d(there, ["classify", sample, "--adapter", "lung-nodule", "--frozen", "--offline", "--json"], far));
    const copy = await copyOf("adapters-adrenal-shape", "0.2.0");
    const { file } = JSON.parse((await anymc3d(at, ["adapter", "pack", copy, "--out", join(at, "made/on the way"), "--json"])).stdout);
    expect((await anymc3d(at, ["adapter", "add", join(at, file.replace(at, ""))])).stdout).toContain("added @anymc3d/adapter-adrenal-shape@0.2.0");
    expect((await anymc3d(at, ["adapter", "pack", copy, "--out", bundle])).stderr).toContain("OUTPUT_NOT_WRITABLE");
    expect((await anymc3d(at, ["classify", sample, "--adapter", "lung.zip"])).stderr).toContain("lung.zip is a bundle");
    expect((await anymc3d(at, ["classify", sample, "--adapter", "Lung-Nodule"])).stderr).toContain("Did you mean lung-nodule?");
  });

  describe("a bundle", () => {
    const name = "@anymc3d/adapter-lung-nodule";
    const far = () => ({ ANYMC3D_CACHE: join(folder, `bundle-cache-${++number}`) });

    test("is not taken where its lock or an adapter in it is wrong: nothing is kept, the lock stays as it was", async () => {
      const store = folderStore(join(folder, "made"));
      const registry = await openRegistry({ url, store, unlocked: true, cwd: folder });
      const { entry } = await registry.lock("lung-nodule");
      const zero = `sha256-${"0".repeat(64)}`;
      const wrong = await packed(await copyOf("adapters-lung-nodule", "1.0.0", (text) => text.replace(/("logits": \[\s*)/, "$19")));
      const changed = [
        [{ ...entry, hash: zero }, "its lock is not of what it holds"],
        [{ ...entry, backbone: { ...entry.backbone, hash: zero } }, "its lock is not of what it holds"],
        [{ ...entry, backbone: { ...entry.backbone, integrity: entry.integrity } }, "its lock is not of what it holds"],
        [(await registry.lock(wrong)).entry, "CONFORMANCE_FAILED"],
      ] as const;
      const at = await project();
      await anymc3d(at, ["adapter", "add", "lung-nodule"]);
      const before = await lockOf(at);
      for (const [each, said] of changed) {
        await writeFile(join(at, "bad.zip"), await writeBundle({ adapters: { [name]: each } }, store));
        const cache = far();
        const run = await anymc3d(at, ["adapter", "add", "bad.zip"], cache);
        expect([run.code, run.stderr]).toEqual([1, expect.stringContaining(said)]);
        expect([await lockOf(at), await readdir(cache.ANYMC3D_CACHE).catch(() => [])]).toEqual([before, []]);
      }
    });

    test("changes nothing under --frozen; says which version it replaces", async () => {
      const at = await project();
      await anymc3d(at, ["adapter", "add", "lung-nodule"]);
      await anymc3d(at, ["adapter", "bundle", "lung-nodule", "--out", "lung.zip"]);
      const before = await lockOf(at);
      expect((await anymc3d(at, ["adapter", "add", "lung.zip", "lung-nodule", "--frozen"])).stdout).toMatch(/^kept .*@1\.0\.0 .*\nkept .*@1\.0\.0 /);
      const newer = await packed(await copyOf("adapters-lung-nodule", "1.0.1"));
      for (const spec of [newer, "adrenal-shape"]) {
        const run = await anymc3d(at, ["adapter", "add", spec, "--frozen"]);
        expect([run.code, run.stderr]).toEqual([1, expect.stringContaining("LOCK_MISMATCH")]);
      }
      expect(await lockOf(at)).toEqual(before);
      expect((await anymc3d(at, ["adapter", "add", newer])).stdout).toContain(`replaced 1.0.0: ${name}@1.0.1`);
      const cache = far();
      const frozen = await anymc3d(at, ["adapter", "add", "lung.zip", "--frozen"], cache);
      expect([frozen.code, frozen.stderr]).toEqual([1, expect.stringContaining("1.0.1 with other hashes")]);
      expect([(await lockOf(at))[name].version, await readdir(cache.ANYMC3D_CACHE).catch(() => [])]).toEqual(["1.0.1", []]);
      expect(JSON.parse((await anymc3d(at, ["adapter", "add", "lung.zip", "--json"])).stdout)).toMatchObject({ version: "1.0.0", replaced: "1.0.1" });
      const other = await packed(await copyOf("adapters-lung-nodule", "1.0.0", (text) => text.replace('"title": "', '"title": "My ')));
      expect((await anymc3d(at, ["adapter", "add", other])).stderr).toContain("other bytes than the lock held under this version");
    });

    test("is made where the cache cannot be written; a full disk leaves no half of one", async (context) => {
      const at = await project();
      await writeFile(join(at, "a-file"), "");
      const nowhere = { ANYMC3D_CACHE: join(at, "a-file/cache") };
      expect(await anymc3d(at, ["adapter", "bundle", "lung-nodule", "--out", "new/lung.zip"], nowhere)).toMatchObject({ code: 0 });
      expect((await anymc3d(at, ["adapter", "add", "new/lung.zip"], nowhere)).stderr).toMatch(/OUTPUT_NOT_WRITABLE.*ANYMC3D_CACHE names another folder/);
      expect((await anymc3d(at, ["adapter", "add", "new/lung.zip"], far())).code).toBe(0);
      const disk = join(at, "disk");
      await mkdir(disk);
      try {
        execFileSync("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", disk], { stdio: "ignore" });
      } catch {
        return context.skip("no file system may be mounted here: a full disk is not tested");
      }
      try {
        const copy = await copyOf("adapters-lung-nodule", "1.0.0");
        for (const args of [
          ["bundle", "lung-nodule", "--out", "disk/lung.zip"],
          ["pack", copy, "--out", "disk"],
        ]) {
          const run = await anymc3d(at, ["adapter", ...args]);
          expect([run.code, run.stderr, await readdir(disk)]).toEqual([1, expect.stringMatching(/OUTPUT_NOT_WRITABLE.*no space/i), []]);
        }
      } finally {
        execFileSync("umount", [disk]);
      }
    });
  });

  test("a lock that is damaged is refused before anything is fetched", async () => {
    const at = await project();
    await writeFile(join(at, "anymc3d.lock.json"), "{bad");
    const cache = join(folder, "damaged-lock-cache");
    expect((await anymc3d(at, ["adapter", "add", "lung-nodule"], { ANYMC3D_CACHE: cache })).stderr).toContain("LOCK_INVALID");
    expect(await readdir(cache).catch(() => [])).toEqual([]);
  });

  test("a locked adapter runs on the backbone that is locked, not on an installed one", async () => {
    const at = await project();
    const cache = { ANYMC3D_CACHE: join(folder, "locked-backbone-cache") };
    await anymc3d(at, ["adapter", "add", "lung-nodule"], cache);
    const { entries } = JSON.parse((await anymc3d(at, ["cache", "ls", "--json"], cache)).stdout);
    const { key } = entries.find(({ what }: { what: string }) => what.startsWith("@anymc3d/backbone-"));
    await rm(join(cache.ANYMC3D_CACHE, key));
    const run = await anymc3d(at, ["classify", sample, "--adapter", "lung-nodule", "--offline", "--json"], cache);
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(/PACKAGE_NOT_FOUND .*backbone-dinov2-small@0\.1\.0/)]);
    // A folder is of no lock: what is installed will do.
    expectLogits(await anymc3d(at, ["classify", sample, "--adapter", join(packages, "adapters-lung-nodule"), "--offline", "--json"], cache));
  });

  test("outdated: what the registry did not say just now is not said to be up to date; deprecation is told", async () => {
    const at = await project();
    await anymc3d(at, ["adapter", "add", "adrenal-shape"]);
    expect((await anymc3d(at, ["adapter", "outdated"])).stdout).toBe("All up to date.\n");
    // The same registry, and no way to it.
    const gone = { npm_config_proxy: "http://127.0.0.1:9/", HTTP_PROXY: "http://127.0.0.1:9/", npm_config_noproxy: "", NO_PROXY: "", no_proxy: "" };
    for (const [args, env] of [
      [["--offline"], {}],
      [[], gone],
    ] as const) {
      const run = await anymc3d(at, ["adapter", "outdated", ...args], env);
      expect([run.code, run.stdout]).toEqual([0, expect.stringMatching(/adapter-adrenal-shape .*not asked now/)]);
      expect(run.stderr).toContain("warning");
    }
    const deprecate = (why: string) =>
      promisify(execFile)("npm", ["deprecate", "@anymc3d/adapter-adrenal-shape@0.2.0", why, "--registry", url], { cwd: at, env: environment() });
    await deprecate("wrong side");
    try {
      const [row] = JSON.parse((await anymc3d(at, ["adapter", "outdated", "--json"])).stdout);
      expect(row).toMatchObject({ version: "0.2.0", latest: "0.2.0", note: "0.2.0 is deprecated: wrong side" });
    } finally {
      await deprecate("");
    }
    await writeFile(join(at, "anymc3d.lock.json"), (await readFile(join(at, "anymc3d.lock.json"), "utf8")).replace("adapter-adrenal-shape", "adapter-gone"));
    expect((await anymc3d(at, ["adapter", "outdated"])).stdout).toMatch(/adapter-gone .*not known to the registry/);
  });

  test("the cache: listed by name, a flipped bit found by verify, pruned", async () => {
    const cache = { ANYMC3D_CACHE: join(folder, "own-cache") };
    const at = await project();
    await anymc3d(at, ["adapter", "add", "lung-nodule"], cache);
    const { entries } = JSON.parse((await anymc3d(at, ["cache", "ls", "--json"], cache)).stdout);
    const { key } = entries.find(({ what }: { what: string }) => what === "@anymc3d/adapter-lung-nodule@1.0.0");
    const bytes = await readFile(join(cache.ANYMC3D_CACHE, key));
    bytes[bytes.length >> 1] ^= 1;
    await writeFile(join(cache.ANYMC3D_CACHE, key), bytes);
    expect(JSON.parse((await anymc3d(at, ["cache", "verify", "--json"], cache)).stdout).removed).toEqual([key]);
    expectLogits(await anymc3d(at, ["classify", sample, "--adapter", "lung-nodule", "--json"], cache));
    await anymc3d(at, ["cache", "prune"], cache);
    expect(JSON.parse((await anymc3d(at, ["cache", "ls", "--json"], cache)).stdout).entries).toEqual([]);
  });
});

describe("killed and crowded", () => {
  test("a registry goes on when nobody reads what it says any more", async () => {
    const server = spawn("node", [bin, "registry", "start", "--storage", join(folder, "unread"), "--port", "0", "--json"], { env: environment() });
    const own: string = await new Promise((resolve) => server.stdout.on("data", (text: Buffer) => /"url":"([^"]+)"/.test(String(text)) && resolve(RegExp.$1)));
    server.stdout.destroy();
    // A damaged package is logged as an error.
    await mkdir(join(folder, "unread/packages/damaged"), { recursive: true });
    await writeFile(join(folder, "unread/packages/damaged/package.json"), "{bad");
    // What it says of one may be written later than its answer: a fault of that would show at a later one.
    for (let i = 0; i < 20; i++) {
      expect((await fetch(`${own}damaged`)).status).toBe(500);
      await new Promise((done) => setTimeout(done, 50));
    }
    expect((await fetch(`${own}-/ping`)).status).toBe(200);
    server.kill("SIGINT");
  });

  test("killed at any moment, add leaves a whole lock or none, and nothing that verify must remove", async () => {
    // Shares of what a whole run takes here and now, from the start of the program to after its end.
    const start = performance.now();
    await anymc3d(await project(), ["adapter", "add", "lung-nodule"], { ANYMC3D_CACHE: join(folder, "killed-never") });
    const whole = performance.now() - start;
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1]) {
      const at = await project();
      const cache = { ANYMC3D_CACHE: join(folder, `killed-${share}`) };
      const child = spawn("node", [bin, "adapter", "add", "lung-nodule"], { cwd: at, env: environment(cache), stdio: "ignore" });
      const ended = new Promise((done) => child.on("exit", done));
      setTimeout(() => child.kill("SIGKILL"), share * whole);
      await ended;
      const lock = await readFile(join(at, "anymc3d.lock.json"), "utf8").catch(() => undefined);
      if (lock) expect(Object.keys(JSON.parse(lock).adapters)).toEqual(["@anymc3d/adapter-lung-nodule"]);
      expect(JSON.parse((await anymc3d(at, ["cache", "verify", "--json"], cache)).stdout).removed).toEqual([]);
      expect((await anymc3d(at, ["adapter", "add", "lung-nodule"], cache)).stderr, `after a kill at ${share} of a run`).toBe("");
    }
  });

  test("20 processes add the same adapter to one project on an empty cache", async () => {
    const at = await project();
    const cache = { ANYMC3D_CACHE: join(folder, "crowded") };
    const runs = await Promise.all(Array.from({ length: 20 }, () => anymc3d(at, ["adapter", "add", "adrenal-shape"], cache)));
    // A slow machine is told how far it is, nothing else.
    for (const run of runs) expect(run).toMatchObject({ code: 0, stderr: expect.stringMatching(/^(adrenal-shape, .* so far\n)*$/) });
    expect(await readdir(at)).toEqual(["anymc3d.lock.json"]);
    const kept = await readdir(cache.ANYMC3D_CACHE);
    expect([kept.filter((name) => name.startsWith("package-")).length, kept.filter((name) => name.endsWith(".part"))]).toEqual([2, []]);
  });

  test("the registry is down: said, and what was added still works", async () => {
    const at = await project();
    await anymc3d(at, ["adapter", "add", "lung-nodule"]);
    const down = { npm_config_registry: "http://127.0.0.1:9/" };
    const run = await anymc3d(at, ["adapter", "search"], down);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining("REGISTRY_UNREACHABLE")]);
    expectLogits(await anymc3d(at, ["classify", sample, "--adapter", "lung-nodule", "--json"], down));
  });
});
