// A web page that knows adapters by name only: what marketplace.mjs opens in Chromium.
import { createRegistry } from "@anymc3d/registry";
import { classify } from "@anymc3d/sdk";

/** Classifies a scan by an adapter's name and range. */
globalThis.classifyByName = async (url, spec, scan) => {
  const registry = createRegistry({ url, http: { tries: 1 } });
  const adapter = await registry.load(spec);
  const backbone = await registry.loadBackbone(adapter);
  const file = new File([await (await fetch(scan)).blob()], "scan.nii.gz");
  const { labels } = await classify(file, adapter, { backbone });
  return labels.map(({ logit }) => logit);
};
