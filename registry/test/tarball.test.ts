// Tarballs of packages: what is too much ends the reading there; mutated ones are read or refused, never more.
import { gunzipSync, gzipSync } from "node:zlib";
import { isAnyMC3DError } from "@anymc3d/core";
import { mutated } from "@anymc3d/testkit/mutate";
import { expect, test } from "vitest";
import { unpackTarball } from "../src/protocol/tarball.js";
import { type Entry, tarball } from "./tar-build.js";

const WANTED = new Set(["adapter.json", "weights.safetensors", "README.md"]);
const LIMITS = { bytes: 2 ** 29, entries: 1000 };
const unpack = (bytes: Uint8Array) => unpackTarball(bytes, WANTED, LIMITS, "a@1.0.0");
const refusal = async (bytes: Uint8Array) => {
  const error = await unpack(bytes).catch((cause: unknown) => cause);
  if (!isAnyMC3DError(error)) throw error instanceof Error ? error : new Error("it was read");
  expect(error.code).toBe("PACKAGE_INVALID");
  return error.message;
};
const MANY = 2 ** 27;

/** A safetensors file of one tensor of bytes. */
function weights(bytes: number, says = bytes): Buffer {
  const header = Buffer.from(JSON.stringify({ a: { dtype: "U8", shape: [says], data_offsets: [0, says] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(bytes)]);
}

/** As long as its entries claim, which are zeros. */
const good: Entry[] = [
  { path: "package/adapter.json", content: "{}" },
  { path: "package", type: "5" },
  { path: "package/weights.safetensors", content: weights(2 ** 21) },
  { path: "package/samples/scan.nii", content: Buffer.alloc(700) },
  { path: "package/README.md", content: "# A" },
];

test("the files that are wanted, however the pieces of the stream fall", async () => {
  const files = await unpack(tarball(good));
  expect([...files.keys()]).toEqual(["adapter.json", "weights.safetensors", "README.md"]);
  expect(Buffer.from(files.get("weights.safetensors") ?? []).equals(weights(2 ** 21))).toBe(true);
  expect(Buffer.from(files.get("README.md") ?? []).toString()).toBe("# A");
});

test.each<[string, () => Uint8Array, RegExp]>([
  ["weights of zeros", () => tarball([{ path: "package/weights.safetensors", content: Buffer.alloc(MANY) }]), /do not begin with a safetensors header/],
  [
    "weights longer than their header says",
    () => tarball([{ path: "package/weights.safetensors", content: weights(MANY, 1000) }]),
    /their header asks for 1\d\d\d/,
  ],
  ["a text that is none", () => tarball([{ path: "package/adapter.json", content: Buffer.alloc(MANY) }]), /at most 4194304/],
  ["what nobody asked for", () => tarball([{ path: "package/x.bin", content: Buffer.alloc(MANY) }]), /no part of an adapter/],
  ["many of them", () => tarball(Array.from({ length: 9 }, (_, i) => ({ path: `package/${i}`, content: Buffer.alloc(2 ** 23) }))), /no part of an adapter/],
  ["zeros behind the last file", () => gzipSync(Buffer.concat([gunzipSync(tarball(good)), Buffer.alloc(MANY)])), /follow its last file/],
  ["zeros alone", () => gzipSync(Buffer.alloc(MANY)), /follow its last file/],
  ["a size that cannot be", () => tarball([{ path: "package/weights.safetensors", content: "x", size: 2 ** 32 }]), /breaks off/],
  ["a pax header of zeros", () => tarball([{ path: "x", type: "x", content: Buffer.alloc(MANY) }]), /pax header has/],
])("refused before the rest is unpacked: %s", async (_, make, says) => {
  const bytes = make();
  const before = process.memoryUsage().arrayBuffers;
  expect(await refusal(bytes)).toMatch(says);
  // The two that are weights are given their place at once.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MANY + 2 ** 25);
});

test("mutated: files that are in it, or PACKAGE_INVALID; FUZZ=10000 for the whole", async () => {
  const seeds = [
    tarball(good.filter(({ path }) => !path.includes("weights"))),
    tarball([...good.slice(0, 2), { path: "package/weights.safetensors", content: "w" }]),
  ];
  const seen = { read: 0, refused: 0 };
  for (let round = 0; round < Number(process.env.FUZZ ?? 300); round++) {
    const bytes = mutated(seeds, 1, round);
    const result = await unpack(bytes).catch((cause: unknown) => cause);
    if (isAnyMC3DError(result)) {
      expect(result.code).toBe("PACKAGE_INVALID");
      seen.refused++;
      continue;
    }
    if (!(result instanceof Map)) throw new Error(`mutated(seeds, 1, ${round})`, { cause: result });
    // What is given out lies in the tar, as it is.
    const tar = gunzipSync(bytes);
    for (const [file, content] of result as Map<string, Uint8Array>) expect(WANTED.has(file) && tar.includes(Buffer.from(content))).toBe(true);
    seen.read++;
  }
  expect(seen.read).toBeGreaterThan(0);
  expect(seen.refused).toBeGreaterThan(0);
});
