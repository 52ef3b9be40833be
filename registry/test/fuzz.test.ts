// What registries say and what lies in a lock file, mutated by schema: it is read, or refused by a typed error; no object's prototype is touched.
import { isAnyMC3DError } from "@anymc3d/core";
import { expect, test } from "vitest";
import { chooseVersion, createRegistry, formatLock, memoryStore, parseLock } from "../src/index.js";
import { parsePackument } from "../src/protocol/metadata.js";

const RUNS = 10_000;

function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const integrity = `sha512-${"A".repeat(86)}==`;
const hash = `sha256-${"0".repeat(64)}`;
const facts = { title: "t", kind: "binary", labels: ["a"], modalities: ["CT"], bodyParts: ["lung"], backbone: "@x/backbone-y" };
const version = (of: string) => ({
  name: "@x/adapter-y",
  version: of,
  license: "MIT",
  anymc3d: facts,
  dist: { tarball: `https://x/@x/adapter-y/-/adapter-y-${of}.tgz`, integrity, signatures: [{ keyid: "k", sig: "AAAA" }] },
});
const PACKUMENT = {
  name: "@x/adapter-y",
  "dist-tags": { latest: "1.1.0", next: "2.0.0-rc.1" },
  versions: { "1.0.0": version("1.0.0"), "1.1.0": { ...version("1.1.0"), deprecated: "old" }, "2.0.0-rc.1": version("2.0.0-rc.1") },
  time: { "1.0.0": "2026-01-01T00:00:00.000Z", modified: "2026-01-01T00:00:00.000Z" },
};
const LOCK = {
  lockfileVersion: 1,
  adapters: {
    "@x/adapter-y": {
      version: "1.0.0",
      wanted: "^1",
      integrity,
      hash,
      tarball: "https://x/y.tgz",
      backbone: { name: "@x/backbone-y", version: "1.0.0", integrity, hash },
    },
  },
};

const KEYS = ["__proto__", "constructor", "toString", "versions", "dist", "latest", "1.0.0", "", "a".repeat(300), "../x", "adapters", "hasOwnProperty"];
const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  "",
  "x",
  [],
  {},
  [null],
  { length: 5 },
  "__proto__",
  "../../etc",
  "javascript:1",
  "https://u:p@x/",
  "http://[",
  "sha512-",
  "sha512-AAAA",
  `sha512-${"A".repeat(86)}== sha1-x`,
  "1.0.0 ".repeat(500),
  ">=1 ".repeat(400),
  "^".repeat(1000),
  "99999999999999999999.0.0",
  "1.0.0-".padEnd(400, "a"),
  "\u0000\u202e",
  { toString: 1, valueOf: null },
];

/** A copy in which something was taken out, put in, exchanged or nested, one to four times. */
function mutated(from: unknown, below: (n: number) => number): string {
  const text = JSON.stringify(from);
  const copy = JSON.parse(text);
  const places: { of: Record<string, unknown>; key: string }[] = [];
  const walk = (value: unknown) => {
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) {
      places.push({ of: value as Record<string, unknown>, key });
      walk((value as Record<string, unknown>)[key]);
    }
  };
  walk(copy);
  for (let i = 0; i <= below(4); i++) {
    const { of, key } = places[below(places.length)];
    const value = VALUES[below(VALUES.length)];
    const name = KEYS[below(KEYS.length)];
    const kind = below(5);
    if (kind === 0) delete of[key];
    else if (kind === 1) of[key] = value;
    else if (kind === 2) Object.defineProperty(of, name, { value, enumerable: true, configurable: true, writable: true });
    else if (kind === 3) Object.defineProperty(of, name, { value: of[key], enumerable: true, configurable: true, writable: true });
    else of[key] = { [name]: of[key] };
  }
  const out = JSON.stringify(copy) ?? "";
  const cut = below(20);
  if (cut === 0) return out.slice(0, below(out.length));
  if (cut === 1) return out.replace(/[{}[\]",:]/, "");
  return out;
}

function typed<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!isAnyMC3DError(error)) throw error;
    return undefined;
  }
}

const prototypes = () => [Object.prototype, Array.prototype, Function.prototype].map((each) => Object.getOwnPropertyNames(each).sort().join());

test(`${RUNS} packuments`, () => {
  const below = random(1);
  const before = prototypes();
  let read = 0;
  for (let i = 0; i < RUNS; i++) {
    const info = typed(() => parsePackument(new TextEncoder().encode(mutated(PACKUMENT, below)), "@x/adapter-y", "https://x/@x%2fadapter-y"));
    if (!info) continue;
    read++;
    for (const wanted of ["latest", "^1", "*", "1.0.0", "__proto__", "next", ">=1 ".repeat(200)]) {
      const found = typed(() => chooseVersion(info, wanted));
      if (!found) continue;
      // What is let through has all that is needed to check what comes.
      expect(found.integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
      expect(found.tarball).toMatch(/^https?:\/\//);
      expect(found.version).toMatch(/^\d+\.\d+\.\d+/);
    }
  }
  expect(read).toBeGreaterThan(RUNS / 4);
  expect(prototypes()).toEqual(before);
});

test(`${RUNS} lock files`, async () => {
  const below = random(2);
  const before = prototypes();
  let read = 0;
  for (let i = 0; i < RUNS; i++) {
    const lock = typed(() => parseLock(mutated(LOCK, below), "anymc3d.lock.json"));
    if (!lock) continue;
    read++;
    // What is read is written and read again as it is.
    expect(parseLock(formatLock(lock), "again")).toEqual({ adapters: { ...lock.adapters } });
    const registry = createRegistry({ url: "https://x/", store: memoryStore(), lock, offline: true, frozen: true });
    const error: unknown = await registry.resolve("@x/adapter-y@^1").then(() => undefined, (reason) => reason); // biome-ignore format: one line
    expect(error === undefined || isAnyMC3DError(error)).toBe(true);
  }
  expect(read).toBeGreaterThan(100);
  expect(prototypes()).toEqual(before);
});
