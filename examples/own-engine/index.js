// An engine of one's own in the SDK: handed to createClassifier(), which checks it against the backbone's stored answer before it is trusted.
// usage: node index.js [SCAN]
import lungNodule, { sample } from "@anymc3d/adapter-lung-nodule";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { createClassifier, openAdapter, readVolume } from "@anymc3d/sdk";
import { rememberingEngine } from "./remembering-engine.js";

const counts = { computed: 0, remembered: 0 };
// A function is given the backbone and makes the engine, which is the classifier's to dispose.
// The adapter's stored answer is not asked for here: it would be one more thing that is computed.
const classifier = await createClassifier({
  engine: async (backbone) => rememberingEngine(await createOnnxEngine(backbone), counts),
  conformance: false,
});

const adapter = await openAdapter(lungNodule);
const volume = await readVolume(process.argv[2] ?? sample);
counts.computed = 0; // The check of the engine was one computation, too.
for (let round = 1; round <= 2; round++) {
  const start = performance.now();
  const { labels, provenance } = await classifier.classify(volume, adapter);
  const said = labels.map(({ id, logit }) => `${id} ${logit.toFixed(4)}`).join(", ");
  console.log(`${provenance.engine}, ${Math.round(performance.now() - start)} ms: ${said}`);
}
console.log(`computed ${counts.computed}, remembered ${counts.remembered}`);
await classifier.dispose();
