// Windows (the values shown as black and as white) that make sense for a scan.

import type { Volume } from "@anymc3d/sdk";

export interface Window {
  readonly name: string;
  readonly range: readonly [low: number, high: number];
}

/** What is known of an image's values. */
export interface Values {
  readonly full: readonly [low: number, high: number];
  /** Without the outermost values. */
  readonly robust: readonly [low: number, high: number];
}

/** Of Hounsfield units; width and level as radiologists set them. */
const LUNG: Window = { name: "Lung", range: [-1350, 150] };
const SOFT: Window = { name: "Soft tissue", range: [-160, 240] };
const BONE: Window = { name: "Bone", range: [-450, 1050] };
const BRAIN: Window = { name: "Brain", range: [0, 80] };

/** Hounsfield units below which a voxel is air or lung, not tissue. */
export const AIR = -300;

export const isCt = ({ modality }: Volume, { full }: Values): boolean => (modality ? modality === "CT" : full[0] <= -900);

/** Windows that make sense for the scan; the first is the one to begin with. */
export function windowsFor(volume: Volume, values: Values): readonly Window[] {
  const general: Window[] = [
    { name: "Automatic", range: values.robust },
    { name: "Full range", range: values.full },
  ];
  if (!isCt(volume, values)) return general;
  const first = firstOf(volume);
  const others = [LUNG, SOFT, BONE, BRAIN].filter((each) => each !== first && (each !== LUNG || values.full[0] <= -700));
  return [first, ...others, ...general];
}

function firstOf(volume: Volume): Window {
  const part = volume.meta?.bodyPart ?? "";
  if (/head|brain|skull/i.test(part) && !/neck/i.test(part)) return BRAIN;
  if (/chest|lung|thorax/i.test(part)) return LUNG;
  return part === "" && isLung(volume) ? LUNG : SOFT;
}

/** Whether much of what is not air around the patient has the density of lung. */
function isLung({ data }: Volume): boolean {
  const step = Math.max(1, Math.floor(data.length / 200_000));
  let [lung, inside] = [0, 0];
  for (let i = 0; i < data.length; i += step) {
    if (data[i] <= -950) continue;
    inside++;
    if (data[i] < -600) lung++;
  }
  return lung > 0.1 * inside;
}
