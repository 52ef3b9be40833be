// What the heatmap's colours mean.

import { COOL, heatGradient } from "../heat-colors.js";
import { opacity, type Run } from "../state.js";

export const HeatLegend = ({ run }: { readonly run: Run }) => (
  <figure class="legend">
    <figcaption>
      {heatText(run)}; less than {COOL} is not shown
    </figcaption>
    <span class="scale">
      <span>{COOL} little</span>
      <span class="colors" role="img" aria-label="from transparent red over orange to light yellow">
        <span style={{ backgroundImage: heatGradient(opacity.value) }} />
      </span>
      <span>1 most in this scan</span>
    </span>
  </figure>
);

function heatText({ method, result: { labels } }: Run): string {
  if (method.method === "attention") return "Attention: where the backbone looked";
  const strongest = labels.reduce((best, label) => (label.logit > best.logit ? label : best));
  const explained = labels.find(({ id }) => id === method.label) ?? strongest;
  return `Grad-CAM: what speaks for “${explained.name}”`;
}
