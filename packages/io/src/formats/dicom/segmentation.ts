// What a DICOM segmentation says of itself: which segments it has, what they are called, and whether its values are labels or shares (PS3.3 C.8.20).

import { AnyMC3DError } from "@anymc3d/core";
import { type DicomData, tagText } from "./data.js";
import { TAG } from "./tags.js";

export interface Segmentation {
  /** Names by number, ascending; 0, the background of a label map, is none. */
  readonly segments: ReadonlyMap<number, string>;
  /** BINARY: a frame shows where one segment is; LABELMAP: a frame's values are the segments' numbers; FRACTIONAL: shares, of which `largest` is the whole. */
  readonly kind: "BINARY" | "LABELMAP" | "FRACTIONAL";
  readonly largest?: number;
}

const CLASSES = ["1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"];

/** The segmentation that an image is; undefined for any other image. @throws AnyMC3DError `FORMAT_INVALID` for text in place of a number */
export function segmentationOf(data: DicomData, modality: string | undefined, name: string): Segmentation | undefined {
  if (modality !== "SEG" && !CLASSES.includes(data.text(TAG.sopClass) ?? "")) return undefined;
  const decoder = data.decoder(TAG.characterSet);
  const named = data.items(TAG.segments).flatMap((item): [number, string][] => {
    const number = item.number(TAG.segmentOfItem, name);
    return !number ? [] : [[number, item.text(TAG.segmentLabel, decoder) ?? `segment ${number}`]];
  });
  const segments = new Map(named.sort(([a], [b]) => a - b));
  const stated = data.text(TAG.segmentationType);
  const kind = stated === "FRACTIONAL" || stated === "LABELMAP" ? stated : "BINARY";
  return { segments, kind, ...(kind === "FRACTIONAL" && { largest: largestOf(data, name) }) };
}

function largestOf(data: DicomData, name: string): number {
  const largest = data.number(TAG.maximumFraction, name);
  if (largest && largest > 0) return largest;
  throw new AnyMC3DError(
    "FORMAT_INVALID",
    `${name}: a segmentation of shares whose Maximum Fractional Value ${tagText(TAG.maximumFraction)} is ${largest ?? "missing"}: what is a whole is not known. Correct the header.`,
  );
}
