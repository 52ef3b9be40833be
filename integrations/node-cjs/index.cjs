// CommonJS takes the packages, which are ES modules, by require() (Node 20.19, 22.12 and newer). Prints the result as JSON.
const { classify } = require("@anymc3d/sdk");
const { default: lungNodule, sample } = require("@anymc3d/adapter-lung-nodule");

classify(sample, lungNodule).then(({ labels, provenance }) => {
  console.log(JSON.stringify({ engine: provenance.engine, logits: labels.map(({ logit }) => logit) }));
});
