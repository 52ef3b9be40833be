// Resolving and loading against a real Verdaccio, and against servers that misbehave: nothing unverified is ever loaded or kept.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { isAbortError, isAnyMC3DError } from "@anymc3d/core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createRegistry, memoryStore, type RegistryOptions } from "../src/index.js";
import { folderStore } from "../src/node.js";
import { type RunningRegistry, startRegistry } from "../src/server.js";
import { type Entry, tarball } from "./tar-build.js";

const packageFolder = (name: string) => fileURLToPath(new URL(`../../packages/${name}`, import.meta.url));
const adapterFile = (name: string) => readFile(join(packageFolder("adapter-lung-nodule"), name));
let folder: string;
let real: RunningRegistry;

async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!isAnyMC3DError(error)) throw error ?? new Error("nothing was refused");
  return { code: error.code, message: error.message };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-registry-"));
  real = await startRegistry({ storage: join(folder, "storage"), port: 0 });
  const body = JSON.stringify({ name: "author", password: "a long password" });
  const account = await fetch(`${real.url}-/user/org.couchdb.user:author`, { method: "PUT", headers: { "content-type": "application/json" }, body });
  await writeFile(join(folder, "npmrc"), `${real.url.replace("http:", "")}:_authToken=${(await account.json()).token}\n`);
  const env = { ...process.env, npm_config_userconfig: join(folder, "npmrc"), npm_config_cache: join(folder, "npm-cache") };
  for (const name of ["adapter-lung-nodule", "backbone-dinov2-small"])
    await promisify(execFile)("npm", ["publish", "--ignore-scripts", "--registry", real.url], { cwd: packageFolder(name), env });
}, 120_000);
afterAll(async () => {
  await real.close();
  await rm(folder, { recursive: true, force: true });
});

