// What chromium.browser.test.ts puts into the page: the SDK, as a web developer would import it.
import lungNodule, { sample } from "@anymc3d/adapter-lung-nodule";
import { classify } from "../src/index.js";

/** Classifies the bundled sample, given as a File. */
async function classifySample() {
  const file = new File([await (await fetch(sample)).blob()], "sample.nii.gz");
  const { labels, heatmap, provenance, warnings } = await classify(file, lungNodule, { heatmap: true });
  return { logits: labels.map(({ logit }) => logit), heatmap: heatmap?.shape, engine: provenance.engine, warnings };
}

export const pageTools = { classifySample };
