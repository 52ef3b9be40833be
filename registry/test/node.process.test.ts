// What only Node has: the folder that packages are kept in, the user's npm settings and proxies, the lock file, bundles.
import { execFile, execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { isAnyMC3DError } from "@anymc3d/core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createRegistry, type LockEntry, memoryStore, parseLock } from "../src/index.js";
import { changeLock, findLock, folderStore, openRegistry, readBundle, withMemory, writeBundle } from "../src/node.js";
import type { RunningRegistry } from "../src/server.js";
import { packageFolder, startPublished } from "./published.js";

let folder: string;
let real: RunningRegistry;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-registry-node-"));
  real = await startPublished(folder, ["adapters-lung-nodule", "backbone-dinov2-small"]);
});
afterAll(async () => {
  await real.close();
  await rm(folder, { recursive: true, force: true });
});

async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!isAnyMC3DError(error)) throw error ?? new Error("nothing was refused");
  return { code: error.code, message: error.message };
}

describe("the folder", () => {
  test("20 at once on an empty folder: all load, and one whole package is left", async () => {
    const at = join(folder, "many");
    const loads = Array.from({ length: 20 }, () => createRegistry({ url: real.url, store: folderStore(at) }).load("lung-nodule"));
    for (const adapter of await Promise.all(loads)) expect(adapter.manifest.version).toBe("1.0.0");
    expect((await readdir(at)).map((name) => name.split("-")[0]).sort()).toEqual(["metadata", "package"]);
    expect(await folderStore(at).verify()).toEqual([]);
  });

  test("is listed, verified, pruned, and kept under a limit", async () => {
    const at = join(folder, "pruned");
    const store = folderStore(at);
    await createRegistry({ url: real.url, store }).load("lung-nodule");
    const [{ key }] = (await store.list()).filter((entry) => entry.key.startsWith("package-"));
    await writeFile(join(at, key), "something else");
    await writeFile(join(at, "metadata-damaged"), "{bad");
    expect((await store.verify()).sort()).toEqual(["metadata-damaged", key]);
    await createRegistry({ url: real.url, store }).load("lung-nodule");
    await writeFile(join(at, "metadata-damaged"), "{bad");
    expect((await store.list()).map(({ what }) => what).sort()).toEqual(["@anymc3d/adapter-lung-nodule@1.0.0", "metadata", "metadata"]);
    await store.prune(0);
    expect(await store.list()).toEqual([]);
    const small = folderStore(at, 2000);
    for (const [i, name] of ["a", "b", "c"].entries()) {
      await small.write(`package-${name}`, new Uint8Array(900));
      await utimes(join(at, `package-${name}`), 1000 + i, 1000 + i);
    }
    expect((await small.list()).map((entry) => entry.key).sort()).toEqual(["package-b", "package-c"]);
  });

  test("a file that cannot be removed is told of, and costs a later write nothing", async (context) => {
    const at = join(folder, "stuck");
    const store = folderStore(at, 1000);
    await store.write("package-a", new Uint8Array(900));
    const stuck = join(at, "package-a");
    try {
      execFileSync("mount", ["--bind", stuck, stuck], { stdio: "ignore" });
    } catch {
      return context.skip("nothing may be mounted here: a file that cannot be removed is not tested");
    }
    try {
      await store.write("package-b", new Uint8Array(900));
      expect(await store.read("package-b")).toHaveLength(900);
      for (const work of [store.prune(0), store.verify()])
        expect(await refusal(work)).toMatchObject({ code: "OUTPUT_NOT_WRITABLE", message: expect.stringContaining("package-a cannot be removed") });
    } finally {
      execFileSync("umount", [stuck]);
    }
  });

  test("what is kept in memory, too, is there where the folder cannot be written", async () => {
    await writeFile(join(folder, "another-file"), "");
    const store = withMemory(folderStore(join(folder, "another-file/cache")));
    const { name, entry } = await createRegistry({ url: real.url, store }).lock("lung-nodule");
    expect((await readBundle(await writeBundle({ adapters: { [name]: entry } }, store), "x.zip", memoryStore())).adapters[name]).toEqual(entry);
    const { code } = await refusal(readBundle(await writeBundle({ adapters: { [name]: entry } }, store), "x.zip", folderStore(join(folder, "another-file/x"))));
    expect(code).toBe("OUTPUT_NOT_WRITABLE");
  });

  test("that cannot be written costs nothing but the next download, and that is told", async () => {
    await writeFile(join(folder, "a-file"), "");
    const told: string[] = [];
    const registry = createRegistry({ url: real.url, store: folderStore(join(folder, "a-file/cache")) });
    expect((await registry.load("lung-nodule", { onWarning: ({ code }) => told.push(code) })).manifest.version).toBe("1.0.0");
    expect(told).toEqual(["CACHE_NOT_WRITABLE"]);
  });
});

