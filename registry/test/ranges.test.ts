// Which version a range, a tag or a version stands for: against npm's own npm-pick-manifest, over a table and over generated packages.
import pickManifest from "npm-pick-manifest";
import { describe, expect, test } from "vitest";
import { chooseVersion, parseLock } from "../src/index.js";
import { parsePackument } from "../src/protocol/metadata.js";

interface Case {
  readonly tags: Record<string, string>;
  /** Versions; a deprecated one with a ! behind it. */
  readonly versions: readonly string[];
}

const integrity = `sha512-${"A".repeat(86)}==`;

function packumentOf({ tags, versions }: Case) {
  const entries = versions.map((text) => {
    const version = text.replace("!", "");
    const dist = { tarball: "http://127.0.0.1/x.tgz", integrity };
    return [version, { name: "x", version, dist, ...(text.endsWith("!") && { deprecated: "old" }) }] as const;
  });
  return { name: "x", "dist-tags": tags, versions: Object.fromEntries(entries) };
}

function ours(from: Case, wanted: string): string | undefined {
  const info = parsePackument(new TextEncoder().encode(JSON.stringify(packumentOf(from))), "x", "http://127.0.0.1/x");
  try {
    return chooseVersion(info, wanted).version;
  } catch (error) {
    expect(error).toMatchObject({ code: "VERSION_NOT_FOUND" });
    return undefined;
  }
}

function npms(from: Case, wanted: string): string | undefined {
  try {
    return pickManifest(packumentOf(from), wanted).version;
  } catch (error) {
    expect((error as { code?: string }).code).toMatch(/^(?:ETARGET|ENOVERSIONS)$/);
    return undefined;
  }
}

/** Worked out by hand from npm's documentation of dist-tags, and held against its code below. */
const TABLE: readonly (readonly [string, Case, string, string | undefined])[] = [
  ["another tag holds a version back", { tags: { latest: "1.0.0", next: "1.1.0" }, versions: ["1.0.0", "1.1.0"] }, "^1", "1.0.0"],
  ["latest is outside of the range", { tags: { latest: "2.0.0" }, versions: ["1.0.0", "1.1.0", "2.0.0"] }, "^1", "1.1.0"],
  ["latest is deprecated", { tags: { latest: "1.0.0" }, versions: ["1.0.0!", "1.1.0"] }, "^1", "1.1.0"],
  ["all are deprecated", { tags: { latest: "1.0.0" }, versions: ["1.0.0!", "1.1.0!"] }, "^1", "1.1.0"],
  ["the highest is deprecated", { tags: {}, versions: ["1.0.0", "1.1.0!"] }, "^1", "1.0.0"],
  ["a tag is exactly its version, deprecated or not", { tags: { latest: "1.0.0" }, versions: ["1.0.0!", "1.1.0"] }, "latest", "1.0.0"],
  ["a prerelease is not in a range that names none", { tags: { latest: "1.0.0" }, versions: ["1.0.0", "1.1.0-beta.1"] }, ">1.0.0", undefined],
  ["a prerelease that the range names", { tags: { latest: "1.0.0" }, versions: ["1.0.0", "1.1.0-beta.1", "1.1.0-beta.2"] }, "^1.1.0-beta.1", "1.1.0-beta.2"],
  ["latest is a prerelease, and anything will do", { tags: { latest: "2.0.0-rc.1" }, versions: ["1.0.0", "2.0.0-rc.1"] }, "*", "2.0.0-rc.1"],
  ["a tag that is not there", { tags: { latest: "1.0.0" }, versions: ["1.0.0"] }, "next", undefined],
  ["a tag of a version that is not there", { tags: { latest: "3.0.0" }, versions: ["1.0.0"] }, "latest", undefined],
  ["latest is not there, and a range has others", { tags: { latest: "1.5.0" }, versions: ["1.0.0", "1.1.0"] }, "^1", "1.1.0"],
  ["names of every object", { tags: { latest: "1.0.0" }, versions: ["1.0.0"] }, "constructor", undefined],
  ["a version as people write it", { tags: {}, versions: ["1.0.0", "2.0.0"] }, "v1.0.0", "1.0.0"],
  ["two ranges", { tags: { latest: "1.4.0" }, versions: ["1.4.0", "2.2.0", "3.0.0"] }, "^1 || ^2", "1.4.0"],
  ["a tag that looks like a version is none", { tags: { "1.0.0": "2.0.0" }, versions: ["1.0.0", "2.0.0"] }, "1.0.0", "1.0.0"],
];

describe("by hand", () => {
  test.each(TABLE)("%s", (_, from, wanted, expected) => {
    expect([ours(from, wanted), npms(from, wanted)]).toEqual([expected, expected]);
  });
});

/** mulberry32 */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

test("5,000 generated packages and wishes: npm's choice", () => {
  const below = random(80);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)];
  const version = () => `${below(3)}.${below(3)}.${below(2)}${below(4) === 0 ? `-${pick(["alpha", "beta", "rc.1", "0"])}.${below(2)}` : ""}`;
  const wishes = [
    () => pick(["^", "~", ">=", "<", "<=", ">", "=", ""]) + version(),
    () => pick(["*", "x", "1", "1.x", "^0", "~1.1", "0.x || 2.x", ">=1 <2", "1.0.0 - 2.1.0", "latest", "next", ""]),
    version,
  ];
  let found = 0;
  for (let i = 0; i < 5000; i++) {
    const versions = Array.from({ length: 1 + below(8) }, () => `${version()}${below(4) === 0 ? "!" : ""}`);
    const unique = [...new Map(versions.map((each) => [each.replace("!", ""), each])).values()];
    const tags = { ...(below(5) > 0 && { latest: pick(unique).replace("!", "") }), ...(below(2) && { next: version() }) };
    const wanted = pick(wishes)();
    const expected = npms({ tags, versions: unique }, wanted);
    expect(ours({ tags, versions: unique }, wanted), JSON.stringify({ tags, unique, wanted })).toBe(expected);
    found += Number(expected !== undefined);
  }
  expect(found).toBeGreaterThan(2000);
});

test("a lock of a prerelease that * stands for is read again", () => {
  const hash = `sha256-${"0".repeat(64)}`;
  const backbone = { name: "@x/backbone-y", version: "1.0.0", integrity, hash };
  const entry = { version: "2.0.0-rc.1", wanted: "*", integrity, hash, backbone };
  expect(parseLock(JSON.stringify({ lockfileVersion: 1, adapters: { "adapter-x": entry } }), "lock").adapters["adapter-x"]).toEqual(entry);
});

test("a tag that leads to a version that is not there says so; what was never there, too", () => {
  const from = packumentOf({ tags: { latest: "9.9.9", next: "1.0.0" }, versions: ["1.0.0"] });
  const info = parsePackument(new TextEncoder().encode(JSON.stringify(from)), "x", "http://127.0.0.1/x");
  expect(() => chooseVersion(info, "latest")).toThrow("x@latest: the tag latest leads to 9.9.9, which is not there; there are 1.0.0; tags latest, next.");
  for (const wanted of ["9.9.9", "^9", "beta", "constructor"])
    expect(() => chooseVersion(info, wanted), wanted).toThrow(`x@${wanted}: no such version; there are 1.0.0`);
});
