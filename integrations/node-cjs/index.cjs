// CommonJS reaches the SDK, which is made of ES modules, by import(). Prints the result as JSON.
(async () => {
  const { classify } = await import("@anymc3d/sdk");
  const { default: lungNodule, sample } = await import("@anymc3d/adapter-lung-nodule");
  const { labels, provenance } = await classify(sample, lungNodule);
  console.log(JSON.stringify({ engine: provenance.engine, logits: labels.map(({ logit }) => logit) }));
})();