describe("at once in one process", () => {
  /** Loads with a fetch that keeps what was asked, and holds tarballs, or what else is named, back until it is let go. */
  function slowly(what = /\.tgz$/) {
    const asked: string[] = [];
    const signals: (AbortSignal | null | undefined)[] = [];
    let go: () => void = () => undefined;
    const held = new Promise<void>((done) => {
      go = done;
    });
    const slow: typeof fetch = async (url, init) => {
      asked.push(String(url).replace(real.url, ""));
      if (what.test(String(url))) {
        signals.push(init?.signal);
        await Promise.race([held, new Promise((_, fail) => init?.signal?.addEventListener("abort", () => fail(init.signal?.reason)))]);
      }
      return fetch(url, init);
    };
    const registry = createRegistry({ url: real.url, store: memoryStore(), http: { fetch: slow, patience: 60_000 } });
    const waiting = () => vi.waitFor(() => expect(signals.length).toBeGreaterThan(0), { timeout: 300_000 });
    return { registry, asked, signals, go, waiting };
  }

  test("five loads are one download, and each is told of it", async () => {
    const { registry, asked, go, waiting } = slowly();
    const told = [0, 0, 0, 0, 0];
    const loads = told.map((_, i) => registry.load("lung-nodule", { onProgress: (done) => (told[i] = done) }));
    await waiting();
    go();
    expect(new Set((await Promise.all(loads)).map(({ hash }) => hash)).size).toBe(1);
    expect(asked.sort()).toEqual(["-/npm/v1/keys", "@anymc3d%2fadapter-lung-nodule", "@anymc3d/adapter-lung-nodule/-/adapter-lung-nodule-1.0.0.tgz"]);
    expect(new Set(told).size).toBe(1);
    expect(told[0]).toBeGreaterThan(500_000);
  });

  test("one that gives up while the signing keys are asked for ends alone, too", async () => {
    const { registry, go, waiting } = slowly(/\/keys$/);
    const first = new AbortController();
    const loads = [registry.load("lung-nodule", { signal: first.signal }), registry.load("lung-nodule")];
    const ended = Promise.allSettled(loads);
    await waiting();
    first.abort(new Error("first"));
    go();
    expect((await ended).map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  });

  test("one that gives up ends alone; when all have given up, so does the download, and the next one begins anew", async () => {
    const { registry, signals, go, waiting } = slowly();
    const [a, b] = [new AbortController(), new AbortController()];
    const loads = [registry.load("lung-nodule", { signal: a.signal }), registry.load("lung-nodule", { signal: b.signal })];
    const ended = Promise.allSettled(loads);
    await waiting();
    a.abort(new Error("first"));
    await expect(loads[0]).rejects.toThrow("first");
    expect(signals.map((signal) => signal?.aborted)).toEqual([false]);
    b.abort(new Error("second"));
    expect((await ended).map((each) => each.status === "rejected" && each.reason.message)).toEqual(["first", "second"]);
    expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
    go();
    expect((await registry.load("lung-nodule")).manifest.version).toBe("1.0.0");
    expect(signals).toHaveLength(2);
  });
});

test("a full disk: loaded all the same, told, and nothing half-written stays; the lock file before is still whole", async (context) => {
  const disk = join(folder, "small-disk");
  await mkdir(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], { stdio: "ignore" });
  } catch {
    return context.skip("no file system may be mounted here: a full disk is not tested");
  }
  try {
    const told: string[] = [];
    const registry = createRegistry({ url: real.url, store: folderStore(join(disk, "cache")) });
    expect((await registry.load("lung-nodule", { onWarning: ({ code, message }) => told.push(`${code} ${message}`) })).manifest.version).toBe("1.0.0");
    expect(told).toEqual([expect.stringMatching(/^CACHE_NOT_WRITABLE .*no space left/i)]);
    expect((await readdir(join(disk, "cache"))).filter((name) => !name.startsWith("metadata-"))).toEqual([]);
    const path = join(disk, "anymc3d.lock.json");
    const entry = await someEntry();
    await changeLock(path, () => ({ adapters: { a: entry } }));
    const before = await readFile(path, "utf8");
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`adapter-${i}`, entry]));
    expect((await refusal(changeLock(path, () => ({ adapters: many })))).code).toBe("OUTPUT_NOT_WRITABLE");
    expect([await readFile(path, "utf8"), (await readdir(disk)).sort()]).toEqual([before, ["anymc3d.lock.json", "cache"]]);
  } finally {
    execFileSync("umount", [disk]);
  }
});

