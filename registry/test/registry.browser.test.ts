// Resolving and loading against a real Verdaccio, and against servers that misbehave, in Node and in Chromium: nothing unverified is ever loaded or kept.
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAdapterManifest } from "@anymc3d/core";
import { type Harness, hasChromium, startHarness } from "@anymc3d/testkit/browser/harness";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { memoryStore, type Store } from "../src/index.js";
import type { RunningRegistry } from "../src/server.js";
import { type Call, type Outcome, perform } from "./perform.js";
import { packageFolder, startPublished } from "./published.js";
import { type Entry, tarball } from "./tar-build.js";

if (!hasChromium) console.warn("SKIPPED: registries in a browser, no Chromium at /usr/bin/chromium or $CHROMIUM");

const adapterFile = (name: string) => readFile(join(packageFolder("adapters-lung-nodule"), name));
let folder: string;
let real: RunningRegistry;
let harness: Harness | undefined;
let page: Page;
let stores = new Map<string, Store>();
let number = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-registry-"));
  real = await startPublished(folder, ["adapters-lung-nodule", "backbone-dinov2-small"]);
  if (!hasChromium) return;
  harness = await startHarness(join(import.meta.dirname, "browser-entry.ts"));
  page = await harness.page();
});
afterAll(async () => {
  await harness?.close();
  await real.close();
  await rm(folder, { recursive: true, force: true });
});

type Place = "Node" | "Chromium";

function storeOf(name: string): Store {
  const store = stores.get(name) ?? memoryStore();
  stores = stores.set(name, store);
  return store;
}

const call = (place: Place, what: Call): Promise<Outcome> =>
  place === "Node" ? perform(what, storeOf(what.store)) : page.evaluate((each) => anymc3d.perform(each), what);
const freshStore = () => `store-${++number}`;

