// Who may change what in the private registry, over HTTP as npm and others speak it: owners, scopes, versions that never change, secrets. A real Verdaccio.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changeRights, type RunningRegistry, startRegistry } from "../src/server.js";
import { tarball } from "./tar-build.js";

let folder: string;
let server: RunningRegistry;
const storage = () => join(folder, "storage");
const tokens: Record<string, string> = {};

async function start(options: { signUp?: boolean; publicRead?: boolean } = {}): Promise<string[]> {
  const notes: string[] = [];
  server = await startRegistry({ storage: storage(), port: 0, onNote: (text) => notes.push(text), ...options });
  return notes;
}

async function join_(name: string): Promise<Response> {
  const answer = await fetch(`${server.url}-/user/org.couchdb.user:${name}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name, password: "a long password" }),
  });
  if (answer.ok) tokens[name] = (await answer.clone().json()).token;
  return answer;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "anymc3d-owners-"));
  await start({ signUp: true });
  for (const name of ["ann", "bob", "eve"]) expect((await join_(name)).status).toBe(201);
}, 60_000);
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const base = (name: string) => name.split("/").at(-1);
const sha512 = (bytes: Uint8Array) => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
/** A package whose bytes differ by its text. */
const packed = (name: string, version: string, text = "a") =>
  tarball([
    { path: "package/package.json", content: JSON.stringify({ name, version }) },
    { path: "package/text", content: text },
  ] as never);

/** The body that npm publish sends. */
function publishBody(name: string, version: string, { text = "a", tag = "latest", file = `${name}-${version}.tgz`, integrity = "" } = {}) {
  const bytes = packed(name, version, text);
  const dist = {
    integrity: integrity || sha512(bytes),
    shasum: createHash("sha1").update(bytes).digest("hex"),
    tarball: `http://x/${name}/-/${base(name)}-${version}.tgz`,
  };
  return {
    _id: name,
    name,
    "dist-tags": { [tag]: version },
    versions: { [version]: { name, version, dist } },
    _attachments: { [file]: { content_type: "application/octet-stream", data: Buffer.from(bytes).toString("base64"), length: bytes.length } },
  };
}