describe("npm's settings", () => {
  test("a scope's registry and its token from .npmrc, with a variable in it; without the token it is refused", async () => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.headers.authorization);
      if (request.headers.authorization !== "Bearer s3cret") return void response.writeHead(401, { "www-authenticate": "Bearer" }).end();
      httpRequest(real.url + (request.url ?? "/").slice(1), (inner) => {
        response.writeHead(inner.statusCode ?? 500, inner.headers);
        inner.pipe(response);
      }).end();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const origin = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cwd = join(folder, "project");
    await mkdir(cwd);
    await writeFile(join(cwd, "package.json"), "{}");
    const open = () => openRegistry({ cwd, store: folderStore(join(folder, "npmrc-cache")), http: { tries: 1 } });
    await writeFile(join(cwd, ".npmrc"), `@anymc3d:registry=http://${origin}/\n`);
    expect((await refusal((await open()).resolve("lung-nodule"))).code).toBe("ACCESS_DENIED");
    process.env.ANYMC3D_TEST_TOKEN = "s3cret";
    await writeFile(join(cwd, ".npmrc"), `@anymc3d:registry=http://${origin}/\n//${origin}/:_authToken=\${ANYMC3D_TEST_TOKEN}\n`);
    expect((await (await open()).resolve("lung-nodule")).version).toBe("1.0.0");
    expect(asked.at(-1)).toBe("Bearer s3cret");
    await new Promise((done) => server.close(done));
  });

  test("a proxy: all goes through it; NO_PROXY goes past it", async () => {
    const through: string[] = [];
    const proxy = createServer((request, response) => {
      through.push(request.url ?? "");
      const inner = httpRequest(request.url ?? "", { headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      inner.on("error", () => response.writeHead(502).end());
      inner.end();
    });
    // npm's agent tunnels plain http too.
    proxy.on("connect", async (request, socket, head) => {
      through.push(`CONNECT ${request.url}`);
      const { connect } = await import("node:net");
      const [host, port] = String(request.url).split(":");
      const inner = connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
        inner.write(head);
        inner.pipe(socket).pipe(inner);
      });
      inner.on("error", () => socket.destroy());
      socket.on("error", () => inner.destroy());
    });
    await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
    const load = (env: Record<string, string>) =>
      withEnv({ NO_PROXY: undefined, no_proxy: undefined, ...env }, async () =>
        (await openRegistry({ url: real.url, cwd: folder, store: folderStore(join(folder, `proxy-${Object.keys(env).length}`)) })).load("lung-nodule"),
      );
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    await load({ HTTP_PROXY: address, npm_config_proxy: address });
    expect(through.length).toBeGreaterThan(0);
    through.length = 0;
    await load({ HTTP_PROXY: address, npm_config_proxy: address, NO_PROXY: "127.0.0.1", npm_config_noproxy: "127.0.0.1" });
    expect(through).toEqual([]);
    proxy.closeAllConnections();
    await new Promise((done) => proxy.close(done));
  });

  test("a token does not follow a redirect to another host", async () => {
    const authorizations: (string | undefined)[] = [];
    const otherServer = createServer((request, response) => {
      authorizations.push(request.headers.authorization);
      response.writeHead(404).end();
    });
    await new Promise<void>((done) => otherServer.listen(0, "127.0.0.1", done));
    const server = createServer((_, response) =>
      response.writeHead(302, { location: `http://localhost:${(otherServer.address() as AddressInfo).port}/x` }).end(),
    );
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const origin = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cwd = join(folder, "redirected");
    await mkdir(cwd);
    await writeFile(join(cwd, "package.json"), "{}");
    await writeFile(join(cwd, ".npmrc"), `registry=http://${origin}/\n//${origin}/:_authToken=s3cret\n`);
    const registry = await openRegistry({ cwd, store: folderStore(join(folder, "redirected-cache")), http: { tries: 1 } });
    expect((await refusal(registry.resolve("lung-nodule"))).message).toContain("there is no such package");
    expect(authorizations).toEqual([undefined]);
    for (const each of [otherServer, server]) await new Promise((done) => each.close(done));
  });
});

