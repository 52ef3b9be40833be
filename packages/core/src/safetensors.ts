// safetensors: bytes ⇄ named float32 tensors. Trusts no offset, length, shape or count of the file.

import { AnyMC3DError } from "./errors.js";
import { bfloatToFloat, floatToHalf, halfToFloat } from "./half.js";
import type { Tensor, Tensors } from "./types.js";

const BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2 } as const;
type Dtype = keyof typeof BYTES;
const MAX_HEADER = 100_000_000;

/** A tensor as it lies in the file. */
export interface RawTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** The tensor's bytes, a view into the file. */
  readonly bytes: Uint8Array;
}

/**
 * Reads the tensors of a safetensors file without converting them.
 * @param name what to call the file in errors
 * @throws AnyMC3DError `SAFETENSORS_INVALID`
 */
export function readSafetensors(bytes: Uint8Array, name = "safetensors"): Map<string, RawTensor> {
  const fail = (what: string): never => {
    throw new AnyMC3DError("SAFETENSORS_INVALID", `${name}: ${what}. The file is damaged or not safetensors; fetch or export it again.`);
  };
  if (bytes.length < 8) fail(`${bytes.length} bytes, shorter than the 8-byte header length`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (headerLength > bytes.length - 8) fail(`the header claims ${headerLength} bytes, the file has ${bytes.length - 8} after the length`);
  if (headerLength > MAX_HEADER) fail(`the header claims ${headerLength} bytes, the limit is ${MAX_HEADER}`);
  const header = parseHeader(bytes.subarray(8, 8 + headerLength), fail);
  const data = bytes.subarray(8 + headerLength);
  const tensors = new Map<string, RawTensor>();
  const spans: [number, number, string][] = [];
  for (const [key, entry] of Object.entries(header)) {
    if (key === "__metadata__") continue;
    const { dtype, shape, start, end } = checkEntry(key, entry, data.length, fail);
    spans.push([start, end, key]);
    tensors.set(key, { dtype, shape, bytes: data.subarray(start, end) });
  }
  spans.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  for (let i = 1; i < spans.length; i++) {
    if (spans[i][0] < spans[i - 1][1]) fail(`tensors "${spans[i - 1][2]}" and "${spans[i][2]}" overlap`);
  }
  return tensors;
}

function parseHeader(bytes: Uint8Array, fail: (what: string) => never): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return fail("the header is not JSON");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) return fail("the header is not a JSON object");
  return header as Record<string, unknown>;
}

function checkEntry(key: string, entry: unknown, dataLength: number, fail: (what: string) => never) {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string" || !Object.hasOwn(BYTES, dtype)) {
    return fail(`tensor "${key}" has dtype ${JSON.stringify(dtype)}, readable are ${Object.keys(BYTES).join(", ")}`);
  }
  const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every(isCount)) return fail(`tensor "${key}" has shape ${JSON.stringify(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) return fail(`tensor "${key}" has offsets ${JSON.stringify(offsets)}`);
  const [start, end] = offsets as [number, number];
  if (start > end || end > dataLength) return fail(`tensor "${key}" lies at bytes ${start}–${end} of ${dataLength}`);
  const need = shape.reduce((product: number, n: number) => product * n, BYTES[dtype as Dtype]);
  if (need !== end - start) return fail(`tensor "${key}" needs ${need} bytes for ${dtype} [${shape.join(", ")}], its offsets hold ${end - start}`);
  return { dtype: dtype as Dtype, shape: shape as number[], start, end };
}

/** Values of a tensor as float32; copies, so unaligned data is fine. */
export function toFloat32(tensor: RawTensor): Float32Array {
  const copy = new Uint8Array(tensor.bytes); // slice() of a Node Buffer would not copy
  switch (tensor.dtype) {
    case "F32":
      return new Float32Array(copy.buffer);
    case "F64":
      return Float32Array.from(new Float64Array(copy.buffer));
    case "F16":
      return halfToFloat(new Uint16Array(copy.buffer));
    case "BF16":
      return bfloatToFloat(new Uint16Array(copy.buffer));
  }
}

/** The texts in a file's `__metadata__`. @throws AnyMC3DError `SAFETENSORS_INVALID` */
export function readMetadata(bytes: Uint8Array, name?: string): Record<string, string> {
  readSafetensors(bytes, name);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getUint32(0, true);
  const { __metadata__: metadata = {} } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  return metadata;
}

/** Reads a safetensors file and converts every tensor to float32. */
export function readTensors(bytes: Uint8Array, name?: string): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [key, raw] of readSafetensors(bytes, name)) tensors.set(key, { shape: raw.shape, data: toFloat32(raw) });
  return tensors;
}

/**
 * Writes tensors as safetensors, names sorted, header padded to 8 bytes, so that equal tensors give equal files.
 * @param dtype F32 keeps values; F16 rounds to nearest even
 * @param metadata texts for the header's `__metadata__`
 * @throws AnyMC3DError `TENSORS_MISMATCH` for F16 where values are not finite or lie beyond ±65504
 */
export function writeSafetensors(tensors: Tensors, dtype: "F32" | "F16" = "F32", metadata?: Readonly<Record<string, string>>): Uint8Array {
  if (dtype === "F16") checkHalf(tensors);
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const key of [...tensors.keys()].sort()) {
    const { shape, data } = tensors.get(key) as Tensor;
    const stored = dtype === "F16" ? floatToHalf(data) : data;
    const part = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    header[key] = { dtype, shape, data_offsets: [offset, offset + part.length] };
    parts.push(part);
    offset += part.length;
  }
  const json = JSON.stringify(header);
  const text = new TextEncoder().encode(json + " ".repeat((8 - (new TextEncoder().encode(json).length % 8)) % 8));
  const out = new Uint8Array(8 + text.length + offset);
  new DataView(out.buffer).setUint32(0, text.length, true);
  out.set(text, 8);
  let at = 8 + text.length;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** From here on float16 rounds to infinity. */
const BEYOND_HALF = 65520;

function checkHalf(tensors: Tensors): void {
  const largest = (data: Float32Array) => data.reduce((most, value) => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : Math.max(most, Math.abs(value))), 0);
  const beyond = [...tensors].flatMap(([name, { data }]) => (largest(data) < BEYOND_HALF ? [] : [name]));
  if (beyond.length === 0) return;
  const shown = beyond.slice(0, 8).map((name) => `${name} (${largest((tensors.get(name) as Tensor).data).toPrecision(3)})`);
  const more = beyond.length > 8 ? `, and ${beyond.length - 8} more` : "";
  throw new AnyMC3DError(
    "TENSORS_MISMATCH",
    `values that float16 cannot hold, which ends at ±65504: ${shown.join(", ")}${more}. Such weights cannot be stored in 16 bits; use a checkpoint whose values are smaller.`,
    { details: { notFinite: beyond } },
  );
}
