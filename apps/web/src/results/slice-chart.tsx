// How much each slice counted, at its place in the scan; a bar takes the viewer to its slice.

import type { SliceResult, ViewResult } from "@anymc3d/core";
import type { Volume } from "@anymc3d/sdk";
import { scan, wantedSlice } from "../page/state.js";
import { endsOf } from "../viewer/planes.js";
import { shownVoxel } from "../viewer/shown-viewer.js";

export function SliceChart({ views }: { readonly views: readonly ViewResult[] }) {
  const volume = scan.value?.volume;
  if (!volume) return null;
  return (
    <div class="slice-charts">
      <h3>Slices that mattered</h3>
      {views.map((view) => (
        <Chart key={`${view.source} ${view.plane}`} view={view} volume={volume} share={views.length > 1} />
      ))}
    </div>
  );
}

const percent = (weight: number) => `${(100 * weight).toFixed(1)} %`;

function Chart({ view: { plane, axis, weight, slices }, volume, share }: { readonly view: ViewResult; readonly volume: Volume; readonly share: boolean }) {
  const count = volume.shape[axis];
  const index = shownVoxel.value?.[axis];
  const shown = slices.find((slice) => slice.index === index);
  const [first, last] = endsOf(volume, axis) ?? [];
  return (
    <figure>
      <figcaption>
        <span>
          {plane}
          {share && `, counted ${Math.round(100 * weight)} %`}
        </span>
        {index !== undefined && (
          <span class="shown">
            slice {index + 1}: {shown ? percent(shown.weight) : "not looked at"}
          </span>
        )}
      </figcaption>
      <Bars axis={axis} slices={slices} count={count} shown={index} />
      <div class="ends">
        <span>1{first && ` ${first}`}</span>
        <span>
          {count}
          {last && ` ${last}`}
        </span>
      </div>
    </figure>
  );
}

interface BarsProps extends Pick<ViewResult, "axis" | "slices"> {
  /** Slices along the axis. */
  readonly count: number;
  readonly shown: number | undefined;
}

/** One stop for the Tab key; arrow keys go from bar to bar. A tap anywhere takes the nearest. */
function Bars({ axis, slices, count, shown }: BarsProps) {
  const most = Math.max(...slices.map(({ weight }) => weight));
  const sorted = [...slices].sort((a, b) => a.index - b.index);
  const distance = (i: number) => Math.abs(sorted[i].index - (shown ?? 0));
  const nearest = sorted.reduce((best, _, i) => (distance(i) < distance(best) ? i : best), 0);
  const choose = (i: number) => {
    wantedSlice.value = { axis, index: sorted[i].index };
    document.querySelector(".viewer .canvas")?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowLeft: nearest - 1, ArrowRight: nearest + 1, Home: 0, End: sorted.length - 1 }[event.key];
    if (to === undefined || !sorted[to]) return;
    event.preventDefault();
    wantedSlice.value = { axis, index: sorted[to].index };
    (event.currentTarget as HTMLElement).querySelectorAll("button")[to].focus();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset has no use for a chart.
    <div class="bars" role="group" aria-label="Weights; arrow keys go from slice to slice" onKeyDown={onKeyDown}>
      {shown !== undefined && <i class="here" style={{ left: `${(100 * (shown + 0.5)) / count}%` }} />}
      {sorted.map(({ index, weight }, i) => {
        const [left, right] = reach(sorted, i, count);
        return (
          <button
            key={index}
            type="button"
            tabIndex={i === nearest ? 0 : -1}
            style={{ left: `${left}%`, width: `${right - left}%` }}
            aria-label={`Slice ${index + 1}, weight ${percent(weight)}`}
            aria-current={shown === index ? "true" : undefined}
            title={`slice ${index + 1}: ${percent(weight)}`}
            onClick={() => choose(i)}
          >
            <span
              style={{
                height: `${Math.max(4, (100 * weight) / most)}%`,
                width: `max(1.5px, min(2.5rem, ${(80 * (100 / count)) / (right - left)}%))`,
                left: `${(100 * ((100 * (index + 0.5)) / count - left)) / (right - left)}%`,
              }}
            />
          </button>
        );
      })}
    </div>
  );
}

/** From where to where, in percent of the stack, a slice's bar can be hit: halfway to its neighbours, and as far beyond the outermost. */
function reach(slices: readonly SliceResult[], i: number, count: number): [left: number, right: number] {
  const at = slices[i].index + 0.5;
  const before = i > 0 ? (at - slices[i - 1].index - 0.5) / 2 : undefined;
  const after = i + 1 < slices.length ? (slices[i + 1].index + 0.5 - at) / 2 : undefined;
  const half = Math.max(before ?? 0, after ?? 0) || count;
  return [Math.max(0, (100 * (at - (before ?? half))) / count), Math.min(100, (100 * (at + (after ?? half))) / count)];
}