async function withEnv<T>(env: Record<string, string | undefined>, work: () => Promise<T>): Promise<T> {
  const before = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
  const set = (values: Record<string, string | undefined>) => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  set(env);
  try {
    return await work();
  } finally {
    set(before);
  }
}

test("tarballs come as they are: neither asked for compressed, nor compressed by the private registry if a browser asks", async () => {
  const { tarball } = await createRegistry({ url: real.url, store: memoryStore() }).resolve("lung-nodule");
  const response = await fetch(tarball, { headers: { "accept-encoding": "gzip" } });
  expect([response.headers.get("content-encoding"), Number(response.headers.get("content-length"))]).toEqual([null, (await response.arrayBuffer()).byteLength]);
  const asked: (string | string[] | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers["accept-encoding"]);
    response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.tgz`;
  for (const registry of [createRegistry({ url: real.url, store: memoryStore() }), await openRegistry({ url: real.url, cwd: folder, unlocked: true })])
    expect((await refusal(registry.load(url))).code).toBe("PACKAGE_NOT_FOUND");
  expect(asked).toEqual(["identity", "identity"]);
  await new Promise((done) => server.close(done));
});

test("through npm's own fetch, too, a download goes on where it broke off", async () => {
  const { tarball } = await createRegistry({ url: real.url, store: memoryStore() }).resolve("lung-nodule");
  const bytes = new Uint8Array(await (await fetch(tarball)).arrayBuffer());
  const ranges: (string | undefined)[] = [];
  const server = createServer(({ headers: { range } }, response) => {
    ranges.push(range);
    const from = Number(/\d+/.exec(range ?? "0")?.[0]);
    const headers = { etag: '"one"', "accept-ranges": "bytes", "content-length": bytes.length - from };
    response.writeHead(range ? 206 : 200, range ? { ...headers, "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : headers);
    if (range) response.end(bytes.subarray(from));
    else response.write(bytes.subarray(0, 10_000), () => setTimeout(() => response.destroy(), 100));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.tgz`;
  const registry = await openRegistry({ url: real.url, cwd: folder, unlocked: true, store: memoryStore(), http: { pause: 10 } });
  expect([(await registry.load(url)).manifest.version, ranges]).toEqual(["1.0.0", [undefined, "bytes=10000-"]]);
  await new Promise((done) => server.close(done));
});

