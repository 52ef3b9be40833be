// All text that the page draws is made harmless in one place: names, descriptions and messages are written by others.

import { harmlessLines, isolated } from "@anymc3d/core/errors";
import { options } from "preact";

const safe = (text: string): string => isolated(harmlessLines(text));
const shown = (child: unknown): unknown => (typeof child === "string" ? safe(child) : Array.isArray(child) ? child.map(shown) : child);

/** Attributes that are read aloud or shown. */
const SHOWN = ["title", "alt", "aria-label", "placeholder"];

/** From now on every element's text. */
export function keepTextHarmless(): void {
  const before = options.vnode;
  options.vnode = (vnode) => {
    if (typeof vnode.type === "string") {
      const props = vnode.props as Record<string, unknown>;
      if (props.children !== undefined) props.children = shown(props.children);
      for (const name of SHOWN) if (typeof props[name] === "string") props[name] = safe(props[name]);
    }
    before?.(vnode);
  };
}
