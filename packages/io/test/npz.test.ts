// .npz archives: what numpy wrote, and what is refused.
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { AnyMC3DError } from "@anymc3d/core";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { readNpz } from "../src/index.js";
import { concat, random, refusal } from "./build.js";

const here = path.dirname(fileURLToPath(import.meta.url));
interface Reference {
  cases: Record<string, { base64: string; arrays: Record<string, { dtype: string; shape: number[]; values: number[] }> }>;
  refused: Record<string, string>;
}
const { cases, refused }: Reference = JSON.parse(readFileSync(path.join(here, "reference/npz.json"), "utf8"));
const decode = (base64: string) => Uint8Array.from(Buffer.from(base64, "base64"));

describe("as numpy reads them", () => {
  it.each(Object.keys(cases))("%s", (name) => {
    const { base64, arrays } = cases[name];
    const found = readNpz(decode(base64));
    expect([...found.keys()].sort()).toEqual(Object.keys(arrays).sort());
    for (const [key, { dtype, shape, values }] of Object.entries(arrays)) {
      expect({ key, dtype: found.get(key)?.dtype, shape: found.get(key)?.shape }).toEqual({ key, dtype, shape });
      expect([...(found.get(key)?.data ?? [])], key).toEqual(values);
    }
  });

  it("only those asked for", () => {
    const found = readNpz(decode(cases.stored.base64), { only: ["u1", "little_f4", "absent"] });
    expect([...found.keys()].sort()).toEqual(["little_f4", "u1"]);
  });

  it("from a view into a larger buffer", () => {
    const moved = concat(new Uint8Array(3), decode(cases["version 2"].base64)).subarray(3);
    expect([...(readNpz(moved).get("x")?.data ?? [])]).toEqual(cases["version 2"].arrays.x.values);
  });
});

describe("refused", () => {
  it.each(Object.keys(refused))("%s", async (name) => {
    await refusal(() => readNpz(decode(refused[name]), { name: "a.npz" }), "FORMAT_INVALID", /^a\.npz: x: /);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /it is empty/],
    ["gzip", Uint8Array.of(0x1f, 0x8b, 8, 0), /gzip-compressed/],
    ["a bare .npy", new TextEncoder().encode("\x93NUMPY"), /not an \.npz archive/],
  ])("%s", async (_, bytes, says) => {
    await refusal(() => readNpz(bytes), "FORMAT_UNKNOWN", says);
  });

  it("an archive cut short", () => refusal(() => readNpz(decode(cases.stored.base64).subarray(0, 2000)), "FILE_TRUNCATED", /breaks off/));

  it("more than maxBytes, also by way of a small file", async () => {
    const zeros = zipSync({ "x.npy": new Uint8Array(5_000_000) });
    await refusal(() => readNpz(zeros, { maxBytes: 1_000_000 }), "FILE_TOO_LARGE", /5000000/, /1000000/);
  });

  it("sizes that cannot be, before they are allocated", async () => {
    const bytes = zipSync({ "x.npy": new Uint8Array(1000) });
    const view = new DataView(bytes.buffer);
    for (let at = bytes.length - 22; at >= 0; at--) if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 3_000_000_000, true);
    await refusal(() => readNpz(bytes), "FORMAT_INVALID", /3000000000 bytes, which cannot be/);
  });

  const npy = (header: string, values = 0) => {
    const text = new TextEncoder().encode(header);
    const start = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 255, text.length >> 8);
    return zipSync({ "x.npy": concat(start, text, new Uint8Array(values)) });
  };

  it.each<[string, "FORMAT_INVALID" | "FILE_TRUNCATED", RegExp]>([
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", "FILE_TRUNCATED", /expected 48 bytes for float32 \[3, 4\].*found 40/],
    ["{'descr': '|u1', 'fortran_order': False, 'shape': (9007199254740993, 9007199254740993), }", "FORMAT_INVALID", /a shape of/],
    ["{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296), }", "FILE_TRUNCATED", /expected 7\.9/],
    ["{'descr': '|u1', 'fortran_order': False, 'shape': (-3, 4), }", "FORMAT_INVALID", /cannot be read/],
    ["{'descr': '|u1', 'shape': (3, 4), }", "FORMAT_INVALID", /cannot be read/],
    ["{'descr': '|V3', 'fortran_order': False, 'shape': (3,), }", "FORMAT_INVALID", /type "\|V3"/],
  ])("header %s", async (header, code, says) => {
    await refusal(() => readNpz(npy(header, 40)), code, says);
  });

  it("any damage: an error with a code, or the right values", () => {
    const next = random(3);
    const whole = decode(cases.deflated.base64);
    let errors = 0;
    for (let round = 0; round < 400; round++) {
      const copy = Uint8Array.from(whole.subarray(0, round % 4 === 0 ? Math.floor(next() * whole.length) : undefined));
      if (copy.length > 0 && round % 4) copy[Math.floor(next() * copy.length)] ^= 1 << Math.floor(next() * 8);
      try {
        // an entry may lose its name, never its values
        for (const [key, { data }] of readNpz(copy)) if (cases.deflated.arrays[key]) expect([...data]).toEqual(cases.deflated.arrays[key].values);
      } catch (error) {
        errors++;
        expect(error).toBeInstanceOf(AnyMC3DError);
      }
    }
    expect(errors).toBeGreaterThan(200);
  });
});
