// The scan, with window, layout, slice and heatmap controls.

import { nearestAxes } from "@anymc3d/core";
import type { Volume } from "@anymc3d/sdk";
import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { shownViewer } from "../shown-viewer.js";
import { failure, opacity, run, scan, wantedSlice } from "../state.js";
import { LAYOUTS, type Layout, Viewer, type Window } from "../viewer.js";

const DIRECTIONS = ["left–right", "back–front", "feet–head"];

export function ViewerPane() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const viewer = shownViewer;
  const layout = useSignal<Layout>("all planes");
  const windows = useSignal<readonly Window[]>([]);
  const chosenWindow = useSignal("");
  const thinned = useSignal(false);

  useEffect(() => {
    let gone = false;
    Viewer.on(canvas.current as HTMLCanvasElement).then((made) => {
      if (!gone) viewer.value = made;
    }, cannotShow);
    return () => {
      gone = true;
      viewer.value = undefined;
    };
  }, []);

  useSignalEffect(() => {
    const [made, { volume } = { volume: undefined }] = [viewer.value, scan.value];
    if (!made || !volume) return;
    const shown = (done: boolean) => {
      if (!done) return;
      thinned.value = made.isThinned;
      windows.value = made.windows();
      chosenWindow.value = windows.value[0].name;
      made.setWindow(windows.value[0].range);
      made.setLayout(layout.peek());
      const { affine, shape } = volume;
      const axis = sliceAxis(shape, affine !== undefined);
      wantedSlice.value ??= { axis, index: Math.floor(shape[axis] / 2) };
    };
    made.show(volume).then(shown, cannotShow);
  });

  useSignalEffect(() => {
    const [made, heat] = [viewer.value, run.value?.result.heatmap];
    if (!made || windows.value.length === 0) return;
    const shown = () => {
      const slice = wantedSlice.peek();
      if (slice) made.goTo(slice.axis, slice.index, heat);
    };
    made.setHeat(heat, opacity.peek()).then(shown, cannotShow);
  });
  useSignalEffect(() => viewer.value?.setOpacity(opacity.value));
  useSignalEffect(() => {
    const [made, slice] = [viewer.value, wantedSlice.value];
    if (made && slice) made.goTo(slice.axis, slice.index, run.peek()?.result.heatmap);
  });

  const volume = scan.value?.volume;
  const slice = wantedSlice.value;
  return (
    <section class="viewer" aria-label="Viewer">
      <div class="toolbar" role="toolbar" aria-label="Viewer">
        <fieldset class="segments" aria-label="Layout">
          {LAYOUTS.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={layout.value === each}
              onClick={() => {
                layout.value = each;
                viewer.value?.setLayout(each);
              }}
            >
              {each}
            </button>
          ))}
        </fieldset>
        <label>
          Window
          <select
            value={chosenWindow.value}
            onChange={({ currentTarget }) => {
              chosenWindow.value = currentTarget.value;
              const found = windows.value.find(({ name }) => name === currentTarget.value);
              if (found) viewer.value?.setWindow(found.range);
            }}
          >
            {windows.value.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        {run.value?.result.heatmap && (
          <label class="opacity">
            Heatmap
            <input
              type="range"
              min="0"
              max="1"
              step="0.05"
              value={opacity.value}
              aria-valuetext={`${Math.round(100 * opacity.value)} %`}
              onInput={({ currentTarget }) => {
                opacity.value = Number(currentTarget.value);
              }}
            />
          </label>
        )}
      </div>
      <div class="canvas">
        <canvas
          ref={canvas}
          role="img"
          aria-label={`The scan${run.value?.result.heatmap ? " with the heatmap over it" : ""}, radiological convention: the patient's right is on the left`}
        />
      </div>
      {thinned.value && <p class="note">Shown at a lower resolution, to fit into graphics memory; adapters see every voxel.</p>}
      {volume && slice && (
        <label class="slider">
          <span>
            Slice {slice.index + 1} of {volume.shape[slice.axis]}, {directionOf(volume, slice.axis)}
          </span>
          <input
            type="range"
            min="0"
            max={volume.shape[slice.axis] - 1}
            value={slice.index}
            aria-label={`Slice, ${directionOf(volume, slice.axis)}`}
            onInput={({ currentTarget }) => {
              wantedSlice.value = { axis: slice.axis, index: Number(currentTarget.value) };
            }}
          />
        </label>
      )}
    </section>
  );
}

/** Along which the slices of a voxel axis follow each other. */
const directionOf = ({ affine }: Volume, axis: 0 | 1 | 2) => (affine ? DIRECTIONS[nearestAxes(affine)[axis].axis] : "as stored");

function cannotShow(error: Error): void {
  failure.value = { code: "VIEWER", message: `The scan cannot be shown (${error.message}); the viewer needs WebGL 2. Classification works without it.` };
}

/** The axis with the fewest voxels is that of the slices, as acquired; z where all are alike. */
function sliceAxis(shape: readonly [number, number, number], oriented: boolean): 0 | 1 | 2 {
  const fewest = shape.indexOf(Math.min(...shape)) as 0 | 1 | 2;
  return oriented && shape[fewest] < 0.8 * shape[2] ? fewest : 2;
}
