// What goes to the worker: sources, adapters and options as they can be sent, with addresses that mean there what they mean in the page.

import type { AssetModule } from "../assets.js";
import { isBlob, isFileList } from "../browser-files.js";
import type { RegionSource, RunOptions } from "../classifier.js";

/** The same source with addresses that mean in the worker what they mean in the page, and without objects that cannot be sent. */
export function sendable<T>(source: T): T {
  const address = (text: string | URL) => new URL(text, globalThis.document?.baseURI ?? globalThis.location?.href).href;
  const convert = (value: unknown): unknown => {
    if (typeof value === "string" || value instanceof URL) return address(value);
    if (Array.isArray(value)) return value.map(convert);
    if (isFileList(value)) return [...value];
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || value instanceof ArrayBuffer || isBlob(value)) return value;
    if ("tensors" in value || ("data" in value && "shape" in value)) return value;
    if ("manifest" in value && "weights" in value) {
      const { name, manifest, weights } = value as unknown as AssetModule;
      return { name, manifest: address(manifest), weights: address(weights) };
    }
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, convert(part)]));
  };
  return convert(source) as T;
}

/** A reader's options with the files that belong to a header as they can be sent. */
export const sendableRead = (read: RunOptions["read"]): RunOptions["read"] =>
  read && { ...read, ...(read.companion && { companion: sendable(read.companion) }) };

/** Regions with the files of their masks as they can be sent. */
export function sendableRegions<R extends RegionSource | readonly RegionSource[] | undefined>(roi: R): R {
  const one = (region: RegionSource): RegionSource =>
    typeof region === "object" && region !== null && "mask" in region ? { ...region, mask: sendable(region.mask) } : region;
  return (Array.isArray(roi) ? roi.map(one) : roi && one(roi as RegionSource)) as R;
}
