// The scan, with window, layout, slice and heatmap controls.

import type { Volume } from "@anymc3d/sdk";
import { effect, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { opacity, run, scan, wantedSlice } from "../page/state.js";
import { HeatLegend } from "./heat-legend.js";
import { pageViewer } from "./page-viewer.js";
import { LAYOUTS, type Layout, seriesText, sliceAxis, sliceText } from "./planes.js";
import { layout, shownViewer, shownVoxel, shownWindow } from "./shown-viewer.js";
import type { Window } from "./windows.js";

export function ViewerPane() {
  const slot = useRef<HTMLDivElement>(null);
  const windows = useSignal<readonly Window[]>([]);
  const thinned = useSignal(false);
  const preparing = useSignal(true);
  const problem = useSignal("");
  const cannotShow = ({ message }: Error) => {
    preparing.value = false;
    problem.value = message;
  };

  useSignalEffect(() => pageViewer(slot.current as HTMLDivElement, cannotShow));

  useSignalEffect(() => {
    const [viewer, { volume } = { volume: undefined }] = [shownViewer.value, scan.value];
    if (!viewer || !volume) return;
    const look = (wanted?: string) => {
      const list = viewer.windows(volume);
      const { name, range } = list.find((each) => each.name === wanted) ?? list[0];
      windows.value = list;
      shownWindow.value = name;
      viewer.setWindow(range, volume);
    };
    if (viewer.shows(volume)) {
      look(shownWindow.peek());
      return;
    }
    preparing.value = true;
    problem.value = "";
    const shown = (done: boolean) => {
      if (!done) return;
      preparing.value = false;
      thinned.value = viewer.isThinned;
      viewer.setLayout(layout.peek());
      look();
      goToWanted();
    };
    viewer.show(volume).then(shown).catch(cannotShow);
  });

  useSignalEffect(() => {
    const [viewer, heat] = [shownViewer.value, run.value?.result.heatmap];
    if (viewer && windows.value.length > 0) viewer.setHeat(heat, opacity.peek()).catch(cannotShow);
  });
  useSignalEffect(() => shownViewer.value?.setOpacity(opacity.value));
  // At once, not with the next frame as the others: what is told of the slice is never behind what was asked for.
  useEffect(() => effect(goToWanted), []);
  useEffect(() => effect(() => shownViewer.value?.setLayout(layout.value)), []);

  const volume = scan.value?.volume;
  return (
    <section class="viewer" aria-label="Viewer">
      {!problem.value && (
        <div class="toolbar">
          <Layouts />
          <Windows of={windows.value} volume={volume} />
          {run.value?.result.heatmap && <Opacity />}
        </div>
      )}
      <div class="canvas">
        <div ref={slot} role="img" aria-label={pictureText(volume)} />
        {preparing.value && <p class="preparing">Preparing the picture …</p>}
        {problem.value && (
          <p class="preparing" role="alert">
            The scan cannot be shown here: the viewer needs WebGL 2 ({problem.value}). Classifying works without it.
          </p>
        )}
      </div>
      {thinned.value && <p class="note">Shown at a lower resolution, to fit into graphics memory; adapters get the full resolution.</p>}
      {!problem.value && run.value?.result.heatmap && <HeatLegend run={run.value} />}
      {volume && <SliceSlider volume={volume} />}
    </section>
  );
}

const Layouts = () => (
  <fieldset class="segments" aria-label="Layout">
    {LAYOUTS.map((each: Layout) => (
      <button
        key={each}
        type="button"
        aria-pressed={layout.value === each}
        onClick={() => {
          layout.value = each;
        }}
      >
        {each}
      </button>
    ))}
  </fieldset>
);

function Windows({ of: windows, volume }: { readonly of: readonly Window[]; readonly volume: Volume | undefined }) {
  const choose = (name: string) => {
    const found = windows.find((each) => each.name === name);
    if (!found || !volume) return;
    shownWindow.value = name;
    shownViewer.value?.setWindow(found.range, volume);
  };
  return (
    <label>
      Window
      <select value={shownWindow.value} onChange={({ currentTarget }) => choose(currentTarget.value)}>
        {windows.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

const Opacity = () => (
  <label class="opacity">
    Heatmap opacity
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
);

/** Goes through the slices of the plane that is shown; what else moves the crosshair moves it, too. */
function SliceSlider({ volume }: { readonly volume: Volume }) {
  const axis = sliceAxis(volume, layout.value);
  const index = shownVoxel.value?.[axis];
  if (index === undefined || index >= volume.shape[axis]) return null;
  return (
    <label class="slider">
      <span>{sliceText(volume, axis, index)}</span>
      <input
        type="range"
        min="0"
        max={volume.shape[axis] - 1}
        value={index}
        aria-label={seriesText(volume, axis)}
        aria-valuetext={sliceText(volume, axis, index)}
        onInput={({ currentTarget }) => shownViewer.value?.step(axis, Number(currentTarget.value))}
      />
    </label>
  );
}

function pictureText(volume: Volume | undefined): string {
  const heat = run.value?.result.heatmap ? " with the heatmap over it" : "";
  return `The scan${heat}${volume?.affine ? ", radiological convention: the patient's right is on the left" : ", as stored: its file does not state how it lies in the patient"}`;
}

/** To the slice that a result or its chart asks for, if any. */
function goToWanted(): void {
  const [viewer, slice] = [shownViewer.value, wantedSlice.value];
  if (viewer && slice) viewer.goTo(slice.axis, slice.index, run.peek()?.result.heatmap);
}
