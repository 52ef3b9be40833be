// All text that the page draws is made harmless in one place: names, descriptions and messages are written by others.

import { harmlessLines, isolated } from "@anymc3d/core/errors";
import { options, type VNode } from "preact";

const safe = (text: string): string => isolated(harmlessLines(text));

/** Attributes that are read aloud or shown. */
const SHOWN = ["title", "alt", "aria-label", "aria-valuetext", "aria-description", "label", "placeholder"];

/** From now on every text and every element's attributes. */
export function keepTextHarmless(): void {
  const before = options.vnode;
  options.vnode = (vnode: { type: unknown; props: unknown }) => {
    // A text's own node, whatever it stands in: an element, a fragment, what a component returns.
    if (vnode.type === null && typeof vnode.props === "string") vnode.props = safe(vnode.props);
    else if (typeof vnode.type === "string") {
      const props = vnode.props as Record<string, unknown>;
      for (const name of SHOWN) if (typeof props[name] === "string") props[name] = safe(props[name]);
    }
    before?.(vnode as VNode);
  };
}
