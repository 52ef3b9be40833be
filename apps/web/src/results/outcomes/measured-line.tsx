// What was measured of the task as a whole, in small print under the answer.

import type { AdapterManifest } from "@anymc3d/core";
import { measuredFigures } from "../measured.js";

export function Measured({ manifest }: { readonly manifest: AdapterManifest }) {
  const texts = measuredFigures(manifest);
  return texts.length > 0 ? <small class="measured">{texts.join(" · ")}</small> : null;
}
