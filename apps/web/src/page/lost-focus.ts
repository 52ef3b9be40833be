// Keyboard focus that went with what was removed is put where the user goes on.

import { useEffect, useRef } from "preact/hooks";

/** @param when focus is looked at after these have changed @returns a ref for what takes it */
export function useLostFocus<T extends HTMLElement>(...when: unknown[]) {
  const ref = useRef<T>(null);
  useEffect(() => {
    const isLost = document.activeElement === document.body || document.activeElement === null;
    // Not on a page that was just opened.
    if (isLost && navigator.userActivation?.hasBeenActive) ref.current?.focus({ preventScroll: true });
  }, when);
  return ref;
}