describe("against Verdaccio", () => {
  test("by name, range, tag and exact version: the shipped adapter, bit for bit", async () => {
    const registry = createRegistry({ url: real.url, store: memoryStore() });
    const manifest = JSON.parse(String(await adapterFile("adapter.json")));
    for (const spec of ["lung-nodule", "lung-nodule@^1", "@anymc3d/adapter-lung-nodule@latest", `lung-nodule@${manifest.version}`]) {
      const adapter = await registry.load(spec);
      expect(adapter.manifest).toEqual(manifest);
    }
    const { name, version, integrity } = await registry.resolve("lung-nodule@1.x");
    expect([name, version]).toEqual(["@anymc3d/adapter-lung-nodule", "1.0.0"]);
    expect(integrity).toMatch(/^sha512-/);
    expect(await registry.card("lung-nodule")).toBe(String(await adapterFile("README.md")));
  });

  test("the backbone that the adapter names, with progress", async () => {
    const registry = createRegistry({ url: real.url, store: memoryStore() });
    let last = 0;
    const backbone = await registry.loadBackbone("dinov2-small", { onProgress: (done) => (last = done) });
    const { manifest } = await registry.load("lung-nodule");
    expect(backbone.hash).toBe(manifest.backbone.hash);
    expect(last).toBeGreaterThan(30e6);
  });

  test("what is not there says what is", async () => {
    const registry = createRegistry({ url: real.url, store: memoryStore() });
    expect(await refusal(registry.load("no-such-thing"))).toMatchObject({ code: "PACKAGE_NOT_FOUND" });
    expect(await refusal(registry.load("lung-nodule@^7"))).toMatchObject({ code: "VERSION_NOT_FOUND", message: expect.stringContaining("1.0.0") });
    expect(await refusal(registry.load("dinov2-small@latest"))).toMatchObject({ code: "PACKAGE_NOT_FOUND" });
    expect(await refusal(registry.load("@anymc3d/backbone-dinov2-small"))).toMatchObject({
      code: "PACKAGE_INVALID",
      message: expect.stringContaining("no adapter.json"),
    });
    for (const spec of ["", "UPPER CASE", "@", "lung-nodule@", "../up"]) expect((await refusal(registry.resolve(spec))).code).toBe("OPTION_INVALID");
  });

  test("a hash that was agreed on: another one is refused with both", async () => {
    const registry = createRegistry({ url: real.url, store: memoryStore() });
    const { integrity } = await registry.resolve("lung-nodule");
    await registry.load("lung-nodule", { integrity });
    const other = `sha512-${"A".repeat(86)}==`;
    const { code, message } = await refusal(registry.load("lung-nodule", { integrity: other }));
    expect([code, message.includes(other), message.includes(integrity)]).toEqual(["INTEGRITY_MISMATCH", true, true]);
  });

  test("offline: what was loaded works from the folder, in another process too; what was not says so at once", async () => {
    const store = folderStore(join(folder, "offline"));
    await createRegistry({ url: real.url, store }).load("lung-nodule");
    const offline = createRegistry({ url: real.url, store: folderStore(join(folder, "offline")), offline: true });
    expect((await offline.load("lung-nodule@^1")).manifest.version).toBe("1.0.0");
    expect(await refusal(offline.load("adrenal-shape"))).toMatchObject({ code: "PACKAGE_NOT_FOUND", message: expect.stringContaining("offline") });
    // The registry is gone, and nobody said that it would be.
    const down = createRegistry({ url: "http://127.0.0.1:9/", store: memoryStore(), http: { tries: 1 } });
    expect((await refusal(down.load("lung-nodule"))).code).toBe("REGISTRY_UNREACHABLE");
  });

  test("a flipped bit in the cache heals by a new download; without a registry it is no longer there", async () => {
    const at = join(folder, "flipped");
    await createRegistry({ url: real.url, store: folderStore(at) }).load("lung-nodule");
    const [key] = (await readdir(at)).filter((name) => name.startsWith("package-"));
    const flip = async () => {
      const bytes = await readFile(join(at, key));
      bytes[bytes.length >> 1] ^= 4;
      await writeFile(join(at, key), bytes);
    };
    await flip();
    expect((await createRegistry({ url: real.url, store: folderStore(at) }).load("lung-nodule")).manifest.version).toBe("1.0.0");
    await flip();
    expect((await refusal(createRegistry({ url: real.url, store: folderStore(at), offline: true }).load("lung-nodule"))).code).toBe("PACKAGE_NOT_FOUND");
    expect((await readdir(at)).filter((name) => name.startsWith("package-"))).toEqual([]);
  });

  test("20 at once on an empty folder: all load, and one whole package is left", async () => {
    const at = join(folder, "many");
    const loads = Array.from({ length: 20 }, () => createRegistry({ url: real.url, store: folderStore(at) }).load("lung-nodule"));
    for (const adapter of await Promise.all(loads)) expect(adapter.manifest.version).toBe("1.0.0");
    expect((await readdir(at)).map((name) => name.split("-")[0]).sort()).toEqual(["metadata", "package"]);
    expect(await folderStore(at).verify()).toEqual([]);
  });

  test("the cache is listed, verified and pruned", async () => {
    const at = join(folder, "pruned");
    const store = folderStore(at);
    await createRegistry({ url: real.url, store }).load("lung-nodule");
    const [{ key }] = (await store.list()).filter((entry) => entry.key.startsWith("package-"));
    await writeFile(join(at, key), "something else");
    expect(await store.verify()).toEqual([key]);
    await createRegistry({ url: real.url, store }).load("lung-nodule");
    await store.prune(0);
    expect(await store.list()).toEqual([]);
  });

  test("a folder that cannot be written costs nothing but the next download", async () => {
    await writeFile(join(folder, "a-file"), "");
    const registry = createRegistry({ url: real.url, store: folderStore(join(folder, "a-file/cache")) });
    expect((await registry.load("lung-nodule")).manifest.version).toBe("1.0.0");
  });
});

