// One viewer for the page's life: browsers keep only some 16 WebGL contexts, and a new one has to load fonts and shaders again.

import { signal } from "@preact/signals";
import { shownViewer, shownVoxel } from "./shown-viewer.js";
import { Viewer } from "./viewer.js";

interface Kept {
  /** Moved from place to place with the canvas in it; NiiVue gives up a canvas that leaves its parent. */
  readonly holder: HTMLElement;
  readonly viewer: Promise<Viewer>;
}

let kept: Kept | undefined;
/** How often the graphics driver has taken the canvas away. */
const lost = signal(0);

/** Puts the viewer into an element; within an effect, again where its canvas is lost. @returns what takes it out */
export function pageViewer(slot: HTMLElement, cannot: (error: Error) => void): () => void {
  lost.value;
  kept ??= make(slot);
  const { holder, viewer } = kept;
  slot.append(holder);
  let gone = false;
  const ready = (made: Viewer) => {
    if (!gone) shownViewer.value = made;
  };
  const failed = (error: Error) => {
    if (!gone) cannot(error);
  };
  viewer.then(ready, failed);
  return () => {
    gone = true;
    shownViewer.peek()?.clear();
    shownViewer.value = undefined;
    shownVoxel.value = undefined;
    holder.remove();
  };
}

function make(slot: HTMLElement): Kept {
  const holder = document.createElement("div");
  const canvas = holder.appendChild(document.createElement("canvas"));
  // NiiVue measures the canvas where it will be.
  slot.append(holder);
  const forget = () => {
    if (kept?.holder === holder) kept = undefined;
  };
  const viewer = Viewer.on(canvas);
  viewer.then((made) => {
    made.onMove = (voxel) => {
      shownVoxel.value = voxel;
    };
  }, forget);
  canvas.addEventListener("webglcontextlost", () => {
    forget();
    lost.value++;
  });
  return { holder, viewer };
}
