// DICOM's run-length encoding (PS3.5 annex G): byte planes, most significant first, each packed as PackBits.

import { AnyMC3DError } from "@anymc3d/core";

/**
 * @param counts how many samples there should be: the first of these that the data hold
 * @param width bytes a sample, 1 to 4
 * @returns so many samples, little endian
 * @throws AnyMC3DError `FORMAT_INVALID`, `FILE_TRUNCATED`
 */
export function decodeRle(bytes: Uint8Array, counts: number | readonly number[], width: number, name: string): Uint8Array {
  const cut = () => new AnyMC3DError("FILE_TRUNCATED", `${name}: the run-length encoded pixel data break off. The file is cut short; copy or export it again.`);
  if (bytes.length < 64) throw cut();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const planes = view.getUint32(0, true);
  if (planes !== width) throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${planes} run-length encoded byte planes, expected ${width}. The file is damaged.`);
  const places = Array.from({ length: planes }, (_, plane) => {
    const start = view.getUint32(4 + 4 * plane, true);
    const end = plane + 1 < planes ? view.getUint32(8 + 4 * plane, true) : bytes.length;
    if (start < 64 || end < start || end > bytes.length) throw cut();
    return { start, end };
  });
  const holds = (samples: number) => places.every(({ start, end }) => surplus(bytes, start, end, samples) === 0);
  const count = [counts].flat().find(holds);
  if (count === undefined) {
    const most = Math.max(...[counts].flat());
    if (places.some(({ start, end }) => surplus(bytes, start, end, most) < 0)) throw cut();
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${name}: run-length encoded pixel data of more samples than the header says (${most}). Correct the header, or export the file again.`,
    );
  }
  const out = new Uint8Array(count * width);
  for (const [plane, { start }] of places.entries()) {
    let at = start;
    let filled = 0;
    while (filled < count) {
      const control = bytes[at++];
      if (control === 128) continue;
      const run = control < 128 ? control + 1 : 257 - control;
      for (let i = 0; i < run && filled < count; i++, filled++) out[filled * width + width - 1 - plane] = control < 128 ? bytes[at + i] : bytes[at];
      at += control < 128 ? run : 1;
    }
  }
  return out;
}

/**
 * By how many samples a plane holds more than `count`; below 0 where they are too few. The last run may reach beyond the plane by a padding byte, and what
 * follows it may be a byte, or zeros.
 */
function surplus(bytes: Uint8Array, start: number, end: number, count: number): number {
  let [at, filled] = [start, 0];
  while (at < end && filled < count) {
    const control = bytes[at++];
    if (control === 128) continue;
    const run = control < 128 ? control + 1 : 257 - control;
    at += control < 128 ? run : 1;
    if (at > end) return -1;
    filled += run;
  }
  if (filled < count) return -1;
  const over = filled - count;
  if (over > count % 2) return over;
  return end - at <= 1 || bytes.subarray(at, end).every((byte) => byte === 0) ? 0 : 1;
}
