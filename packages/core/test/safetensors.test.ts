// safetensors: files of other programs, unaligned data, everything a damaged or hostile file may claim.
import { isAnyMC3DError } from "@anymc3d/core";
import { readSafetensors, readTensors, writeSafetensors } from "@anymc3d/core/engine";
import { seededRandom } from "@anymc3d/core/learn";
import { reference, refusal } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";

/** A file from a header text and data, by the format's definition: u64 length, JSON, bytes. */
function file(header: unknown, data: Uint8Array = new Uint8Array(0), claimed?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
}

const f32 = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const entry = (shape: unknown, offsets: unknown, dtype: unknown = "F32") => ({ dtype, shape, data_offsets: offsets });

describe("reading", () => {
  test("a file written by the Python library: F16, BF16, F32, F64, a scalar and an empty tensor", () => {
    const wanted = reference<{ file: string; tensors: Record<string, { shape: number[]; words: number[] }> }>("safetensors");
    const tensors = readTensors(new Uint8Array(Buffer.from(wanted.file, "base64")));
    expect([...tensors.keys()].sort()).toEqual(Object.keys(wanted.tensors).sort());
    for (const [name, { shape, words }] of Object.entries(wanted.tensors)) {
      const tensor = tensors.get(name);
      expect(tensor?.shape).toEqual(shape);
      expect([...new Uint32Array(Float32Array.from(tensor?.data ?? []).buffer)], name).toEqual(words);
    }
  });

  test("data at offsets that are no multiple of the value size (header of 8k+2 bytes)", () => {
    const header = { a: entry([1], [0, 2], "BF16"), b: entry([2], [2, 10]), c: entry([1], [10, 18], "F64"), d: entry([1], [18, 20], "F16") };
    const data = Uint8Array.of(0x80, 0x3f, ...f32(1.5, -2), ...new Uint8Array(Float64Array.of(0.25).buffer), 0x00, 0xc0);
    for (let pad = 0; pad < 8; pad++) {
      const text = JSON.stringify(header);
      const bytes = file(text + " ".repeat((10 - (text.length % 8) + pad) % 8), data);
      const tensors = readTensors(bytes);
      expect(["a", "b", "c", "d"].map((name) => [...(tensors.get(name)?.data ?? [])])).toEqual([[1], [1.5, -2], [0.25], [-2]]);
    }
  });

  test("bytes that are a view into a larger buffer, as Node's pooled Buffers are", () => {
    const bytes = file({ a: entry([2], [0, 8]) }, f32(3, 4));
    for (const shift of [1, 2, 3, 5]) {
      const room = Buffer.alloc(bytes.length + 16, 0xaa);
      room.set(bytes, shift);
      expect([...(readTensors(room.subarray(shift, shift + bytes.length)).get("a")?.data ?? [])]).toEqual([3, 4]);
    }
  });

  test("the values are a copy: changing them leaves the file alone", () => {
    const bytes = Buffer.from(file({ a: entry([1], [0, 4]) }, f32(3)));
    const before = Buffer.from(bytes);
    readTensors(bytes).get("a")?.data.fill(9);
    expect(bytes.equals(before)).toBe(true);
  });

  test("metadata is passed over", () => {
    expect([...readTensors(file({ __metadata__: { format: "pt" }, a: entry([2], [0, 8]) }, f32(1, 2))).keys()]).toEqual(["a"]);
  });
});

describe("refusals are SAFETENSORS_INVALID and name the tensor", () => {
  const one = f32(1, 2);
  const cases: [string, Uint8Array, RegExp?][] = [
    ["no bytes", new Uint8Array(0)],
    ["seven bytes", new Uint8Array(7)],
    ["header length beyond the file", file({ a: entry([2], [0, 8]) }, one, 1000n), /claims 1000/],
    ["header length of 2^63", file({}, one, 2n ** 63n)],
    ["header length of 2^64-1", file({}, one, 2n ** 64n - 1n)],
    ["header that is not JSON", file("{nonsense", one), /not JSON/],
    ["header that is not UTF-8", file("x", one).map((b, i) => (i === 8 ? 0xff : b))],
    ["header cut short", file(JSON.stringify({ a: entry([2], [0, 8]) }).slice(0, -3))],
    ["header of null", file("null", one)],
    ["header that is a list", file("[]", one)],
    ["header that is a number", file("7", one)],
    ["empty header", file("", one)],
    ["entry of null", file({ a: null }, one), /"a"/],
    ["entry that is a string", file({ a: "F32" }, one), /"a"/],
    ["no dtype", file({ a: { shape: [2], data_offsets: [0, 8] } }, one), /dtype/],
    ["unknown dtype", file({ a: entry([2], [0, 8], "I64") }, one), /I64.*F32/],
    ["dtype of an object's own name", file({ a: entry([2], [0, 8], "toString") }, one), /dtype/],
    ["dtype that is a number", file({ a: entry([2], [0, 8], 5) }, one), /dtype/],
    ["shape missing", file({ a: { dtype: "F32", data_offsets: [0, 8] } }, one), /shape/],
    ["negative side", file({ a: entry([-2], [0, 8]) }, one), /shape/],
    ["two negative sides", file({ a: entry([-1, -2], [0, 8]) }, one), /shape/],
    ["fractional side", file({ a: entry([0.5, 4], [0, 8]) }, one), /shape/],
    ["side that is text", file({ a: entry(["2"], [0, 8]) }, one), /shape/],
    ["shape of other size than the bytes", file({ a: entry([3], [0, 8]) }, one), /12 bytes/],
    ["huge shape", file({ a: entry([2 ** 31, 2 ** 31, 4], [0, 8]) }, one)],
    ["shape whose product overflows to 0 in 64 bits", file({ a: entry([2 ** 32, 2 ** 32], [0, 0]) }, one)],
    ["negative offset", file({ a: entry([2], [-8, 0]) }, one), /offsets/],
    ["end before start", file({ a: entry([2], [8, 0]) }, one), /8–0/],
    ["end beyond the file", file({ a: entry([4], [0, 16]) }, one), /0–16 of 8/],
    ["start beyond the file", file({ a: entry([0], [100, 100]) }, one)],
    ["offset beyond 2^53", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[9007199254740993,9007199254741001]}}`, one)],
    ["offset 1e999", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,1e999]}}`, one)],
    ["fractional offsets", file({ a: entry([1], [0.5, 4.5]) }, one)],
    ["one offset", file({ a: entry([2], [0]) }, one), /offsets/],
    ["three offsets", file({ a: entry([2], [0, 8, 8]) }, one), /offsets/],
    ["the same bytes twice", file({ a: entry([2], [0, 8]), b: entry([2], [0, 8]) }, one), /overlap/],
    ["overlap in part", file({ a: entry([2], [0, 8]), b: entry([1], [4, 8]) }, one), /"a" and "b" overlap/],
    ["overlap written in the other order", file({ b: entry([1], [4, 8]), a: entry([2], [0, 8]) }, one), /overlap/],
    ["data cut short", file({ a: entry([2], [0, 8]) }, one).slice(0, -1), /of 7/],
  ];
  test.each(cases)("%s", async (_, bytes, message) => {
    const error = await refusal(() => readSafetensors(bytes, "weights of x"));
    expect(error.code).toBe("SAFETENSORS_INVALID");
    expect(error.message).toContain("weights of x");
    if (message) expect(error.message).toMatch(message);
  });
});

