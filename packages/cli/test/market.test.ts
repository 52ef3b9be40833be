// The user's road through the built program, against a real registry: find, add, classify by name, offline, bundles, kills at any moment.
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bin, type RegistryProcess, startRegistryProcess } from "./registry-process.js";

const packages = fileURLToPath(new URL("../..", import.meta.url));
const sample = join(packages, "adapter-lung-nodule/sample.nii.gz");
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
  ...more,
});

const anymc3d = (cwd: string, args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
  new Promise<Run>((resolve) => {
    execFile("node", [bin, ...args], { cwd, env: environment(more), encoding: "utf8" }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

async function project(): Promise<string> {
  const at = join(folder, `project-${++number}`);
  await mkdir(at);
  return at;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-market-"));
  server = await startRegistryProcess(folder, environment());
  url = server.url;
  for (const name of ["adapter-lung-nodule", "adapter-adrenal-shape", "backbone-dinov2-small"])
    await promisify(execFile)("npm", ["publish", "--ignore-scripts", "--registry", url], { cwd: join(packages, name), env: environment() });
}, 120_000);
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
    const card = await readFile(join(packages, "adapter-lung-nodule/README.md"), "utf8");
    expect((await anymc3d(at, ["adapter", "info", "lung-nodule"])).stdout).toContain(card.trim());
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
    const copy = join(folder, "copy");
    await cp(join(packages, "adapter-adrenal-shape"), copy, { recursive: true, filter: (path) => !/[/\\](run|compare)$/.test(path) });
    const { file } = JSON.parse((await anymc3d(at, ["adapter", "pack", copy, "--out", at, "--json"])).stdout);
    expect((await anymc3d(at, ["adapter", "add", file])).stdout).toContain("added @anymc3d/adapter-adrenal-shape@0.1.0");
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
    for (let i = 0; i < 3; i++) {
      expect((await fetch(`${own}damaged`)).status).toBe(500);
      // A log may be written later than its answer.
      await new Promise((done) => setTimeout(done, 300));
    }
    expect((await fetch(`${own}-/ping`)).status).toBe(200);
    server.kill("SIGINT");
  });

  test("killed at any moment, add leaves a whole lock or none, and nothing that verify must remove", { timeout: 300_000 }, async () => {
    for (const delay of [150, 300, 450, 600, 900, 1300, 1800]) {
      const at = await project();
      const cache = { ANYMC3D_CACHE: join(folder, `killed-${delay}`) };
      const child = spawn("node", [bin, "adapter", "add", "lung-nodule"], { cwd: at, env: environment(cache), stdio: "ignore" });
      const ended = new Promise((done) => child.on("exit", done));
      setTimeout(() => child.kill("SIGKILL"), delay);
      await ended;
      const lock = await readFile(join(at, "anymc3d.lock.json"), "utf8").catch(() => undefined);
      if (lock) expect(Object.keys(JSON.parse(lock).adapters)).toEqual(["@anymc3d/adapter-lung-nodule"]);
      expect(JSON.parse((await anymc3d(at, ["cache", "verify", "--json"], cache)).stdout).removed).toEqual([]);
      expect((await anymc3d(at, ["adapter", "add", "lung-nodule"], cache)).stderr, `after a kill at ${delay} ms`).toBe("");
    }
  });

  test("20 processes add the same adapter to one project on an empty cache", { timeout: 400_000 }, async () => {
    const at = await project();
    const cache = { ANYMC3D_CACHE: join(folder, "crowded") };
    const runs = await Promise.all(Array.from({ length: 20 }, () => anymc3d(at, ["adapter", "add", "adrenal-shape"], cache)));
    for (const run of runs) expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(await readdir(at)).toEqual(["anymc3d.lock.json"]);
    const kept = await readdir(cache.ANYMC3D_CACHE);
    expect([kept.filter((name) => name.startsWith("package-")).length, kept.filter((name) => name.endsWith(".part"))]).toEqual([2, []]);
  });

  test("the registry is down: said within seconds; what was added still works", async () => {
    const at = await project();
    await anymc3d(at, ["adapter", "add", "lung-nodule"]);
    const down = { npm_config_registry: "http://127.0.0.1:9/" };
    const start = performance.now();
    const run = await anymc3d(at, ["adapter", "search"], down);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining("REGISTRY_UNREACHABLE")]);
    expect(performance.now() - start).toBeLessThan(15_000);
    expectLogits(await anymc3d(at, ["classify", sample, "--adapter", "lung-nodule", "--json"], down));
  });
});
