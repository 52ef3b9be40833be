// One scan, one adapter: probabilities, decisions, warnings, and the heatmap as a NIfTI file.
// usage: node index.js [SCAN [HEATMAP.nii.gz]]     without a scan: the sample that comes with the adapter
import lungNodule, { sample } from "@anymc3d/adapter-lung-nodule";
import { classify, isAnyMC3DError, writeVolume } from "@anymc3d/sdk";

const [scan = sample, heatmapFile] = process.argv.slice(2);

try {
  const result = await classify(scan, lungNodule, { heatmap: heatmapFile !== undefined });
  for (const { name, probability, threshold, positive } of result.labels)
    console.log(`${name.padEnd(20)} ${(100 * probability).toFixed(1).padStart(5)} %  ${positive ? "yes" : "no "}  (from ${(100 * threshold).toFixed(1)} %)`);
  for (const { message } of result.warnings) console.warn(`warning: ${message}`);
  if (result.heatmap) await writeVolume(heatmapFile, result.heatmap);
  console.log(`by ${result.provenance.engine}. ${result.disclaimer ?? "Research use only."}`);
} catch (error) {
  // Every refusal has a code that does not change, and a message that says what to do.
  if (!isAnyMC3DError(error)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
