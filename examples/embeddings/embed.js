// What the frozen backbone sees of scans, as a table for a model of your own: one row a scan, the mean of its slices' CLS embeddings.
// usage: node embed.js SCAN … > embeddings.csv
import lungNodule, { sample } from "@anymc3d/adapter-lung-nodule";
import { prepareView } from "@anymc3d/core/learn";
import { createEngine, openAdapter, openBackbone, readVolume } from "@anymc3d/sdk";

const scans = process.argv.length > 2 ? process.argv.slice(2) : [sample];
// How slices are cut, resampled and windowed is taken from an adapter; its LoRA is not: the embeddings are the frozen backbone's own.
const { manifest } = await openAdapter(lungNodule);
const [view] = manifest.input.views;
const backbone = await openBackbone();
const engine = await createEngine(backbone);
const width = backbone.spec.width;

/** @returns [width], the mean over the slices */
async function embed(scan) {
  const { slices } = prepareView(await readVolume(scan), view, backbone.spec);
  const { encoded, release } = await engine.forward(slices, undefined, {});
  release();
  return Array.from({ length: width }, (_, i) => {
    let sum = 0;
    for (let slice = 0; slice < slices.count; slice++) sum += encoded.cls[slice * width + i];
    return sum / slices.count;
  });
}

console.log(["scan", ...Array.from({ length: width }, (_, i) => `e${i}`)].join(","));
for (const scan of scans) console.log([`"${String(scan).replaceAll('"', '""')}"`, ...(await embed(scan)).map((value) => value.toFixed(6))].join(","));
await engine.dispose();
