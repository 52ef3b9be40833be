// Projects that do not mix, logins that go nowhere else and are never said, proxies that rename hosts, and servers that mean harm: real servers on this machine.
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { isAnyMC3DError } from "@anymc3d/core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createRegistry, memoryStore } from "../src/index.js";
import { folderStore, openRegistry } from "../src/node.js";
import { writeSite } from "../src/site.js";
import { packageFolder } from "./published.js";
import { tarball } from "./tar-build.js";

let folder: string;
const servers: Server[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-secrets-"));
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function served(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const sha512 = (bytes: Uint8Array) => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
const NAME = "@anymc3d/adapter-lung-nodule";

/** The shipped adapter as a tarball, and what a registry says of it. */
async function shipped(tarballUrl: (path: string) => string) {
  const names = ["package.json", "adapter.json", "weights.safetensors", "README.md"];
  const entries = await Promise.all(
    names.map(async (name) => ({ path: `package/${name}`, content: await readFile(join(packageFolder("adapters-lung-nodule"), name)) })),
  );
  const bytes = tarball(entries);
  const own = JSON.parse(String(entries[0].content));
  const packument = (integrity = sha512(bytes)) =>
    JSON.stringify({
      name: NAME,
      "dist-tags": { latest: own.version },
      versions: { [own.version]: { ...own, dist: { tarball: tarballUrl(`${NAME}/-/adapter-lung-nodule-${own.version}.tgz`), integrity } } },
    });
  return { bytes, packument };
}

async function project(npmrc: string): Promise<string> {
  const cwd = await mkdtemp(join(folder, "project-"));
  await writeFile(join(cwd, "package.json"), "{}");
  await writeFile(join(cwd, ".npmrc"), npmrc);
  return cwd;
}

// biome-ignore lint/suspicious/noExplicitAny: an error of any kind, to look for secrets in
async function failed(work: Promise<unknown>): Promise<any> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!isAnyMC3DError(error)) throw error ?? new Error("nothing was refused");
  return error;
}

const open = (cwd: string, more: Parameters<typeof openRegistry>[0] = {}) =>
  openRegistry({ cwd, store: memoryStore(), unlocked: true, http: { tries: 1 }, ...more });

describe("two projects in one process", () => {
  test("each asks its own registry with its own token, and nothing is left in the environment", async () => {
    const asked: [string, string | undefined][] = [];
    const one = await served(({ headers }, response) => void response.writeHead(404).end(asked.push(["one", headers.authorization]) && ""));
    const two = await served(({ headers }, response) => void response.writeHead(404).end(asked.push(["two", headers.authorization]) && ""));
    const first = await project(
      `registry=${one}\n${one.replace("http:", "")}:_authToken=first-token\nomit[]=dev\nuser-agent=of-the-first\nfetch-timeout=5000\n`,
    );
    const second = await project(`registry=${two}\n`);
    const before = { ...process.env };
    const [a, b] = await Promise.all([open(first), open(second)]);
    const late = await open(second);
    await Promise.all([a, b, late].map((registry) => failed(registry.resolve("lung-nodule"))));
    await failed(a.resolve("adrenal-shape"));
    expect(process.env).toEqual(before);
    expect(asked.filter(([who]) => who === "one")).toEqual([["one", "Bearer first-token"], ["one", "Bearer first-token"]]); // biome-ignore format: one line
    expect(asked.filter(([who]) => who === "two").map(([, token]) => token)).toEqual([undefined, undefined]);
  });

  test("two registries that have a package of the same name, in one cache folder: each gets its own", async () => {
    const urls = await Promise.all(
      ["one", "two"].map(async (title) => {
        let url = "";
        const { bytes, packument } = await shipped((path) => url + path);
        const other = title === "two" ? tarball([{ path: "package/adapter.json", content: "{}" }]) : bytes;
        url = await served(({ url: path = "" }, response) => {
          if (path.endsWith(".tgz")) return void response.end(other);
          response.end(path.startsWith("/@") ? packument(sha512(other)) : "{}");
        });
        return url;
      }),
    );
    const store = folderStore(join(folder, "one-cache"));
    const [one, two] = urls.map((url) => createRegistry({ url, store }));
    expect((await one.load("lung-nodule")).manifest.name).toBe(NAME);
    expect((await failed(two.load("lung-nodule"))).code).toBe("PACKAGE_INVALID");
    expect((await createRegistry({ url: urls[0], store, offline: true }).load("lung-nodule")).manifest.name).toBe(NAME);
  });
});

