// Draws docs/result.png: the bundled sample's slices, and the same slices with the attention heatmap over them.
// usage: node scripts/picture.mjs     (npm run build first)
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import lungNodule, { sample } from "@anymc3d/adapter-lung-nodule";
import pngjs from "pngjs";
import { classify, readVolume } from "../packages/sdk/dist/index.js";

const ZOOM = 5;
const GAP = 6;
const WINDOW = [-1000, 400];

const volume = await readVolume(sample);
const { heatmap } = await classify(volume, lungNodule, { heatmap: true });
const [nx, ny, nz] = volume.shape;
const [cell, rows] = [nx * ZOOM, ny * ZOOM];
const png = new pngjs.PNG({ width: nz * (cell + GAP) - GAP, height: 2 * rows + GAP });
png.data.fill(255);

/** Linear interpolation in the plane; the sample is stored with x to the left and y to the back, as it is displayed. */
function at(data, x, y, z) {
  const [cx, cy] = [Math.min(nx - 1, Math.max(0, x)), Math.min(ny - 1, Math.max(0, y))];
  const [x0, y0] = [Math.min(Math.floor(cx), nx - 2), Math.min(Math.floor(cy), ny - 2)];
  const value = (i, j) => data[i + nx * (j + ny * z)];
  const row = (j) => value(x0, j) + (cx - x0) * (value(x0 + 1, j) - value(x0, j));
  return row(y0) + (cy - y0) * (row(y0 + 1) - row(y0));
}

/** Black–purple–orange–yellow. */
function colour(t) {
  const stops = [
    [20, 11, 52],
    [132, 32, 107],
    [229, 92, 48],
    [246, 215, 70],
  ];
  const s = Math.min(2.999, t * 3);
  const [a, b, f] = [stops[Math.floor(s)], stops[Math.floor(s) + 1], s % 1];
  return a.map((v, i) => v + f * (b[i] - v));
}

for (let z = 0; z < nz; z++) {
  for (let v = 0; v < rows; v++) {
    for (let u = 0; u < cell; u++) {
      const [x, y] = [(u + 0.5) / ZOOM - 0.5, (v + 0.5) / ZOOM - 0.5];
      const grey = 255 * Math.min(1, Math.max(0, (at(volume.data, x, y, z) - WINDOW[0]) / (WINDOW[1] - WINDOW[0])));
      const heat = at(heatmap.data, x, y, z);
      const alpha = Math.min(0.75, heat * 1.2);
      const over = colour(heat).map((c) => (1 - alpha) * grey + alpha * c);
      put(u, v, z, [grey, grey, grey]);
      put(u, v + rows + GAP, z, over);
    }
  }
}

function put(u, v, z, rgb) {
  const index = 4 * (v * png.width + z * (cell + GAP) + u);
  rgb.forEach((value, i) => {
    png.data[index + i] = value;
  });
}

await writeFile(fileURLToPath(new URL("../docs/result.png", import.meta.url)), pngjs.PNG.sync.write(png));
