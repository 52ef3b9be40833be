// The viewer on the page and what it shows, for those who need its picture or its place.

import type { Volume } from "@anymc3d/sdk";
import { signal } from "@preact/signals";
import { LAYOUTS, type Layout, sliceAxis, sliceText, type Voxel } from "./planes.js";
import type { Viewer } from "./viewer.js";

export const shownViewer = signal<Viewer>();
export const layout = signal<Layout>("all planes");
/** Name of the window. */
export const shownWindow = signal("");
/** Where the crosshair is, on the scan's grid; undefined until something is shown. */
export const shownVoxel = signal<Voxel>();

/** Where the crosshair is, on each plane shown, and the window: "axial slice 4 of 6, feet–head; Lung window". As it is now. */
export function shownText(volume: Volume): string {
  const voxel = shownVoxel.peek();
  if (!voxel) return "nothing: the viewer does not show the scan";
  const planes = LAYOUTS.slice(0, 3);
  const one = planes.filter((plane) => plane === layout.peek());
  const texts = (one.length > 0 ? one : planes).map((plane) => {
    const axis = sliceAxis(volume, plane);
    const text = sliceText(volume, axis, voxel[axis]);
    return `${text[0].toLowerCase()}${text.slice(1)}`;
  });
  return [...texts, `${shownWindow.peek()} window`].join("; ");
}
