// DICOM's run-length encoding (PS3.5 annex G): byte planes, most significant first, each packed as PackBits.

import { AnyMC3DError } from "@anymc3d/core";

/**
 * @param width bytes a sample, 1 to 4
 * @returns `count` samples, little endian
 * @throws AnyMC3DError `FORMAT_INVALID`, `FILE_TRUNCATED`
 */
export function decodeRle(bytes: Uint8Array, count: number, width: number, name: string): Uint8Array {
  const cut = () => new AnyMC3DError("FILE_TRUNCATED", `${name}: the run-length encoded pixel data break off. The file is cut short; copy or export it again.`);
  if (bytes.length < 64) throw cut();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const planes = view.getUint32(0, true);
  if (planes !== width) throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${planes} run-length encoded byte planes, expected ${width}. The file is damaged.`);
  const out = new Uint8Array(count * width);
  for (let plane = 0; plane < planes; plane++) {
    const start = view.getUint32(4 + 4 * plane, true);
    const end = plane + 1 < planes ? view.getUint32(8 + 4 * plane, true) : bytes.length;
    if (start < 64 || end < start || end > bytes.length) throw cut();
    let at = start;
    let filled = 0;
    while (filled < count) {
      if (at >= end) throw cut();
      const control = bytes[at++];
      if (control === 128) continue;
      const run = control < 128 ? control + 1 : 257 - control;
      if (at + (control < 128 ? run : 1) > end) throw cut();
      // The last run of a plane may reach beyond it by a padding byte.
      for (let i = 0; i < run && filled < count; i++, filled++) out[filled * width + width - 1 - plane] = control < 128 ? bytes[at + i] : bytes[at];
      at += control < 128 ? run : 1;
    }
  }
  return out;
}
