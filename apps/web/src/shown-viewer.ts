// The viewer on the page and what it shows, for those who need its picture or its place.

import { signal } from "@preact/signals";
import type { Layout, Voxel } from "./planes.js";
import type { Viewer } from "./viewer.js";

export const shownViewer = signal<Viewer>();
export const layout = signal<Layout>("all planes");
/** Name of the window. */
export const shownWindow = signal("");
/** Where the crosshair is, on the scan's grid; undefined until something is shown. */
export const shownVoxel = signal<Voxel>();
