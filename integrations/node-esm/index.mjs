// The smallest Node program: one call, one adapter. Prints the result as JSON.
import lungNodule, { sample } from "@anymc3d/adapter-lung-nodule";
import { classify } from "@anymc3d/sdk";

const result = await classify(sample, lungNodule, { heatmap: true });
console.log(
  JSON.stringify({
    engine: result.provenance.engine,
    warnings: result.warnings.map(({ code }) => code),
    logits: result.labels.map(({ logit }) => logit),
    heatmap: result.heatmap.shape,
  }),
);
