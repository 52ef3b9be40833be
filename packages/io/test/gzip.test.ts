// Decompression on every path: Node's zlib, the browser's stream, and the package's own, which must agree with zlib.
import { constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type GunzipPlan, gunzip, gunzipHead, unpack, unpackWeb } from "../src/compression/gzip.js";
import { InflateError, inflateGzip, inflateRaw, inflateZlib } from "../src/compression/inflate.js";
import { concat, random, refusal } from "./build.js";

const next = random(5);
const noise = Uint8Array.from({ length: 300_000 }, () => Math.floor(next() * 256));
const words = new TextEncoder().encode(Array.from({ length: 60_000 }, () => ["voxel", " ", "slice", "\n", "ct"][Math.floor(next() * 5)]).join(""));
const smooth = Uint8Array.from({ length: 700_000 }, (_, i) => (i % 50_000 < 30_000 ? 0 : 128 + 60 * Math.sin(i / 900) + 3 * next()));
const SAMPLES: Record<string, Uint8Array> = { empty: new Uint8Array(0), one: Uint8Array.of(7), noise, words, smooth, zeros: new Uint8Array(1e6) };

const all = (bytes: Uint8Array) => concat(...inflateGzip(bytes));
const plan = (size: number): GunzipPlan => ({ name: "x.gz", limit: 1e9, size: () => size });
const gunzipWeb = (bytes: Uint8Array, how: GunzipPlan) => unpackWeb(bytes, how, "gzip");
const same = (a: Uint8Array, b: Uint8Array) => expect(Buffer.compare(a, b)).toBe(0);

describe("the package's own inflate", () => {
  it.each(Object.keys(SAMPLES))("gives what zlib packed: %s", (name) => {
    const sample = SAMPLES[name];
    for (const options of [
      { level: 0 },
      { level: 1 },
      { level: 9 },
      { strategy: constants.Z_FIXED },
      { strategy: constants.Z_HUFFMAN_ONLY },
      { strategy: constants.Z_RLE },
    ]) {
      same(all(gzipSync(sample, options)), sample);
    }
  });

  it("joins members, and skips names, comments, extra fields and what follows the last member", () => {
    const tail = gzipSync(words).subarray(-8);
    const optional = concat(
      Uint8Array.of(0x1f, 0x8b, 8, 4 + 8 + 16 + 2, 0, 0, 0, 0, 0, 3, 2, 0, 9, 9),
      new TextEncoder().encode("name\0comment\0"),
      Uint8Array.of(1, 2),
      deflateRawSync(words),
      tail,
    );
    same(all(concat(gzipSync(noise), optional, gzipSync(""), new Uint8Array(512))), concat(noise, words));
  });

  it("says damaged or truncated, never hangs and never goes on", () => {
    const packed = gzipSync(words);
    for (let round = 0; round < 300; round++) {
      const copy = Uint8Array.from(packed.subarray(0, round % 2 ? Math.floor(next() * packed.length) : undefined));
      if (round % 2 === 0) copy[10 + Math.floor(next() * (copy.length - 10))] ^= 1 << Math.floor(next() * 8);
      if (copy.length < 3) continue;
      expect(() => all(copy)).toThrow(InflateError);
    }
  });
});

describe("the browser's path", () => {
  afterEach(() => vi.unstubAllGlobals());
  const two = concat(gzipSync(words), gzipSync(noise));
  const both = concat(words, noise);

  it("uses DecompressionStream", async () => same(await gunzipWeb(gzipSync(words), plan(words.length)), words));

  it("joins members where DecompressionStream throws at the second one", async () => {
    vi.stubGlobal(
      "DecompressionStream",
      class extends TransformStream {
        constructor() {
          super({ flush: () => Promise.reject(new TypeError("Junk found after end of compressed data.")) });
        }
      },
    );
    same(await gunzipWeb(two, plan(both.length)), both);
  });

  it("joins members without DecompressionStream", async () => {
    vi.stubGlobal("DecompressionStream", undefined);
    same(await gunzipWeb(two, plan(both.length)), both);
  });

  it("refuses as in Node", async () => {
    const packed = gzipSync(words);
    const damaged = Uint8Array.from(packed);
    damaged[packed.length - 6] ^= 1;
    for (const way of [gunzip, gunzipWeb]) {
      await refusal(() => way(packed.subarray(0, 5000), plan(10)), "FILE_TRUNCATED", /x\.gz/);
      await refusal(() => way(damaged, plan(10)), "FORMAT_INVALID", /x\.gz/);
      await refusal(() => way(gzipSync(SAMPLES.zeros), { ...plan(10), limit: 1000 }), "FILE_TOO_LARGE", /1000/);
    }
  });
});

it("keeps only what the plan asks for, told from the first 544 bytes", async () => {
  for (const way of [gunzip, gunzipWeb]) {
    const heads: Uint8Array[] = [];
    const kept = await way(gzipSync(noise), { ...plan(0), size: (head) => heads.push(Uint8Array.from(head)) + 1543 });
    expect(heads).toEqual([noise.slice(0, 544)]);
    same(kept, noise.subarray(0, 1544));
    same(await way(gzipSync(noise.subarray(0, 100)), plan(40)), noise.subarray(0, 40));
    same(await way(gzipSync(noise.subarray(0, 100)), plan(400)), noise.subarray(0, 100));
  }
});

describe("zlib and raw DEFLATE", () => {
  afterEach(() => vi.unstubAllGlobals());

  it.each(Object.keys(SAMPLES))("give what zlib packed, also before other bytes: %s", async (name) => {
    const sample = SAMPLES[name];
    const zlib = concat(deflateSync(sample), Uint8Array.of(1, 2, 3));
    const raw = concat(deflateRawSync(sample), Uint8Array.of(1, 2, 3));
    same(concat(...inflateZlib(zlib)), sample);
    same(concat(...inflateRaw(raw)), sample);
    for (const way of [unpack, unpackWeb]) {
      same(await way(zlib, plan(sample.length), "zlib"), sample);
      same(await way(raw, plan(sample.length), "raw"), sample);
    }
  });

  it("cut or damaged are told apart, on every path", async () => {
    const packed = deflateSync(words);
    const wrong = packed.map((byte, i) => (i === packed.length - 1 ? byte ^ 1 : byte));
    for (const way of [unpack, unpackWeb]) {
      for (const end of [1, 100, packed.length - 2])
        await refusal(() => way(packed.subarray(0, end), plan(words.length), "zlib"), "FILE_TRUNCATED", /zlib data of/);
      await refusal(() => way(wrong, plan(words.length), "zlib"), "FORMAT_INVALID", /zlib/);
      await refusal(() => way(gzipSync(words), plan(words.length), "zlib"), "FORMAT_INVALID", /zlib/);
    }
  });
});

describe("the head of gzip data", () => {
  it("is its first 544 bytes, or what there is of them", async () => {
    const how = { name: "x.gz", limit: 1e9 };
    same(await gunzipHead(gzipSync(words), how), words.subarray(0, 544));
    same(await gunzipHead(gzipSync(words).subarray(0, 5000), how), words.subarray(0, 544));
    same(await gunzipHead(gzipSync("abc"), how), new TextEncoder().encode("abc"));
    await refusal(() => gunzipHead(Uint8Array.of(0x1f, 0x8b, 8), how), "FILE_TRUNCATED", /x\.gz/);
  });
});
