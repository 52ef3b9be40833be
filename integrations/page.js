// What the pages of all bundlers do: classify the bundled sample in the worker, and leave the logits where the test looks for them.
import lungNodule, { sample } from "@anymc3d/adapter-lung-nodule";
import { createWorkerClassifier } from "@anymc3d/sdk/worker";

export async function classifySample() {
  const classifier = await createWorkerClassifier();
  const file = new File([await (await fetch(sample)).blob()], "sample.nii.gz");
  const { labels, provenance } = await classifier.classify(file, lungNodule);
  await classifier.dispose();
  globalThis.classified = { logits: labels.map(({ logit }) => logit), engine: provenance.engine };
  return labels;
}
