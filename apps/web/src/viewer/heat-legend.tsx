// What the heatmap's colours mean.

import { opacity, type Run } from "../page/state.js";
import { heatmapText } from "../results/heatmap-text.js";
import { COOL, heatGradient } from "./heat-colors.js";

export const HeatLegend = ({ run }: { readonly run: Run }) => (
  <figure class="legend">
    <figcaption>
      {heatmapText(run)}; less than {COOL} is not shown
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