describe("the lock file", () => {
  test("is found on the way up and in force; damaged ones are refused by name", async () => {
    const project = join(folder, "locked");
    await mkdir(join(project, "deep/er"), { recursive: true });
    const store = folderStore(join(folder, "locked-cache"));
    const { name, entry } = await (await openRegistry({ url: real.url, cwd: project, store })).lock("lung-nodule");
    expect(entry.wanted).toBe("^1.0.0");
    await changeLock(join(project, "anymc3d.lock.json"), ({ adapters }) => ({ adapters: { ...adapters, [name]: entry } }));
    const locked = await openRegistry({ url: "http://127.0.0.1:9/", cwd: join(project, "deep/er"), store, frozen: true, http: { tries: 1 } });
    const adapter = await locked.load("lung-nodule");
    expect([adapter.hash, (await locked.loadBackbone(adapter)).hash]).toEqual([entry.hash, entry.backbone.hash]);
    const text = await readFile(join(project, "anymc3d.lock.json"), "utf8");
    for (const bad of [
      "{",
      "[]",
      text.replace('"lockfileVersion": 1', '"lockfileVersion": 2'),
      text.replace("sha512-", "sha1-"),
      text.replace("1.0.0", "one"),
      text.replace('"wanted": "^1.0.0"', '"wanted": "^2"'),
    ]) {
      await writeFile(join(project, "anymc3d.lock.json"), bad);
      expect((await refusal(findLock(project))).code).toBe("LOCK_INVALID");
    }
  });

  test("ten at once lose nothing; a mark left by one that was killed is passed over", async () => {
    const path = join(folder, "shared.lock.json");
    const entry = Object.values(parseLock(JSON.stringify({ lockfileVersion: 1, adapters: { a: await someEntry() } }), "x").adapters)[0];
    await Promise.all(Array.from({ length: 10 }, (_, i) => changeLock(path, ({ adapters }) => ({ adapters: { ...adapters, [`adapter-${i}`]: entry } }))));
    expect(Object.keys(parseLock(await readFile(path, "utf8"), path).adapters)).toHaveLength(10);
    await writeFile(`${path}.lock`, "");
    await utimes(`${path}.lock`, 1000, 1000);
    await changeLock(path, ({ adapters }) => ({ adapters: { ...adapters, late: entry } }));
    expect((await readdir(folder)).filter((name) => name.startsWith("shared.lock.json"))).toEqual(["shared.lock.json"]);
  });

  test.skipIf(process.getuid?.() === 0)("in a folder that cannot be written", async () => {
    const at = join(folder, "read-only");
    await mkdir(at);
    await chmod(at, 0o500);
    expect((await refusal(changeLock(join(at, "anymc3d.lock.json"), (lock) => lock))).code).toBe("OUTPUT_NOT_WRITABLE");
  });
});

let entryOnce: Promise<LockEntry> | undefined;
/** Any entry: the one of the shipped adapter, fetched once. */
function someEntry(): Promise<LockEntry> {
  entryOnce ??= createRegistry({ url: real.url, store: memoryStore() })
    .lock("lung-nodule")
    .then(({ entry }) => entry);
  return entryOnce;
}

describe("bundles", () => {
  test("carry adapter and backbone to a machine that never saw the registry; a changed one is refused whole", async () => {
    const store = folderStore(join(folder, "bundle-cache"));
    const { name, entry } = await createRegistry({ url: real.url, store }).lock("lung-nodule");
    const bundle = await writeBundle({ adapters: { [name]: entry } }, store);
    const far = folderStore(join(folder, "far-cache"));
    const lock = await readBundle(bundle, "lung.zip", far);
    const registry = createRegistry({ url: "http://127.0.0.1:9/", store: far, offline: true, lock, frozen: true });
    const adapter = await registry.load("lung-nodule");
    expect([adapter.hash, (await registry.loadBackbone(adapter)).hash]).toEqual([entry.hash, entry.backbone.hash]);
    const spoilt = bundle.slice();
    spoilt[bundle.length >> 1] ^= 1;
    const empty = folderStore(join(folder, "empty-cache"));
    expect(["INTEGRITY_MISMATCH", "PACKAGE_INVALID"]).toContain((await refusal(readBundle(spoilt, "lung.zip", empty))).code);
    expect((await refusal(readBundle(bundle.subarray(0, 1e6), "lung.zip", empty))).code).toBe("PACKAGE_INVALID");
    expect(await empty.list()).toEqual([]);
  });

  test("folders and tarballs on the disk load by path; a folder is not locked", async () => {
    const at = packageFolder("adapters-lung-nodule");
    const registry = await openRegistry({ url: real.url, cwd: folder, store: folderStore(join(folder, "path-cache")) });
    expect((await registry.load(at)).manifest.version).toBe("1.0.0");
    expect((await refusal(registry.lock(at))).code).toBe("OPTION_INVALID");
    const { stdout } = await promisify(execFile)("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], { cwd: at });
    const packed: unknown = JSON.parse(stdout);
    const [{ filename }] = (Array.isArray(packed) ? packed : Object.values(packed as object)) as { filename: string }[];
    const { entry } = await registry.lock(join(folder, filename));
    expect(entry.integrity).toBe((await registry.resolve("lung-nodule")).integrity);
    expect((await refusal(registry.load("./nowhere.tgz"))).code).toBe("FILE_NOT_FOUND");
  });
});
