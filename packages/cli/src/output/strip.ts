// A strip of axial slices of a volume as a PNG: what is in the file, at a glance.

import type { Volume } from "@anymc3d/core";
import { displayGrid, prepareView } from "@anymc3d/core/learn";
import { writeWhole } from "@anymc3d/node-files/write-whole";
import { encode } from "fast-png";

const SIDE = 192;
const SLICES = 8;

/**
 * Writes up to 8 slices, evenly spread, from the feet up, in radiological convention (patient right at the left), grey from the 0.5th to the 99.5th
 * percentile of the volume.
 * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE`
 */
export async function writeStrip(path: string, volume: Volume): Promise<void> {
  const { rows, columns } = displayGrid(volume, "axial");
  const spacing = Math.max(rows.length * rows.spacing, columns.length * columns.spacing) / SIDE;
  const view = prepareView(
    volume,
    {
      source: "volume",
      plane: "axial",
      crop: "volume",
      spacing,
      size: [SIDE, SIDE],
      slices: { choice: "even", count: SLICES },
      intensity: { kind: "percentile", low: 0.5, high: 99.5, over: "all" },
      pad: Number.NEGATIVE_INFINITY,
      expect: {},
    },
    { mean: [0, 0, 0], std: [1, 1, 1] },
  );
  const width = view.chosen.length * SIDE;
  const data = new Uint8Array(width * SIDE);
  view.chosen.forEach((_, n) => {
    const grey = view.channels(view.values(n));
    for (let r = 0; r < SIDE; r++) for (let c = 0; c < SIDE; c++) data[r * width + n * SIDE + c] = Math.round(255 * grey[r * SIDE + c]);
  });
  const png = encode({ width, height: SIDE, data, channels: 1, depth: 8 });
  await writeWhole(path, png);
}
