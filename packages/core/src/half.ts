// IEEE 754 binary16 ⇄ binary32. Bits in and out as Uint16Array, so that runtimes with and without Float16Array agree.

let table: Float32Array | undefined;

function decodeTable(): Float32Array {
  if (table) return table;
  table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) table[bits] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}

/** binary16 bits → float32 values; exact. */
export function halfToFloat(bits: Uint16Array): Float32Array {
  const decode = decodeTable();
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = decode[bits[i]];
  return out;
}

/** float32 values → nearest binary16 bits, ties to even; beyond ±65504 becomes ±infinity. */
export function floatToHalf(values: Float32Array): Uint16Array {
  const word = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const sign = (word[i] >>> 16) & 0x8000;
    const magnitude = Math.abs(values[i]);
    if (Number.isNaN(magnitude)) out[i] = sign | 0x7e00;
    else if (magnitude >= 65520) out[i] = sign | 0x7c00;
    else {
      const exponent = magnitude < 2 ** -14 ? -14 : ((word[i] >>> 23) & 255) - 127;
      const units = roundHalfEven(magnitude * 2 ** (10 - exponent));
      out[i] = sign + (exponent + 14) * 1024 + units;
    }
  }
  return out;
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest > 0.5 || (rest === 0.5 && floor % 2 === 1)) return floor + 1;
  return floor;
}

/** bfloat16 bits → float32 values; exact. */
export function bfloatToFloat(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return new Float32Array(words.buffer);
}
