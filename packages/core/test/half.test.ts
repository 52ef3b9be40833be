// binary16 and bfloat16: every pattern and every rounding as numpy and PyTorch do it.
import { createHash } from "node:crypto";
import { reference } from "@anymc3d/testkit/expectations";
import { expect, test } from "vitest";
import { bfloatToFloat, floatToHalf, halfToFloat } from "../src/half.js";

const wanted = reference<{ finiteSha256: string; nans: number; words: number[]; halves: number[]; bfloat: { bits: number[]; words: number[] } }>("half");
const every = Uint16Array.from({ length: 65536 }, (_, i) => i);
const wordsOf = (values: Float32Array) => [...new Uint32Array(values.buffer)];

test("all 65,536 binary16 patterns decode to numpy's values", () => {
  const values = halfToFloat(every);
  let nans = 0;
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) [values[i], nans] = [0, nans + 1];
  expect(nans).toBe(wanted.nans);
  expect(createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex")).toBe(wanted.finiteSha256);
});

test("known values of IEEE 754: subnormals, largest, one, infinities, NaN", () => {
  const decode = (bits: number) => halfToFloat(Uint16Array.of(bits))[0];
  expect(decode(0x0001)).toBe(2 ** -24);
  expect(decode(0x03ff)).toBe(1023 * 2 ** -24);
  expect(decode(0x0400)).toBe(2 ** -14);
  expect(decode(0x3c00)).toBe(1);
  expect(decode(0x3555)).toBeCloseTo(0.333251953125, 12);
  expect(decode(0x7bff)).toBe(65504);
  expect(decode(0xc000)).toBe(-2);
  expect(decode(0x7c00)).toBe(Number.POSITIVE_INFINITY);
  expect(decode(0xfc00)).toBe(Number.NEGATIVE_INFINITY);
  expect(Object.is(decode(0x8000), -0)).toBe(true);
  expect(decode(0x7e00)).toBeNaN();
  expect(decode(0xfc01)).toBeNaN();
});

test("binary32 rounds to binary16 as numpy does: ties to even, overflow, subnormals", () => {
  const halves = floatToHalf(new Float32Array(Uint32Array.from(wanted.words).buffer));
  const wrong = wanted.halves.flatMap((bits, i) =>
    halves[i] === bits ? [] : [`${wanted.words[i].toString(16)} → ${halves[i].toString(16)}, wanted ${bits.toString(16)}`],
  );
  expect(wrong).toEqual([]);
});

test("NaN stays NaN, with its sign", () => {
  expect([...floatToHalf(new Float32Array(Uint32Array.of(0x7fc00000, 0xffc00000, 0x7f800001).buffer))]).toEqual([0x7e00, 0xfe00, 0x7e00]);
});

test("decode then encode gives every pattern back", () => {
  const back = floatToHalf(halfToFloat(every));
  for (let bits = 0; bits < 65536; bits++) {
    const nan = (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;
    if (nan ? (back[bits] & 0x7e00) !== 0x7e00 : back[bits] !== bits) throw new Error(`${bits.toString(16)} came back as ${back[bits].toString(16)}`);
  }
});

test("a view into a larger buffer is read at its own place", () => {
  expect([...floatToHalf(Float32Array.of(9, 1, 2, 9).subarray(1, 3))]).toEqual([0x3c00, 0x4000]);
});

test("bfloat16 decodes to PyTorch's values", () => {
  expect(wordsOf(bfloatToFloat(Uint16Array.from(wanted.bfloat.bits)))).toEqual(wanted.bfloat.words);
  expect([...bfloatToFloat(Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0xff80))]).toEqual([1, -2, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  expect(bfloatToFloat(Uint16Array.of(0x7fc0))[0]).toBeNaN();
});