test("a thousand damaged files: refused or read, never another exception, never a value from outside", () => {
  const random = seededRandom(52);
  const pick = (n: number) => Math.floor(random() * n);
  const whole = writeSafetensors(
    new Map([
      ["head.weight", { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
      ["head.bias", { shape: [2], data: Float32Array.of(7, 8) }],
    ]),
  );
  let refused = 0;
  for (let n = 0; n < 1000; n++) {
    let bytes = Uint8Array.from(whole);
    for (let change = 0; change <= pick(4); change++) {
      const kind = pick(4);
      if (kind === 0) bytes[pick(bytes.length)] = pick(256);
      if (kind === 1) bytes[pick(bytes.length)] ^= 1 << pick(8);
      if (kind === 2 && bytes.length > 1) bytes = bytes.slice(0, pick(bytes.length) + 1);
      if (kind === 3) bytes[8 + pick(Math.max(1, Math.min(bytes.length - 8, 130)))] = 48 + pick(10); // digits within the header
    }
    try {
      for (const { shape, data } of readTensors(bytes).values()) expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
    } catch (error) {
      if (!isAnyMC3DError(error) || error.code !== "SAFETENSORS_INVALID") throw error;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(300);
});

describe("writing", () => {
  const tensors = new Map([
    ["b", { shape: [2, 2], data: Float32Array.of(1, 2 ** -25, -3.3, 65520) }],
    ["a", { shape: [], data: Float32Array.of(0.1) }],
    ["grün", { shape: [0, 7], data: new Float32Array(0) }],
  ]);

  test("what is written is read again, bit by bit", () => expect(readTensors(writeSafetensors(tensors))).toEqual(tensors));

  test("float16 rounds; the data starts at a multiple of 8; equal tensors in another order give the same file", () => {
    const small = new Map([...tensors, ["b", { shape: [2, 2], data: Float32Array.of(1, 2 ** -25, -3.3, 65519) }]]);
    const bytes = writeSafetensors(small, "F16");
    expect(readTensors(bytes).get("b")?.data).toEqual(Float32Array.of(1, 0, -3.30078125, 65504));
    expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0);
    expect(writeSafetensors(new Map([...small].reverse()), "F16")).toEqual(bytes);
  });

  test("a tensor that is a view writes its own values only", () => {
    const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    expect(readTensors(writeSafetensors(new Map([["v", { shape: [2], data }]]))).get("v")?.data).toEqual(Float32Array.of(1, 2));
  });
});

describe("float16", () => {
  const one = (...values: number[]) => ({ shape: [values.length], data: Float32Array.from(values) });

  test("what it cannot hold is refused, naming the tensors", async () => {
    const tensors = new Map([
      ["fine", one(65504, -65519, 0)],
      ["large", one(1, 65520)],
      ["negative", one(-1e30)],
      ["nan", one(Number.NaN)],
    ]);
    const error = await refusal(() => writeSafetensors(tensors, "F16"));
    expect(error.code).toBe("TENSORS_MISMATCH");
    expect(error.details).toEqual({ notFinite: ["large", "negative", "nan"] });
    expect(error.message).toMatch(/large \(6\.55e\+4\), negative \(1\.00e\+30\), nan/);
  });

  test("its largest values are written", () => {
    const read = readTensors(writeSafetensors(new Map([["a", one(65504, -65519)]]), "F16"));
    expect([...(read.get("a")?.data ?? [])]).toEqual([65504, -65504]);
  });
});