describe.each<Place>(hasChromium ? ["Node", "Chromium"] : ["Node"])("in %s", (place) => {
  describe("against Verdaccio", () => {
    const ask = (
      method: Call["method"],
      spec: string,
      { store = freshStore(), integrity, ...options }: Partial<Call["options"]> & { store?: string; integrity?: string } = {},
    ) => call(place, { options: { url: real.url, ...options }, store, method, spec, integrity });

    test("by name, range, tag and exact version: the shipped adapter, bit for bit", async () => {
      const manifest = parseAdapterManifest(JSON.parse(String(await adapterFile("adapter.json"))));
      for (const spec of ["lung-nodule", "lung-nodule@^1", "@anymc3d/adapter-lung-nodule@latest", `lung-nodule@${manifest.version}`])
        expect((await ask("load", spec)).value.manifest).toEqual(manifest);
      const { name, version, integrity } = (await ask("resolve", "lung-nodule@1.x")).value;
      expect([name, version]).toEqual(["@anymc3d/adapter-lung-nodule", "1.0.0"]);
      expect(integrity).toMatch(/^sha512-/);
      expect((await ask("card", "lung-nodule")).value).toBe(String(await adapterFile("README.md")));
    });

    test("the backbone that the adapter names, with progress", async () => {
      const { value, progress } = await ask("loadBoth", "lung-nodule");
      expect(value.backbone).toBe(value.manifest.backbone.hash);
      expect(progress).toBeGreaterThan(30e6);
      expect((await ask("loadBackbone", "dinov2-small")).value.hash).toBe(value.backbone);
    });

    test("what is not there says what is", async () => {
      expect((await ask("load", "no-such-thing")).error?.code).toBe("PACKAGE_NOT_FOUND");
      expect((await ask("load", "lung-nodule@^7")).error).toMatchObject({ code: "VERSION_NOT_FOUND", message: expect.stringContaining("1.0.0") });
      expect((await ask("load", "@anymc3d/backbone-dinov2-small")).error).toMatchObject({
        code: "PACKAGE_INVALID",
        message: expect.stringContaining("no adapter.json"),
      });
      expect((await ask("load", "Lung-Nodule")).error?.message).toContain("Did you mean lung-nodule?");
      expect((await ask("load", "lung.zip")).error).toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining("is a bundle") });
      for (const spec of ["", "UPPER CASE", "@", "lung-nodule@", "../up"]) expect((await ask("resolve", spec)).error?.code, spec).toBe("OPTION_INVALID");
    });

    test("a registry's address that is none", async () => {
      for (const url of [undefined as unknown as string, "notaurl", "ftp://x/", "", "https://"])
        expect((await ask("resolve", "lung-nodule", { url })).error?.code, url).toBe("OPTION_INVALID");
    });

    test("search, by words, modality, body part and backbone", async () => {
      const names = async (query: object) => (await ask("search", JSON.stringify(query))).value.map((each: { name: string }) => each.name);
      const all = ["@anymc3d/adapter-lung-nodule"];
      for (const query of [{}, { text: "nodule" }, { text: "LUNG malignant" }, { modality: "ct", bodyPart: "lung", backbone: "dinov2-small" }])
        expect(await names(query)).toEqual(all);
      for (const query of [{ text: "kidney" }, { modality: "MR" }, { bodyPart: "brain" }, { backbone: "dinov3" }]) expect(await names(query)).toEqual([]);
    });

    test("search: said where none is offered, or none may be asked", async () => {
      expect((await ask("search", "{}", { offline: true })).error).toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining("offline") });
      const none = createServer((_, response) => response.writeHead(404, { "access-control-allow-origin": "*" }).end());
      await new Promise<void>((done) => none.listen(0, "127.0.0.1", done));
      const url = `http://127.0.0.1:${(none.address() as AddressInfo).port}/`;
      const { error } = await ask("search", "{}", { url });
      expect([error?.code, error?.message]).toEqual(["PACKAGE_NOT_FOUND", expect.stringContaining(`${url} offers no search`)]);
      // One of two: what the other has is found.
      const { value, warnings } = await ask("search", "{}", { scopes: { "@x": url } });
      expect([value, warnings]).toMatchObject([[{ name: "@anymc3d/adapter-lung-nodule" }], [{ message: expect.stringContaining("offers no search") }]]);
      none.closeAllConnections();
      await new Promise((done) => none.close(done));
    });

    test("a hash that was agreed on: another one is refused with both", async () => {
      const { integrity } = (await ask("resolve", "lung-nodule")).value;
      expect((await ask("load", "lung-nodule", { integrity })).error).toBeUndefined();
      const other = `sha512-${"A".repeat(86)}==`;
      const { error } = await ask("load", "lung-nodule", { integrity: other });
      expect([error?.code, error?.message.includes(other), error?.message.includes(integrity)]).toEqual(["INTEGRITY_MISMATCH", true, true]);
    });

    test("a lock: what it holds is loaded, another version, other bytes and what it does not hold are refused", async () => {
      const { name, entry } = (await ask("lock", "lung-nodule@^1")).value;
      expect([name, entry.version, entry.wanted]).toEqual(["@anymc3d/adapter-lung-nodule", "1.0.0", "^1"]);
      const lock = (changes: object = {}) => ({ adapters: { [name]: { ...entry, ...changes } } });
      expect((await ask("loadBoth", "lung-nodule", { lock: lock(), frozen: true })).value).toMatchObject({ hash: entry.hash, backbone: entry.backbone.hash });
      expect((await ask("load", "lung-nodule@^2", { lock: lock() })).error?.code).toBe("LOCK_MISMATCH");
      expect((await ask("load", "adrenal-shape", { lock: lock(), frozen: true })).error?.code).toBe("LOCK_MISMATCH");
      for (const changes of [{ hash: `sha256-${"0".repeat(64)}` }, { name: "@x/backbone-y" }])
        expect((await ask("load", "lung-nodule", { lock: lock({ backbone: { ...entry.backbone, ...changes } }) })).error?.code).toBe("LOCK_MISMATCH");
      const other = `sha512-${"A".repeat(86)}==`;
      expect((await ask("load", "lung-nodule", { lock: lock({ integrity: other }) })).error?.code).toBe("INTEGRITY_MISMATCH");
      // What was kept under the hash of another package.
      const { store, swapped } = { store: freshStore(), swapped: { integrity: entry.backbone.integrity } };
      await ask("loadBoth", "lung-nodule", { store, lock: lock() });
      for (const changes of [
        swapped,
        { version: "1.0.1", wanted: "^1" },
        { backbone: { ...entry.backbone, version: "0.1.9" } },
        { backbone: { ...entry.backbone, integrity: entry.integrity } },
      ])
        expect((await ask("loadBoth", "lung-nodule", { store, offline: true, lock: lock(changes) })).error).toMatchObject({
          code: "LOCK_MISMATCH",
          message: expect.stringContaining("The lock file was changed by hand"),
        });
      expect((await ask("load", "lung-nodule", { lock: lock({ hash: `sha256-${"0".repeat(64)}` }) })).error?.code).toBe("LOCK_MISMATCH");
    });

    test("offline: what was loaded works; what was not says so at once", async () => {
      const store = freshStore();
      await ask("load", "lung-nodule", { store });
      expect((await ask("load", "lung-nodule@^1", { store, offline: true })).value.manifest.version).toBe("1.0.0");
      const { error } = await ask("load", "adrenal-shape", { store, offline: true });
      expect(error).toMatchObject({ code: "PACKAGE_NOT_FOUND", message: expect.stringContaining("offline") });
      // The registry is gone, and nobody said that it would be.
      const gone = { store, url: "http://127.0.0.1:9/", http: { tries: 1 } };
      expect((await ask("load", "lung-nodule", gone)).error?.code).toBe("REGISTRY_UNREACHABLE");
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
        const headers = {
          "access-control-allow-origin": "*",
          "access-control-allow-headers": "authorization, range",
          "access-control-expose-headers": "retry-after, etag, accept-ranges, content-range",
        };
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        if (request.method === "OPTIONS") return void response.end();
        // Keys are asked for once; here none are there.
        if (request.url === "/-/npm/v1/keys" && !keys) return void response.writeHead(404).end();
        if (request.url === "/-/npm/v1/keys") return void response.end(JSON.stringify({ keys }));
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

    let keys: object[] | undefined;
    type Options = Partial<Call["options"]> & { store?: string; abort?: boolean; method?: Call["method"]; spec?: string };
    const load = ({ store = freshStore(), abort, method = "load", spec = "adapter-x", ...options }: Options = {}) =>
      call(place, { options: { url: origin, http: { tries: 2, pause: 10 }, ...options }, store, method, spec, abort });
    const sri = (bytes: Uint8Array) => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
    const packument = (bytes: Uint8Array, more: object = {}, dist: object = {}) =>
      JSON.stringify({
        name: "adapter-x",
        "dist-tags": { latest: "1.0.0" },
        time: { "1.0.0": "2026-01-02T03:04:05.000Z" },
        versions: { "1.0.0": { dist: { tarball: `${origin}/x.tgz`, integrity: sri(bytes), ...dist }, ...more } },
      });
    /** A registry with one package, whose tarball goes out as `send` says. */
    const serve = (bytes: Uint8Array, send: (response: ServerResponse) => void = (response) => response.end(bytes), more: object = {}, dist: object = {}) => {
      answer = (request, response) => (request.url === "/x.tgz" ? send(response) : response.end(packument(bytes, more, dist)));
    };
    const good = async (changes: object = {}): Promise<Entry[]> => [
      { path: "package/adapter.json", content: JSON.stringify({ ...JSON.parse(String(await adapterFile("adapter.json"))), name: "adapter-x", ...changes }) },
      { path: "package/weights.safetensors", content: await adapterFile("weights.safetensors") },
      { path: "package/index.js", content: "throw new Error('code of a package was run')" },
    ];

    test("a good one, to know that the others fail for their own reason; its code is not run", async () => {
      serve(tarball(await good()));
      expect((await load()).value.manifest.name).toBe("adapter-x");
    });

    test("another content than the registry stated: both hashes, nothing kept, no second try", async () => {
      const bytes = tarball(await good());
      const store = freshStore();
      serve(bytes, (response) => response.end(tarball([])));
      const { error } = await load({ store });
      expect([error?.code, error?.message.includes(sri(bytes)), error?.message.includes(sri(tarball([])))]).toEqual(["INTEGRITY_MISMATCH", true, true]);
      expect(asked.filter((url) => url === "/x.tgz")).toHaveLength(1);
      serve(bytes);
      expect((await load({ store })).value.manifest.version).toBe("1.0.0");
    });

    test("a version without SHA-512 is not offered", async () => {
      const bytes = tarball(await good());
      answer = (_, response) => response.end(packument(bytes).replace(/"integrity":"[^"]+"/, '"shasum":"da39a3ee5e6b4b0d3255bfef95601890afd80709"'));
      expect((await load()).error).toMatchObject({ code: "VERSION_NOT_FOUND", message: expect.stringContaining("can be checked") });
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
      expect((await load()).error).toMatchObject({ code: "PACKAGE_INVALID", message: expect.stringMatching(said) });
    });

    test("a bomb is refused before it is unpacked whole", async () => {
      serve(tarball([{ path: "package/weights.safetensors", content: Buffer.alloc(2 ** 28) }]));
      const before = process.memoryUsage().rss;
      expect((await load({ limits: { unpacked: 2 ** 24 } })).error?.message).toMatch(/unpacks to more than 16777216 bytes/);
      expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
      expect((await load({ limits: { tarball: 1000 } })).error?.code).toBe("FILE_TOO_LARGE");
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
      expect((await load()).error).toMatchObject({ code });
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
      expect((await load()).error).toBeUndefined();
      expect(performance.now() - start).toBeGreaterThan(900);
    });

    test("silence, half an answer, and a web page", async () => {
      answer = () => undefined;
      const http = { tries: 5, pause: 10, patience: 300 };
      expect((await load({ http })).error).toMatchObject({
        code: "REGISTRY_UNREACHABLE",
        message: expect.stringContaining("no answer in 0.9 s; tried 2 time(s)"),
      });
      expect(asked).toHaveLength(2);
      const bytes = tarball(await good());
      serve(bytes, (response) => {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, 1000));
      });
      asked = [];
      expect((await load({ http: { tries: 5, pause: 10, patience: 60_000, timeout: 1000 } })).error?.message).toContain(
        "the answer stopped: nothing came for 1 s, or next to nothing; tried 2 time(s)",
      );
      expect(asked.filter((url) => url === "/x.tgz")).toHaveLength(2);
      serve(bytes, (response) => {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, 1000), () => response.destroy());
      });
      expect((await load()).error).toMatchObject({ code: "REGISTRY_UNREACHABLE", message: expect.stringContaining("broke off") });
      const store = freshStore();
      answer = (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Log in</title>");
      expect((await load({ store })).error).toMatchObject({ code: "ASSET_INVALID", message: expect.stringContaining("text/html") });
      serve(bytes);
      expect((await load({ store })).value.manifest.version).toBe("1.0.0");
    });

    describe("a download that breaks off", () => {
      const ETAG = '"one"';
      let ranges: (string | undefined)[];
      /** The first answer breaks off at 10,000 bytes; the second is as `rest` says. */
      const breakOff = (bytes: Uint8Array, first: object, rest: (response: ServerResponse, from: number) => void) => {
        ranges = [];
        answer = (request, response) => {
          if (request.url !== "/x.tgz") return void response.end(packument(bytes));
          ranges.push(request.headers.range);
          if (ranges.length > 1) return rest(response, Number(/\d+/.exec(request.headers.range ?? "0")?.[0]));
          response.writeHead(200, { "content-length": bytes.length, ...first });
          // Late enough for a page to have read what came.
          response.write(bytes.subarray(0, 10_000), () => setTimeout(() => response.destroy(), 600));
        };
      };
      const part = (response: ServerResponse, bytes: Uint8Array, from: number, { etag = ETAG, start = from, total = bytes.length } = {}) =>
        response.writeHead(206, { etag, "content-range": `bytes ${start}-${bytes.length - 1}/${total}` }).end(bytes.subarray(from));
      const ranged = { etag: ETAG, "accept-ranges": "bytes" };
      const http = { tries: 3, pause: 10 };

      test("goes on where it broke off", async () => {
        const bytes = tarball(await good());
        breakOff(bytes, ranged, (response, from) => part(response, bytes, from));
        const { value, progress, error } = await load({ http });
        expect(error).toBeUndefined();
        expect([value.manifest.name, progress, ranges]).toEqual(["adapter-x", bytes.length, [undefined, "bytes=10000-"]]);
      });

      test("goes on, too, after the registry was away for a moment", async () => {
        const bytes = tarball(await good());
        breakOff(bytes, ranged, (response, from) => {
          if (ranges.length > 2) part(response, bytes, from);
          else response.writeHead(503).end();
        });
        expect([(await load({ http })).value?.manifest.name, ranges]).toEqual(["adapter-x", [undefined, "bytes=10000-", "bytes=10000-"]]);
      });

      test("begins anew where the server does not offer that, or takes no notice", async () => {
        const bytes = tarball(await good());
        for (const first of [{}, { etag: ETAG }, { "accept-ranges": "bytes" }, { etag: 'W/"one"', "accept-ranges": "bytes" }]) {
          breakOff(bytes, first, (response) => response.end(bytes));
          expect([(await load({ http })).value.manifest.name, ranges]).toEqual(["adapter-x", [undefined, undefined]]);
        }
        breakOff(bytes, ranged, (response) => response.end(bytes));
        expect([(await load({ http })).value.manifest.name, ranges]).toEqual(["adapter-x", [undefined, "bytes=10000-"]]);
      });

      test("begins anew where the rest is another file's, or not the rest", async () => {
        const bytes = tarball(await good());
        const wrong = [{ etag: '"two"' }, { start: 9_999 }, { total: bytes.length + 1 }];
        for (const answered of [...wrong, undefined]) {
          breakOff(bytes, ranged, (response, from) => {
            if (ranges.length > 2) response.end(bytes);
            else if (answered) part(response, bytes, from, answered);
            else response.writeHead(416).end();
          });
          expect([(await load({ http })).value?.manifest.name, ranges]).toEqual(["adapter-x", [undefined, "bytes=10000-", undefined]]);
        }
      });

      test("is refused where the whole is not what was published", async () => {
        const bytes = tarball(await good());
        breakOff(bytes, ranged, (response, from) => part(response, bytes.slice().fill(0, 20_000, 20_010), from));
        expect((await load({ http })).error?.code).toBe("INTEGRITY_MISMATCH");
      });
    });

    test("a token goes to its registry, and not along a redirect to another host", async () => {
      const bytes = tarball(await good());
      const authorizations: (string | undefined)[] = [];
      const otherServer = createServer((request, response) => {
        response.setHeader("access-control-allow-origin", "*");
        authorizations.push(request.headers.authorization);
        response.end(bytes);
      });
      await new Promise<void>((done) => otherServer.listen(0, "127.0.0.1", done));
      // localhost is another host than 127.0.0.1.
      const elsewhere = `http://localhost:${(otherServer.address() as AddressInfo).port}/x.tgz`;
      serve(bytes, (response) => response.writeHead(302, { location: elsewhere }).end());
      expect((await load({ auth: { [origin]: "secret" } })).error).toBeUndefined();
      expect(asked).toEqual(["/adapter-x Bearer secret", "/x.tgz Bearer secret"]);
      expect(authorizations).toEqual([undefined]);
      await new Promise((done) => otherServer.close(done));
    });

    test("deprecation is told; a version that is not deprecated is chosen before", async () => {
      const bytes = tarball(await good());
      serve(bytes, undefined, { deprecated: "wrong labels" });
      expect((await load()).warnings).toMatchObject([{ code: "DEPRECATED", message: expect.stringContaining("wrong labels") }]);
      const info = JSON.parse(packument(bytes));
      info.versions["1.1.0"] = { ...info.versions["1.0.0"], deprecated: "broken" };
      answer = (_, response) => response.end(JSON.stringify(info));
      expect((await load({ method: "resolve", spec: "adapter-x@^1" })).value.version).toBe("1.0.0");
    });

    test("abort in the middle of a download", async () => {
      const bytes = tarball(await good());
      serve(bytes, (response) => {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, 10_000));
      });
      expect((await load({ abort: true, http: { timeout: 60_000 } })).error?.code).toBe("ABORTED");
    });

    test("a locked address: the bytes that were locked, or a refusal with both hashes; secrets in addresses are not taken", async () => {
      const bytes = tarball(await good());
      serve(bytes);
      const spec = `${origin}/x.tgz`;
      const adapter = (await load({ spec })).value;
      const entry = {
        version: "1.0.0",
        wanted: "1.0.0",
        integrity: sri(bytes),
        hash: adapter.hash,
        tarball: spec,
        backbone: { ...adapter.manifest.backbone, version: "0.1.0", integrity: sri(bytes) },
      };
      const lock = { adapters: { "adapter-x": entry } };
      expect((await load({ spec, lock, frozen: true })).value.hash).toBe(adapter.hash);
      serve(bytes, (response) => response.end(tarball([])));
      expect((await load({ spec, lock })).error).toMatchObject({ code: "INTEGRITY_MISMATCH", message: expect.stringContaining(sri(bytes)) });
      const damaged = { adapters: { "adapter-x": { ...entry, version: "1.0.1" } } };
      serve(bytes);
      expect((await load({ spec, lock: damaged })).error).toMatchObject({ code: "LOCK_MISMATCH", message: expect.stringContaining("changed by hand") });
      expect((await load({ spec: `${origin}/other.tgz`, lock, frozen: true })).error?.code).toBe("LOCK_MISMATCH");
      const { error } = await load({ spec: spec.replace("http://", "http://me:secret@") });
      expect([error?.code, error?.message.includes("secret")]).toEqual(["OPTION_INVALID", false]);
    });

    test("an adapter that goes by another's name, or is of another version, is refused", async () => {
      for (const changes of [{ name: "@anymc3d/adapter-lung-nodule" }, { version: "2.0.0" }]) {
        serve(tarball(await good(changes)));
        expect((await load()).error).toMatchObject({ code: "PACKAGE_INVALID", message: expect.stringContaining("says that it is") });
      }
      serve(tarball(await good({ schemaVersion: 3 })));
      expect((await load()).error).toMatchObject({ code: "MANIFEST_INVALID", message: expect.stringContaining("Update") });
    });

    test.runIf(place === "Node")("what a registry said is kept; damaged, it counts as not kept", async () => {
      serve(tarball(await good()));
      const store = freshStore();
      await load({ store });
      expect((await load({ store, offline: true })).value.manifest.name).toBe("adapter-x");
      const key = `metadata-${createHash("sha512").update(`${origin}/adapter-x`).digest("base64url")}`;
      expect(await storeOf(store).read(key)).toBeDefined();
      await storeOf(store).write(key, new TextEncoder().encode("{bad"));
      expect((await load({ store, offline: true })).error).toMatchObject({ code: "PACKAGE_NOT_FOUND", message: expect.stringContaining("offline") });
    });

    test("a flipped bit in what was kept heals by a new download", async () => {
      const bytes = tarball(await good());
      serve(bytes);
      const store = freshStore();
      await load({ store });
      if (place === "Chromium") await page.evaluate((name) => anymc3d.flip(name), store);
      else {
        const key = `package-${createHash("sha512").update(bytes).digest("base64url")}`;
        const kept = (await storeOf(store).read(key)) as Uint8Array;
        const flipped = kept.slice();
        flipped[flipped.length >> 1] ^= 4;
        await storeOf(store).write(key, flipped);
      }
      asked = [];
      expect((await load({ store })).value.manifest.version).toBe("1.0.0");
      expect(asked).toContain("/x.tgz");
      asked = [];
      await load({ store });
      expect(asked).not.toContain("/x.tgz");
    });

    test("the registry's signature: a right one passes, a wrong one is refused, a missing one is told of", async () => {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const bytes = tarball(await good());
      const signature = (text: string) => ({ signatures: [{ keyid: "SHA256:a", sig: sign("sha256", Buffer.from(text), privateKey).toString("base64") }] });
      keys = [{ keyid: "SHA256:a", key: publicKey.export({ type: "spki", format: "der" }).toString("base64"), expires: null }];
      try {
        const text = `adapter-x@1.0.0:${sri(bytes)}`;
        serve(bytes, undefined, {}, signature(text));
        expect((await load({ method: "resolve" })).value).toMatchObject({ signed: true, warnings: [] });
        // DER drops leading zeros of r and s: many signatures meet that.
        for (let i = 0; i < 30; i++) {
          serve(bytes, undefined, {}, signature(text));
          expect((await load({ method: "resolve" })).value?.signed).toBe(true);
        }
        serve(bytes, undefined, {}, signature(text.replace("1.0.0", "1.0.1")));
        expect((await load()).error?.code).toBe("SIGNATURE_INVALID");
        serve(bytes);
        expect((await load()).warnings).toMatchObject([{ code: "SIGNATURE_MISSING" }]);
        keys = [{ ...keys[0], expires: "2025-01-01T00:00:00.000Z" }];
        serve(bytes, undefined, {}, signature(text));
        expect((await load()).warnings).toMatchObject([{ code: "SIGNATURE_MISSING" }]);
      } finally {
        keys = undefined;
      }
    });

    test.runIf(place === "Chromium")("no room in Cache Storage: loaded all the same, and told", async () => {
      const own = await (harness as Harness).page();
      await own.evaluate(() => anymc3d.fill());
      serve(tarball(await good()));
      const found: Outcome = await own.evaluate((each) => anymc3d.perform(each), {
        options: { url: origin },
        store: freshStore(),
        method: "load",
        spec: "adapter-x",
      });
      expect([found.value.manifest.version, found.warnings[0]]).toMatchObject([
        "1.0.0",
        { code: "CACHE_NOT_WRITABLE", message: expect.stringContaining("Quota") },
      ]);
      await own.close();
    });
  });
});
