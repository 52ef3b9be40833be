// Addresses: what is refused, what is shown, whom a token is for, and where a registry's tarballs are fetched from. Expected values are RFC 3986's and npm's documentation's.
import { expect, test } from "vitest";
import { createRegistry, memoryStore, parseLock } from "../src/index.js";
import { isBelow, registryAddress, shown, tarballAddress, withoutSecrets } from "../src/protocol/address.js";

test.each([
  ["https://Registry.EXAMPLE:443//", "https://registry.example/"],
  ["http://127.0.0.1:4873", "http://127.0.0.1:4873/"],
  ["https://x/a/../b", "https://x/b/"],
  ["HTTPS://x/npm", "https://x/npm/"],
])("%s is %s", (text, expected) => expect(registryAddress(text)).toBe(expected));

const SECRET = "hunter2pw";
test.each([
  `http://me:${SECRET}@127.0.0.1:9/`,
  `https://${SECRET}@127.0.0.1/`,
  `https://me:${SECRET}%40x@127.0.0.1/`,
  `HTTP://me:${SECRET}@x/`,
  `https://x/?token=${SECRET}`,
  `https://x/#${SECRET}`,
  `ftp://me:${SECRET}@x/`,
  `me:${SECRET}@x`,
  `https:/me:${SECRET}@x/`,
  `https:me:${SECRET}@x/`,
  `https:\\\\me:${SECRET}@x/`,
  `https://me:${SECRET}@`,
])("a secret in a registry's address is refused and not said: %s", (url) => {
  const made = [() => createRegistry({ url, store: memoryStore() }), () => createRegistry({ url: "https://x/", scopes: { "@a": url }, store: memoryStore() })];
  for (const make of made) {
    const error = (() => {
      try {
        make();
      } catch (thrown) {
        return thrown as Error;
      }
    })();
    expect(error).toMatchObject({ code: "OPTION_INVALID" });
    expect(`${error?.message}${error?.stack}${JSON.stringify(error)}`).not.toContain(SECRET);
  }
});

test.each([
  `http://me:${SECRET}@127.0.0.1:9/x.tgz`,
  `https:me:${SECRET}@127.0.0.1:9/x.tgz`,
  `https:/me:${SECRET}@127.0.0.1:9/x.tgz`,
  `https:\\\\me:${SECRET}@127.0.0.1:9/x.tgz`,
  `git+https://me:${SECRET}@127.0.0.1:9/x`,
])("nor in a package's: %s", async (spec) => {
  const registry = createRegistry({ url: "https://x/", store: memoryStore() });
  for (const work of [registry.load(spec), registry.lock(spec), registry.resolve(spec)]) {
    const error: Error = await work.then(
      () => new Error("taken"),
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code: "OPTION_INVALID" });
    expect(error.message).not.toContain(SECRET);
  }
});

test("what is shown keeps names with a scope, ports and paths", () => {
  expect(shown("https://me:pw@x:8080/@lab%2fadapter-x?sig=1#2")).toBe("https://x:8080/@lab/adapter-x");
  expect(withoutSecrets("no answer from http://u:p@proxy:3128 (https://x:8080/@lab/y) and user:p@ss@host")).toBe(
    "no answer from http://proxy:3128 (https://x:8080/@lab/y) and …@host",
  );
});

test.each<[string, string, boolean]>([
  ["https://x/npm/a/-/a-1.0.0.tgz", "https://x/npm/", true],
  ["https://x/npm/a", "https://x/npm", true],
  ["https://X:443/npm/a", "https://x/npm/", true],
  ["https://x/npm-evil/a", "https://x/npm/", false],
  ["https://x/npm/../evil/a", "https://x/npm/", false],
  ["https://x/npm/%2e%2e/evil/a", "https://x/npm/", false],
  ["https://x/npm/.%2E/evil/a", "https://x/npm/", false],
  ["https://x/npm/%2e%2e%2fevil/a", "https://x/npm/", false],
  ["https://x/npm/..%2fevil/a", "https://x/npm/", false],
  ["https://x/npm/%252e%252e%252fevil/a", "https://x/npm/", false],
  ["https://x/npm/..%5cevil/a", "https://x/npm/", false],
  ["https://x\\npm\\..\\evil", "https://x/npm/", false],
  ["https://x/npm\\..\\evil", "https://x/npm/", false],
  ["http://x/npm/a", "https://x/npm/", false],
  ["https://x:8443/npm/a", "https://x/npm/", false],
  ["https://x.evil/npm/a", "https://x/npm/", false],
  ["https://evil@x.evil/npm/a", "https://x/npm/", false],
  ["https://x@evil/npm/a", "https://x/npm/", false],
  ["https://x", "https://x/npm/", false],
])("%s below %s: %s", (address, registry, expected) => expect(isBelow(address, registry)).toBe(expected));