describe("servers that misbehave", () => {
  let origin: string;
  let close: () => Promise<void>;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let asked: string[];
  beforeEach(async () => {
    asked = [];
    const server = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization ?? ""}`.trim());
      answer(request, response);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    close = () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      });
  });
  afterEach(() => close());

  const open = (options: Partial<RegistryOptions> = {}) =>
    createRegistry({ url: origin, store: memoryStore(), http: { tries: 2, pause: 10, timeout: 500 }, ...options });
  const sri = (bytes: Uint8Array) => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  const packument = (bytes: Uint8Array, more: object = {}) =>
    JSON.stringify({
      name: "adapter-x",
      "dist-tags": { latest: "1.0.0" },
      versions: { "1.0.0": { dist: { tarball: `${origin}/x.tgz`, integrity: sri(bytes) }, ...more } },
    });
  /** A registry with one package, whose tarball goes out as `send` says. */
  const serve = (bytes: Uint8Array, send: (response: ServerResponse) => void = (response) => response.end(bytes), more: object = {}) => {
    answer = (request, response) => (request.url === "/x.tgz" ? send(response) : response.end(packument(bytes, more)));
  };
  const good = async (): Promise<Entry[]> => [
    { path: "package/adapter.json", content: await adapterFile("adapter.json") },
    { path: "package/weights.safetensors", content: await adapterFile("weights.safetensors") },
    { path: "package/index.js", content: "throw new Error('code of a package was run')" },
  ];

  test("a good one, to know that the others fail for their own reason; its code is not run", async () => {
    serve(tarball(await good()));
    expect((await open().load("adapter-x")).manifest.name).toBe("@anymc3d/adapter-lung-nodule");
  });

  test("another content than the registry stated: both hashes, nothing kept, no second try", async () => {
    const bytes = tarball(await good());
    const store = memoryStore();
    serve(bytes, (response) => response.end(tarball([])));
    const { code, message } = await refusal(open({ store }).load("adapter-x"));
    expect([code, message.includes(sri(bytes)), message.includes(sri(tarball([])))]).toEqual(["INTEGRITY_MISMATCH", true, true]);
    expect(asked.filter((url) => url === "/x.tgz")).toHaveLength(1);
    serve(bytes);
    expect((await open({ store }).load("adapter-x")).manifest.version).toBe("1.0.0");
  });

  test("a version without SHA-512 is not offered", async () => {
    const bytes = tarball(await good());
    answer = (_, response) => response.end(packument(bytes).replace(/"integrity":"[^"]+"/, '"shasum":"da39a3ee5e6b4b0d3255bfef95601890afd80709"'));
    expect(await refusal(open().load("adapter-x"))).toMatchObject({ code: "VERSION_NOT_FOUND", message: expect.stringContaining("can be checked") });
  });

  test.each<[string, () => Promise<Entry[]>, RegExp]>([
    ["a path upward", async () => [...(await good()), { path: "package/../../evil", content: "x" }], /leave the package's folder/],
    ["an absolute path", async () => [...(await good()), { path: "/etc/evil", content: "x" }], /leave the package's folder/],
    ["a symbolic link", async () => [...(await good()), { path: "package/link", type: "2" }], /link or device/],
    ["a hard link", async () => [...(await good()), { path: "package/link", type: "1" }], /link or device/],
    ["a device", async () => [...(await good()), { path: "package/dev", type: "3" }], /link or device/],
    ["a name twice", async () => [...(await good()), { path: "package/adapter.json", content: "{}" }], /twice/],
    ["too many entries", async () => Array.from({ length: 100_000 }, (_, i) => ({ path: `package/${i}` })), /more than 1000 entries/],
    ["a size that is not there", async () => [{ path: "package/adapter.json", content: "{}", size: 2 ** 30 }], /breaks off/],
    ["no adapter", async () => [{ path: "package/README.md", content: "x" }], /no adapter\.json/],
    ["an adapter.json that is no JSON", async () => [{ path: "package/adapter.json", content: "<html>" }, (await good())[1]], /not JSON/],
  ])("a tarball with %s is refused", async (_, entries, said) => {
    serve(tarball(await entries()));
    expect(await refusal(open().load("adapter-x"))).toMatchObject({ code: "PACKAGE_INVALID", message: expect.stringMatching(said) });
  });

  test("a bomb is refused before it is unpacked whole", async () => {
    serve(tarball([{ path: "package/weights.safetensors", content: Buffer.alloc(2 ** 28) }]));
    const before = process.memoryUsage().rss;
    expect((await refusal(open({ limits: { unpacked: 2 ** 24 } }).load("adapter-x"))).message).toMatch(/unpacks to more than 16777216 bytes/);
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
    expect((await refusal(open({ limits: { tarball: 1000 } }).load("adapter-x"))).code).toBe("FILE_TOO_LARGE");
  });

  test.each([
    [401, "ACCESS_DENIED", 1],
    [403, "ACCESS_DENIED", 1],
    [404, "PACKAGE_NOT_FOUND", 1],
    [409, "REGISTRY_UNREACHABLE", 1],
    [429, "REGISTRY_UNREACHABLE", 2],
    [500, "REGISTRY_UNREACHABLE", 2],
    [503, "REGISTRY_UNREACHABLE", 2],
  ])("%i: %s after %i tries", async (status, code, tries) => {
    answer = (_, response) => response.writeHead(status).end("no");
    expect(await refusal(open().load("adapter-x"))).toMatchObject({ code });
    expect(asked).toHaveLength(tries);
  });

  test("an answer that comes at the second try is taken; Retry-After is kept", async () => {
    const bytes = tarball(await good());
    let first = true;
    answer = (request, response) => {
      if (request.url === "/x.tgz") return void response.end(bytes);
      if (first) response.writeHead(503, { "retry-after": "1" }).end();
      else response.end(packument(bytes));
      first = false;
    };
    const start = performance.now();
    await open().load("adapter-x");
    expect(performance.now() - start).toBeGreaterThan(900);
  });

  test("silence, half an answer, and a web page", async () => {
    answer = () => undefined;
    expect(await refusal(open().load("adapter-x"))).toMatchObject({ code: "REGISTRY_UNREACHABLE", message: expect.stringContaining("no answer in 0.5 s") });
    const bytes = tarball(await good());
    serve(bytes, (response) => {
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 1000), () => response.destroy());
    });
    expect(await refusal(open().load("adapter-x"))).toMatchObject({ code: "REGISTRY_UNREACHABLE", message: expect.stringContaining("broke off") });
    const store = memoryStore();
    answer = (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Log in</title>");
    expect(await refusal(open({ store }).load("adapter-x"))).toMatchObject({ code: "ASSET_INVALID", message: expect.stringContaining("text/html") });
    serve(bytes);
    expect((await open({ store }).load("adapter-x")).manifest.version).toBe("1.0.0");
  });

  test("a token goes to its registry, and not along a redirect to another host", async () => {
    const bytes = tarball(await good());
    const strangers: (string | undefined)[] = [];
    const stranger = createServer((request, response) => {
      strangers.push(request.headers.authorization);
      response.end(bytes);
    });
    await new Promise<void>((done) => stranger.listen(0, "127.0.0.1", done));
    // localhost is another host than 127.0.0.1.
    const elsewhere = `http://localhost:${(stranger.address() as AddressInfo).port}/x.tgz`;
    serve(bytes, (response) => response.writeHead(302, { location: elsewhere }).end());
    await open({ auth: { [origin]: "secret" } }).load("adapter-x");
    expect(asked).toEqual(["/adapter-x Bearer secret", "/x.tgz Bearer secret"]);
    expect(strangers).toEqual([undefined]);
    await new Promise((done) => stranger.close(done));
  });

  test("deprecation is told; a version that is not deprecated is chosen before", async () => {
    const bytes = tarball(await good());
    serve(bytes, undefined, { deprecated: "wrong labels" });
    expect((await open().resolve("adapter-x")).warnings).toMatchObject([{ code: "DEPRECATED", message: expect.stringContaining("wrong labels") }]);
    const info = JSON.parse(packument(bytes));
    info.versions["1.1.0"] = { ...info.versions["1.0.0"], deprecated: "broken" };
    answer = (_, response) => response.end(JSON.stringify(info));
    expect((await open().resolve("adapter-x@^1")).version).toBe("1.0.0");
  });

  test("abort in the middle of a download", async () => {
    const bytes = tarball(await good());
    serve(bytes, (response) => {
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 10_000));
    });
    const controller = new AbortController();
    const work = open({ http: { timeout: 60_000 } }).load("adapter-x", { signal: controller.signal, onProgress: () => controller.abort() });
    await expect(work).rejects.toSatisfy(isAbortError);
  });
});