describe("logins", () => {
  const SECRET = "s3cret-of-mine";
  const everywhere = (error: unknown) =>
    `${inspect(error, { depth: 10 })}${JSON.stringify(error)}${(error as Error).stack}${inspect((error as Error).cause, { depth: 10 })}`;

  test("a redirect to another port gets none, one to the same place does; another path has its own", async () => {
    const seen: Record<string, string | undefined> = {};
    const other = await served(({ url = "", headers }, response) => {
      seen[`other${url}`] = headers.authorization;
      response.writeHead(404).end();
    });
    const url = await served(({ url: path = "", headers }, response) => {
      seen[path] = headers.authorization;
      const to: Record<string, string> = {
        "/a/port": `${other}x`,
        "/a/same": "/a/there",
        "/a/out": "/b/there",
        "/a/loop": "/a/loop",
      };
      const name = path.replace(/.*adapter-/, "/a/");
      if (to[name] || to[path]) return void response.writeHead(302, { location: to[name] ?? to[path] }).end();
      response.writeHead(404).end();
    });
    const nerf = url.replace("http:", "");
    const cwd = await project(`registry=${url}a/\n${nerf}a/:_authToken=${SECRET}\n${nerf}b/:_authToken=of-b\n`);
    const registry = await open(cwd);
    for (const name of ["port", "same", "out"]) expect((await failed(registry.resolve(`@x/adapter-${name}`))).code).toBe("PACKAGE_NOT_FOUND");
    expect((await failed(registry.resolve("@x/adapter-loop"))).message).toContain("redirects");
    expect(seen).toMatchObject({ "other/x": undefined, "/a/there": `Bearer ${SECRET}`, "/b/there": "Bearer of-b" });
  });

  test.each(["/a/../c/x.tgz", "/a/%2e%2e/c/x.tgz", "/a/%2e%2e%2fc/x.tgz", "/a\\..\\c\\x.tgz", "/c/x.tgz", "/a-evil/x.tgz"])(
    "a tarball at %s gets none, by .npmrc and by auth",
    async (path) => {
      const seen: (string | undefined)[] = [];
      let url = "";
      const { packument } = await shipped(() => url.replace(/\/$/, "") + path);
      url = await served(({ url: at = "", headers }, response) => {
        if (at.startsWith("/a/@")) return void response.end(packument());
        if (!at.includes("/keys")) seen.push(headers.authorization);
        response.writeHead(404).end();
      });
      const cwd = await project(`registry=${url}a/\n${url.replace("http:", "")}a/:_authToken=${SECRET}\n`);
      await failed((await open(cwd)).load("lung-nodule"));
      await failed(createRegistry({ url: `${url}a/`, store: memoryStore(), auth: { [`${url}a`]: SECRET }, http: { tries: 1 } }).load("lung-nodule"));
      expect(seen).toEqual([undefined, undefined]);
    },
  );

  test("a name and password in .npmrc's address log in, and are in no address, error or cause", async () => {
    const seen: (string | undefined)[] = [];
    const url = await served(({ headers }, response) => void response.writeHead(403).end(seen.push(headers.authorization) && ""));
    const cwd = await project(`registry=${url.replace("//", `//me:${SECRET}@`)}\n`);
    const error = await failed((await open(cwd)).resolve("lung-nodule"));
    expect(seen[0]).toBe(`Basic ${Buffer.from(`me:${SECRET}`).toString("base64")}`);
    expect(everywhere(error)).not.toContain(SECRET);
  });

  test("a proxy's password, and a token that no header can hold, are in no error", async () => {
    const cwd = await project(`registry=http://registry.invalid/\nproxy=http://me:${SECRET}@127.0.0.1:9/\nnoproxy=\n`);
    const before = process.env.NO_PROXY;
    const error = await failed((await open(cwd)).resolve("lung-nodule"));
    expect(process.env.NO_PROXY).toBe(before);
    expect([error.code, everywhere(error).includes(SECRET)]).toEqual(["REGISTRY_UNREACHABLE", false]);
    const bad = createRegistry({ url: "http://127.0.0.1:9/", store: memoryStore(), auth: { "http://127.0.0.1:9/": `${SECRET}\nx` }, http: { tries: 1 } });
    expect(everywhere(await failed(bad.resolve("lung-nodule")))).not.toContain(SECRET);
  });

  test("a site's page and a cache hold no password of an address", async () => {
    let url = "";
    const { bytes, packument } = await shipped((path) => url.replace("//", `//me:${SECRET}@`) + path);
    url = await served(({ url: path = "" }, response) => {
      if (path.endsWith(".tgz")) return void response.end(bytes);
      if (path.startsWith("/-/v1/search")) return void response.end(JSON.stringify({ objects: [{ package: { name: NAME, keywords: ["anymc3d-adapter"] } }] }));
      response.end(path.startsWith("/@") ? packument() : "{}");
    });
    const registry = createRegistry({ url, store: memoryStore() });
    expect((await registry.resolve("lung-nodule")).tarball).not.toContain(SECRET);
    const out = join(folder, "site");
    for (const registryUrl of [url.replace("//", `//me:${SECRET}@`), `${url}?token=${SECRET}`]) expect(await failed(writeSite(registry, out, { registryUrl }))).toMatchObject({ code: "OPTION_INVALID", message: expect.not.stringContaining(SECRET) }); // biome-ignore format: one line
    expect(await writeSite(registry, out, { registryUrl: url })).toBe(1);
    for (const file of await readdir(out, { recursive: true, withFileTypes: true }))
      if (file.isFile()) expect(await readFile(join(file.parentPath, file.name), "utf8")).not.toContain(SECRET);
  });
});

describe("a registry behind a proxy", () => {
  test("packages at an inner host: the error names cause and setting; with the setting they come, and are still checked", async () => {
    const { bytes, packument } = await shipped((path) => `http://127.0.0.1:9/${path}`);
    let sent = bytes;
    const url = await served(({ url: path = "" }, response) => {
      if (path.endsWith(".tgz")) return void response.end(sent);
      response.end(path.startsWith("/outer/@") ? packument() : "{}");
    });
    const error = await failed((await open(await project(`registry=${url}outer/\n`))).load("lung-nodule"));
    expect([error.code, error.message]).toEqual([
      "REGISTRY_UNREACHABLE",
      expect.stringMatching(/lies at http:\/\/127\.0\.0\.1:9\/.*replace-registry-host=always/),
    ]);
    const cwd = await project(`registry=${url}outer/\nreplace-registry-host=always\n`);
    expect((await (await open(cwd)).load("lung-nodule")).manifest.name).toBe(NAME);
    sent = tarball([{ path: "package/adapter.json", content: "{}" }]);
    expect((await failed((await open(cwd)).load("lung-nodule"))).code).toBe("INTEGRITY_MISMATCH");
    sent = bytes;
    const byHost = await open(await project(`registry=${url}outer/\nreplace-registry-host=127.0.0.1:9\n`));
    expect((await byHost.load("lung-nodule")).manifest.name).toBe(NAME);
  });
});

describe("one bad package", () => {
  test("is left out of search and site by its name; the others stay", async () => {
    let url = "";
    const { bytes, packument } = await shipped((path) => url + path);
    const bad: Record<string, string | number> = {
      "@x/adapter-gone": 404,
      "@x/adapter-denied": 403,
      "@x/adapter-html": "<!doctype html>",
      "@x/adapter-null": "null",
      "@x/adapter-no-hash": JSON.stringify({
        name: "@x/adapter-no-hash",
        "dist-tags": { latest: "1.0.0" },
        versions: { "1.0.0": { dist: { tarball: "http://x/", shasum: "0" } } },
      }),
      "@x/adapter-other-name": JSON.stringify({ name: "y", versions: {} }),
      "@x/adapter-not-one": JSON.stringify({
        name: "@x/adapter-not-one",
        "dist-tags": {},
        versions: { "1.0.0": { dist: { tarball: "http://x/y", integrity: `sha512-${"A".repeat(86)}==` } } },
      }),
      "../../etc": 404,
      "@x/adapter-deep": "[".repeat(200_000),
    };
    url = await served(({ url: path = "" }, response) => {
      const keywords = ["anymc3d-adapter"];
      if (path.startsWith("/-/v1/search")) return void response.end(JSON.stringify({ objects: [null, 1, { package: null }, ...[...Object.keys(bad), NAME].map((name) => ({ package: { name, keywords } }))] })); // biome-ignore format: one line
      if (path.endsWith(".tgz")) return void response.end(bytes);
      const name = decodeURIComponent(path.slice(1));
      if (name === NAME) return void response.end(packument());
      const answer = bad[name] ?? 404;
      if (typeof answer === "number") response.writeHead(answer).end();
      else response.end(answer);
    });
    const registry = createRegistry({ url, store: memoryStore(), http: { tries: 1 } });
    const told: string[] = [];
    const onWarning = ({ message }: { message: string }) => void told.push(message);
    expect((await registry.search({ onWarning })).map(({ name }) => name)).toEqual([NAME]);
    for (const name of Object.keys(bad))
      expect(
        told.filter((line) => line.startsWith(`${name} is left out: `)),
        name,
      ).toHaveLength(1);
    expect(await writeSite(registry, join(folder, "site-of-some"), { onWarning })).toBe(1);
    expect(told).toHaveLength(2 * Object.keys(bad).length);
  });
});

describe("servers that mean harm", () => {
  const http = { tries: 1, timeout: 500, patience: 5000 };
  const resolve = async (answer: RequestListener) => failed(createRegistry({ url: await served(answer), store: memoryStore(), http }).resolve("lung-nodule"));

  test("a body without an end, one of 200 MB, and one that unpacks to more, are given up at the limit", async () => {
    const piece = Buffer.alloc(2 ** 20, 0x20);
    const pour =
      (most: number): RequestListener =>
      (_, response) => {
        let sent = 0;
        const more = () => {
          while (sent++ < most) if (!response.write(piece)) return void response.once("drain", more);
          response.end();
        };
        more();
      };
    for (const most of [200, Number.POSITIVE_INFINITY]) expect((await resolve(pour(most))).code).toBe("FILE_TOO_LARGE");
  });

  test("a body that drips for ever is given up, though a byte comes now and then", async () => {
    const drip: RequestListener = (_, response) => {
      response.write("{");
      const timer = setInterval(() => response.write(" "), 50);
      response.on("close", () => clearInterval(timer));
    };
    expect((await resolve(drip)).message).toContain("the answer stopped");
  });

  test("wrong lengths, web pages, loops", async () => {
    expect((await resolve((_, response) => void response.writeHead(200, { "content-length": 1000 }).write("{}", () => response.destroy()))).code).toBe(
      "REGISTRY_UNREACHABLE",
    );
    expect((await resolve((_, response) => void response.end("<html>log in</html>"))).code).toBe("ASSET_INVALID");
    expect((await resolve((_, response) => void response.writeHead(302, { location: "/x" }).end())).code).toBe("REGISTRY_UNREACHABLE");
    expect((await resolve((_, response) => void response.writeHead(302, { location: "file:///etc/passwd" }).end())).code).toBe("REGISTRY_UNREACHABLE");
  });
});