test.each<[string, string, string | undefined, string]>([
  // npm's own host, by default; others stay.
  ["https://registry.npmjs.org/a/-/a-1.tgz", "https://mirror/", undefined, "https://mirror/a/-/a-1.tgz"],
  ["https://registry.npmjs.org/@l/a/-/a-1.tgz", "https://mirror/api/npm/", undefined, "https://mirror/api/npm/@l/a/-/a-1.tgz"],
  ["http://inner:4873/a/-/a-1.tgz", "https://outer/", undefined, "http://inner:4873/a/-/a-1.tgz"],
  ["http://inner:4873/a/-/a-1.tgz", "https://outer/", "npmjs", "http://inner:4873/a/-/a-1.tgz"],
  // Always; the registry's own path is not put twice.
  ["http://inner:4873/a/-/a-1.tgz", "https://outer/npm/", "always", "https://outer/npm/a/-/a-1.tgz"],
  ["http://inner:4873/npm/a/-/a-1.tgz", "https://outer/npm/", "always", "https://outer/npm/a/-/a-1.tgz"],
  ["http://inner:4873/a/-/a-1.tgz?v=2", "https://outer/", "always", "https://outer/a/-/a-1.tgz?v=2"],
  ["https://registry.npmjs.org/a/-/a-1.tgz", "https://mirror/", "never", "https://registry.npmjs.org/a/-/a-1.tgz"],
  ["http://outer/a/-/a-1.tgz", "https://outer/", "never", "http://outer/a/-/a-1.tgz"],
  // A host, or an address with a path.
  ["http://inner/a/-/a-1.tgz", "https://outer/", "inner", "https://outer/a/-/a-1.tgz"],
  ["http://inner:81/a/-/a-1.tgz", "https://outer/", "inner:81", "https://outer/a/-/a-1.tgz"],
  ["http://other/a/-/a-1.tgz", "https://outer/", "inner", "http://other/a/-/a-1.tgz"],
  ["https://old/npm/path/a/-/a-1.tgz", "https://new/repo/", "https://old/npm/path", "https://new/repo/a/-/a-1.tgz"],
  ["https://old/npm/pathology/a/-/a-1.tgz", "https://new/repo/", "https://old/npm/path", "https://old/npm/pathology/a/-/a-1.tgz"],
  // http of a registry that is asked by https.
  ["http://outer/a/-/a-1.tgz", "https://outer/", undefined, "https://outer/a/-/a-1.tgz"],
  ["http://outer:80/a/-/a-1.tgz", "https://outer:8443/", undefined, "https://outer:8443/a/-/a-1.tgz"],
  ["http://u:p@outer/a/-/a-1.tgz", "http://outer/", undefined, "http://outer/a/-/a-1.tgz"],
])("%s of %s, %s: %s", (tarball, registry, replace, expected) => expect(tarballAddress(tarball, registry, replace)).toBe(expected));

test("a lock with a secret in an address, or a name that is none, is refused without saying it", () => {
  const integrity = `sha512-${"A".repeat(86)}==`;
  const hash = `sha256-${"0".repeat(64)}`;
  const entry = { version: "1.0.0", wanted: "^1", integrity, hash, backbone: { name: "@x/backbone-y", version: "1.0.0", integrity, hash } };
  const lock = (name: string, changes: object) => () =>
    parseLock(JSON.stringify({ lockfileVersion: 1, adapters: { [name]: { ...entry, ...changes } } }), "lock");
  expect(lock("adapter-x", { tarball: "https://x/y.tgz" })).not.toThrow();
  for (const tarball of [`https://me:${SECRET}@x/y.tgz`, `https://x/y.tgz?${SECRET}`, `file:///${SECRET}`])
    expect(lock("adapter-x", { tarball })).toThrow(expect.objectContaining({ code: "LOCK_INVALID", message: expect.not.stringContaining(SECRET) }));
  for (const name of ["../x", "@x/../y", "%2e%2e", "@x/y/../../z", "__proto__"])
    for (const bad of [lock(name, {}), lock("adapter-x", { backbone: { ...entry.backbone, name } })])
      if (name !== "__proto__") expect(bad).toThrow(/package's name|damaged/);
});
