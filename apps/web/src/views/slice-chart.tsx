// How much each slice counted; a bar takes the viewer to its slice.

import type { ViewResult } from "@anymc3d/core";
import { wantedSlice } from "../state.js";

export function SliceChart({ views }: { readonly views: readonly ViewResult[] }) {
  return (
    <div class="slice-charts">
      <h3>Slices that mattered</h3>
      {views.map((view) => (
        <figure key={`${view.source} ${view.plane}`}>
          <figcaption>
            {view.plane}
            {views.length > 1 && `, counted ${Math.round(100 * view.weight)} %`}
          </figcaption>
          <Bars {...view} />
        </figure>
      ))}
    </div>
  );
}

function Bars({ axis, slices }: ViewResult) {
  const most = Math.max(...slices.map(({ weight }) => weight));
  const shown = wantedSlice.value;
  return (
    <div class="bars">
      {slices.map(({ index, weight }) => {
        const current = shown?.axis === axis && shown.index === index;
        return (
          <button
            key={index}
            type="button"
            aria-label={`Slice ${index + 1}, weight ${(100 * weight).toFixed(1)} %`}
            aria-current={current ? "true" : undefined}
            title={`slice ${index + 1}: ${(100 * weight).toFixed(1)} %`}
            onClick={() => {
              wantedSlice.value = { axis, index };
            }}
          >
            <span style={{ height: `${Math.max(4, (100 * weight) / most)}%` }} />
          </button>
        );
      })}
    </div>
  );
}