async function ask(user: string | undefined, method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
  const headers = { "content-type": "application/json", ...(user && { authorization: `Bearer ${tokens[user]}` }) };
  const answer = await fetch(server.url + path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  return { status: answer.status, text: await answer.text() };
}
const basicOf = (name: string, password: string) => ({ authorization: `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}` });
const encoded = (name: string) => name.replace("/", "%2f");
const publish = (user: string | undefined, name: string, version: string, more: Parameters<typeof publishBody>[2] = {}) =>
  ask(user, "PUT", encoded(name), publishBody(name, version, more));
// biome-ignore lint/suspicious/noExplicitAny: a packument
const packument = async (name: string): Promise<any> => (await fetch(server.url + encoded(name))).json();

async function unpublish(user: string, name: string, version: string): Promise<number[]> {
  const doc = await packument(name);
  const { [version]: _, ...versions } = doc.versions;
  const put = await ask(user, "PUT", `${encoded(name)}/-rev/${doc._rev}`, { ...doc, versions, "dist-tags": { latest: Object.keys(versions)[0] } });
  const { _rev } = await packument(name);
  const removed = await ask(user, "DELETE", `${encoded(name)}/-/${base(name)}-${version}.tgz/-rev/${_rev}`);
  return [put.status, removed.status];
}

describe("a package is its first publisher's", () => {
  test("others can do nothing to it, by any way there is; it stays as it was", async () => {
    const name = "@lab/adapter-owned";
    expect((await publish("ann", name, "1.0.0")).status).toBe(201);
    const before = await packument(name);
    const { _rev } = before;
    const stolen = { ...before, versions: {}, "dist-tags": {} };
    const tries: [string, string, unknown?][] = [
      ["PUT", encoded(name), publishBody(name, "1.0.1", { text: "eve" })],
      ["PUT", name, publishBody(name, "1.0.1", { text: "eve" })],
      ["PUT", `%40lab%2Fadapter-owned`, publishBody(name, "1.0.1", { text: "eve" })],
      ["PUT", `${encoded(name)}/`, publishBody(name, "1.0.1", { text: "eve" })],
      ["PUT", `${encoded(name)}/-rev/${_rev}`, stolen],
      ["PUT", `${encoded(name)}/-REV/${_rev}`, stolen],
      ["DELETE", `${encoded(name)}/-rev/${_rev}`],
      ["DELETE", `${name}/-rev/${_rev}`],
      ["DELETE", `${encoded(name)}/-/adapter-owned-1.0.0.tgz/-rev/${_rev}`],
      ["PUT", `-/package/${encoded(name)}/dist-tags/latest`, "0.0.1"],
      ["POST", `-/package/${encoded(name)}/dist-tags`, { latest: "0.0.1" }],
      ["DELETE", `-/package/${encoded(name)}/dist-tags/latest`],
      ["PUT", `${encoded(name)}/next`, "1.0.0"],
      ["PUT", `${encoded(name)}/-/adapter-owned-1.0.1.tgz/x`, {}],
      ["PUT", encoded(name), { ...before, versions: { "1.0.0": { ...before.versions["1.0.0"], deprecated: "by eve" } } }],
      ["PUT", `${encoded(name)}/-rev/${_rev}`, { _id: name, _rev, maintainers: [{ name: "eve" }] }],
      ["PUT", `@lab%252fadapter-owned`, publishBody(name, "1.0.1")],
      ["PUT", `/${name}`, publishBody(name, "1.0.1")],
    ];
    for (const [method, path, body] of tries) {
      const answer = await ask("eve", method, path, body);
      expect([400, 403, 404], `${method} ${path} ${answer.text}`).toContain(answer.status);
      expect([400, 401, 404], `${method} ${path}, nobody`).toContain((await ask(undefined, method, path, body)).status);
    }
    expect((await ask("eve", "PUT", encoded(name), publishBody(name, "1.0.1"))).text).toContain(`${name} belongs to ann`);
    const after = await packument(name);
    expect([after.versions, after["dist-tags"], after.time]).toEqual([before.versions, before["dist-tags"], before.time]);
    expect((await publish("ann", name, "1.0.1")).status).toBe(201);
  });

  test("a star is everyone's own, and takes nobody else's away, the owner neither", async () => {
    const name = "@lab/adapter-starred";
    await publish("ann", name, "1.0.0");
    expect((await ask("bob", "PUT", encoded(name), { _id: name, users: { bob: true, ann: true } })).status).toBe(200);
    expect((await packument(name)).users).toEqual({ bob: true });
    const doc = await packument(name);
    const deprecated = { ...doc, users: {}, versions: { "1.0.0": { ...doc.versions["1.0.0"], deprecated: "old" } } };
    expect((await ask("ann", "PUT", encoded(name), deprecated)).status).toBe(201);
    const after = await packument(name);
    expect([after.versions["1.0.0"].deprecated, after.users]).toEqual(["old", { bob: true }]);
  });

  test("of two first publishers at once, one is; the other's is refused", async () => {
    const names = await Promise.all(["ann", "bob", "eve"].map((user) => publish(user, "adapter-raced", `1.0.${user.length}`, { text: user })));
    expect(names.map(({ status }) => status).sort()).toEqual([201, 403, 403]);
  });

  test("the name stays its owner's when all of it is unpublished", async () => {
    const name = "adapter-gone";
    await publish("ann", name, "1.0.0");
    expect((await ask("ann", "DELETE", `${name}/-rev/${(await packument(name))._rev}`)).status).toBe(201);
    expect((await publish("eve", name, "2.0.0")).status).toBe(403);
    expect((await publish("ann", name, "1.0.0", { text: "other bytes" })).status).toBe(409);
    expect((await publish("ann", name, "1.0.0")).status).toBe(201);
  });
});

describe("a version never gets other bytes", () => {
  test("not over it, not after unpublishing, not by removing its file, not under another's file name", async () => {
    const name = "@lab/adapter-fixed";
    await publish("ann", name, "1.0.0");
    await publish("ann", name, "1.1.0");
    const other = { text: "other bytes" };
    expect((await publish("ann", name, "1.0.0", other)).status).toBe(409);
    const { _rev } = await packument(name);
    expect((await ask("ann", "DELETE", `${encoded(name)}/-/adapter-fixed-1.0.0.tgz/-rev/${_rev}`)).status).toBe(403);
    expect(await unpublish("ann", name, "1.0.0")).toEqual([201, 201]);
    expect((await packument(name)).versions["1.0.0"]).toBeUndefined();
    const again = await publish("ann", name, "1.0.0", other);
    expect([again.status, again.text]).toEqual([409, expect.stringContaining("a version never changes")]);
    expect((await publish("ann", name, "1.0.0")).status).toBe(201);
    for (const more of [
      { file: `${name}-1.1.0.tgz` },
      { file: "../../adapter-fixed-1.2.0.tgz.json" },
      { integrity: sha512(new Uint8Array(1)) },
      { integrity: "sha1-x" },
    ])
      expect((await publish("ann", name, "1.2.0", more)).status, JSON.stringify(more)).toBe(400);
    const two = publishBody(name, "1.2.0");
    expect((await ask("ann", "PUT", encoded(name), { ...two, versions: { ...two.versions, "1.3.0": two.versions["1.2.0"] } })).status).toBe(400);
    const served = new Uint8Array(await (await fetch(`${server.url}${name}/-/adapter-fixed-1.0.0.tgz`)).arrayBuffer());
    expect(sha512(served)).toBe(sha512(packed(name, "1.0.0")));
  });

  test("a publish that Verdaccio refuses leaves no mark", async () => {
    const ledger = readFileSync(join(storage(), "ledger.json"), "utf8");
    const body = publishBody("@lab/adapter-odd", "1.0.0");
    // biome-ignore lint/suspicious/noExplicitAny: a body that is wrong
    (body.versions["1.0.0"] as any).dist.shasum = "0".repeat(40);
    expect((await ask("ann", "PUT", "@lab%2fadapter-odd", body)).status).toBeGreaterThanOrEqual(400);
    expect(readFileSync(join(storage(), "ledger.json"), "utf8")).toBe(ledger);
  });
});

describe("listed accounts, groups and scopes", () => {
  test("a scope is its first publisher's; who is listed may; a group's members may; no restart", async () => {
    expect((await publish("ann", "@clinic/adapter-a", "1.0.0")).status).toBe(201);
    expect((await publish("bob", "@clinic/adapter-b", "1.0.0")).status).toBe(403);
    await changeRights(storage(), "group:team", ["bob"]);
    await changeRights(storage(), "@clinic", ["ann", "group:team"]);
    expect((await publish("bob", "@clinic/adapter-b", "1.0.0")).status).toBe(201);
    expect((await publish("bob", "@clinic/adapter-a", "1.0.1")).status).toBe(403);
    await changeRights(storage(), "@clinic/adapter-a", ["group:team"]);
    expect((await publish("bob", "@clinic/adapter-a", "1.0.1")).status).toBe(201);
    expect((await publish("ann", "@clinic/adapter-a", "1.0.2")).status).toBe(403);
    await changeRights(storage(), "group:team", ["bob"], true);
    expect((await publish("bob", "@clinic/adapter-a", "1.0.2")).status).toBe(403);
    expect((await publish("bob", "@clinic/adapter-c", "1.0.0")).status).toBe(403);
    await writeFile(join(storage(), "rights.json"), '{"packages":[]}');
    expect((await publish("ann", "@lab/adapter-owned", "3.0.0")).status).toBe(500);
    rmSync(join(storage(), "rights.json"));
  });

  test("names that are none, or that differ in case alone", async () => {
    for (const name of ["@lab/Adapter-Owned", "@Lab/adapter-owned", "__proto__", "@lab/..", "@lab/.x"])
      expect([400, 404], name).toContain((await publish("eve", name, "1.0.0")).status);
    for (const what of ["__proto__", "group:", "@a/b/c", "Nope"])
      await expect(changeRights(storage(), what, ["ann"])).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });

  test("the way of npm itself: publish, tag, deprecate, unpublish, and a second account's", async () => {
    const at = join(folder, "by-npm");
    await mkdir(at);
    await writeFile(join(at, "package.json"), JSON.stringify({ name: "@npm/adapter-x", version: "1.0.0" }));
    const npm = async (user: string, ...args: string[]) => {
      const settings = join(folder, `npmrc-${user}`);
      writeFileSync(settings, `${server.url.replace("http:", "")}:_authToken=${tokens[user]}\nregistry=${server.url}\n`);
      const env = { ...process.env, npm_config_userconfig: settings, npm_config_cache: join(folder, "npm-cache") };
      return promisify(execFile)("npm", args, { cwd: at, env }).then(
        () => "done",
        (error: { stderr: string }) => error.stderr,
      );
    };
    expect(await npm("ann", "publish")).toBe("done");
    expect(await npm("bob", "dist-tag", "add", "@npm/adapter-x@1.0.0", "next")).toContain("belongs to ann");
    expect(await npm("ann", "dist-tag", "add", "@npm/adapter-x@1.0.0", "next")).toBe("done");
    expect(await npm("bob", "deprecate", "@npm/adapter-x@1.0.0", "bad")).toContain("belongs to ann");
    expect(await npm("ann", "deprecate", "@npm/adapter-x@1.0.0", "bad")).toBe("done");
    expect(await npm("bob", "unpublish", "@npm/adapter-x", "--force")).toContain("belongs to ann");
    expect((await packument("@npm/adapter-x"))["dist-tags"]).toEqual({ latest: "1.0.0", next: "1.0.0" });
    expect(await npm("ann", "unpublish", "@npm/adapter-x", "--force")).toBe("done");
  }, 120_000);
});

describe("accounts and files", () => {
  test("names that every object has, odd ones, and bodies of another kind are refused; the server keeps on running", async () => {
    const faults: unknown[] = [];
    const heard = (error: unknown) => void faults.push(error);
    process.on("unhandledRejection", heard).on("uncaughtException", heard);
    const basic = (name: string) => basicOf(name, "a long password");
    const send = async (method: string, path: string, body: unknown, headers: Record<string, string> = {}) => {
      const init = { method, headers: { "content-type": "application/json", ...headers }, signal: AbortSignal.timeout(30_000) };
      return (await fetch(server.url + path, { ...init, ...(method !== "GET" && { body: JSON.stringify(body) }) })).status;
    };
    const password = "a long password";
    const names = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "Ann", "a b", "a\nb", "a:b", "../x", "-x", "\u202eann", "x".repeat(65)];
    try {
      for (const name of names) {
        const path = `-/user/org.couchdb.user:${encodeURIComponent(name)}`;
        expect(await send("PUT", path, { name, password }), name).toBe(400);
        expect(await send("PUT", path, { name, password }, /^[!-~]+$/.test(name) ? basic(name) : {}), name).toBe(400);
        expect(await send("PUT", "-/user/org.couchdb.user:dora", { name, password }), name).toBe(400);
        if (/^[!-~]+$/.test(name)) expect(await send("GET", "-/whoami", null, basic(name)), name).toBeLessThan(500);
        await expect(changeRights(storage(), "@lab", [name]), name).rejects.toMatchObject({ code: "OPTION_INVALID" });
      }
      const ann = { authorization: `Bearer ${tokens.ann}` };
      const odd: [method: string, path: string, body: unknown, headers?: Record<string, string>][] = [
        ["PUT", "-/user/org.couchdb.user:%zz", { name: "dora", password }],
        ["PUT", "-/user/org.couchdb.user:dora", { name: "ann", password }],
        ["PUT", "-/user/org.couchdb.user:dora", { name: { dora: 1 }, password }],
        ["PUT", "-/user/org.couchdb.user:dora", { name: "dora", password: { length: 20 } }],
        ["PUT", "-/user/org.couchdb.user:dora", { name: "dora", password: Array(20).fill(1) }],
        ...[null, [1], "text", 3].map((body): [string, string, unknown] => ["PUT", "-/user/org.couchdb.user:dora", body]),
        ["POST", "-/npm/v1/user", { password: { old: 3, new: password } }, ann],
        ["POST", "-/npm/v1/user", { password: { old: "not hers", new: password } }, ann],
        ["POST", "-/npm/v1/user", { password: { old: password, new: 3 } }, ann],
        ["POST", "-/npm/v1/tokens", { password: 3 }, ann],
        ["PUT", "constructor", publishBody("constructor", "1.0.0"), ann],
        ["PUT", "@constructor%2fadapter-x", publishBody("@constructor/adapter-x", "1.0.0"), ann],
        ["PUT", "@lab%2fconstructor", publishBody("@lab/constructor", "1.0.0"), ann],
        ["PUT", "@lab%2fadapter-x%zz", publishBody("@lab/adapter-x", "1.0.0"), ann],
      ];
      for (const [method, path, body, headers] of odd) {
        const status = await send(method, path, body, headers);
        expect(status >= 400 && status < 500, `${method} ${path} ${JSON.stringify(body).slice(0, 80)}: ${status}`).toBe(true);
      }
      for (const what of ["constructor", "@constructor", "group:constructor", "group:Team"])
        await expect(changeRights(storage(), what, ["ann"]), what).rejects.toMatchObject({ code: "OPTION_INVALID" });
      await publish("ann", "@lab/adapter-tagged", "1.0.0");
      for (const tag of ["constructor", "__proto__"])
        expect((await ask("ann", "PUT", `-/package/@lab%2fadapter-tagged/dist-tags/${tag}`, "1.0.0")).status).toBeLessThan(500);
      expect((await packument("@lab/adapter-tagged"))["dist-tags"].latest).toBe("1.0.0");
      expect((await join_("ann")).status).toBe(409);
      expect(await send("PUT", "-/user/org.couchdb.user:ann/-rev/1", { name: "ann", password }, basic("ann"))).toBe(201);
      expect(await send("POST", "-/npm/v1/user", { password: { old: password, new: "another password" } }, ann)).toBe(200);
      expect(await send("POST", "-/npm/v1/user", { password: { old: "another password", new: password } }, basicOf("ann", "another password"))).toBe(200);
      expect((await join_("d.o-r_a1")).status).toBe(201);
      // What is thrown where nobody catches is told of a turn later.
      await new Promise((turned) => setTimeout(turned, 100));
      expect(faults).toEqual([]);
    } finally {
      process.off("unhandledRejection", heard).off("uncaughtException", heard);
    }
  });

  test.skipIf(process.platform === "win32")(
    "secrets are closed, loose ones are closed with a note, owners survive a restart, sign-up is closed unless asked for",
    async () => {
      const mode = (path: string) => (statSync(join(storage(), path)).mode & 0o777).toString(8);
      const files = ["htpasswd", "ledger.json", "packages/.verdaccio-db.json"];
      expect([mode("."), mode("packages"), ...files.map(mode)]).toEqual(["700", "700", "600", "600", "600"]);
      await server.close();
      for (const path of [".", ...files]) chmodSync(join(storage(), path), path === "." ? 0o755 : 0o644);
      const notes = await start();
      expect(notes).toEqual(
        [storage(), ...["htpasswd", "ledger.json", "packages/.verdaccio-db.json"].map((each) => join(storage(), each))].map(
          (path) => `${path} was open to other users of this machine; it is no longer`,
        ),
      );
      expect([mode("."), ...files.map(mode)]).toEqual(["700", "600", "600", "600"]);
      expect((await join_("mallory")).status).toBe(409);
      expect((await join_("ann")).status).toBeLessThan(500);
      expect((await publish("eve", "@lab/adapter-owned", "5.0.0")).status).toBe(403);
      expect((await publish("ann", "@lab/adapter-owned", "5.0.0")).status).toBe(201);
      expect((await fetch(`${server.url}@lab%2fadapter-owned`)).status).toBe(200);
      await server.close();
      await start({ publicRead: false });
      expect((await fetch(`${server.url}@lab%2fadapter-owned`)).status).toBe(401);
      expect((await ask("bob", "GET", "@lab%2fadapter-owned")).status).toBe(200);
    },
  );

  test("packages from before there were owners are nobody's until someone is listed; a damaged ledger is told of at the start", async () => {
    await server.close();
    const ledger = readFileSync(join(storage(), "ledger.json"), "utf8");
    rmSync(join(storage(), "ledger.json"));
    await start();
    for (const user of ["ann", "eve"]) {
      expect((await publish(user, "@lab/adapter-owned", "6.0.0")).text).toContain("registry allow @lab/adapter-owned");
      expect((await publish(user, "@lab/adapter-new", "1.0.0")).text).toContain("registry allow @lab ");
    }
    await changeRights(storage(), "@lab/adapter-owned", ["ann"]);
    expect((await publish("ann", "@lab/adapter-owned", "1.0.0", { text: "other" })).status).toBe(409);
    await unpublish("ann", "@lab/adapter-owned", "1.0.0");
    expect((await publish("ann", "@lab/adapter-owned", "1.0.0", { text: "other" })).status).toBe(409);
    await server.close();
    await writeFile(join(storage(), "ledger.json"), "{");
    await expect(start()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await writeFile(join(storage(), "ledger.json"), ledger);
    await start();
  });
});
