// Takes keys, drops and touches from NiiVue that the page handles itself, or that would make the page's controls untrue.

import type { Niivue } from "@niivue/niivue";

/** To be called before a canvas is attached. */
export function leaveInputToPage(nv: Niivue): void {
  const nothing = () => {};
  // Keys that change the layout or cut the scan open, and contrast by double click.
  nv.keyDownListener = nothing;
  nv.keyUpListener = nothing;
  nv.resetBriCon = nothing;
  // What is dropped on the canvas is the page's.
  nv.dragEnterListener = nothing;
  nv.dragOverListener = nothing;
  nv.dropListener = async () => {};
  // A finger scrolls the page and taps as a mouse does; it turns the scan in 3D.
  for (const name of ["touchStartListener", "touchMoveListener", "touchEndListener"] as const) {
    const listener = nv[name];
    nv[name] = (event) => {
      if (nv.opts.sliceType === nv.sliceTypeRender) listener.call(nv, event);
    };
  }
}
