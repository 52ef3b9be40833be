// Reads every case once before training: all faults at once, and facts of every volume.

import { isAbortError, isAnyMC3DError, type Volume, valueRange } from "@anymc3d/core";
import type { TrainCase } from "./cases.js";
import type { VolumeFacts } from "./looks.js";

/** A case that could not be read. */
export interface CaseFault {
  readonly id: string;
  readonly origin: string;
  /** A stable error code; "UNEXPECTED" for errors that are none of this library's. */
  readonly code: string;
  readonly message: string;
}

export interface CheckedCases {
  /** Those that could be read, in their order. */
  readonly cases: TrainCase[];
  readonly faults: CaseFault[];
  readonly volumes: VolumeFacts[];
  /** Ids of cases whose mask has no voxel inside: valid, and learned from. */
  readonly emptyMasks: ReadonlySet<string>;
}

export interface CheckCasesOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Reads every volume and mask, one case after the other, and keeps none of them. Never throws for a case: the caller decides what faults mean.
 * NaN and infinite voxels are faults.
 * @throws the signal's reason
 */
export async function checkCases(cases: readonly TrainCase[], { signal, onProgress }: CheckCasesOptions = {}): Promise<CheckedCases> {
  const faults: CaseFault[] = [];
  const volumes: VolumeFacts[] = [];
  const emptyMasks = new Set<string>();
  const readable: TrainCase[] = [];
  for (const each of cases) {
    signal?.throwIfAborted();
    try {
      const seen = factsOf(each, await each.load(signal));
      const empty = each.loadMask ? isEmpty(await each.loadMask(signal), each.id) : false;
      volumes.push(...seen);
      if (empty) emptyMasks.add(each.id);
      readable.push(each);
    } catch (error) {
      if (isAbortError(error) || signal?.aborted) throw error;
      const { id, origin } = each;
      faults.push({ id, origin, code: isAnyMC3DError(error) ? error.code : "UNEXPECTED", message: error instanceof Error ? error.message : String(error) });
    }
    onProgress?.(readable.length + faults.length, cases.length);
  }
  return { cases: readable, faults, volumes, emptyMasks };
}

function factsOf({ id, split }: TrainCase, volumes: Readonly<Record<string, Volume>>): VolumeFacts[] {
  return Object.entries(volumes).map(([source, volume]) => {
    const { shape, affine, modality } = volume;
    return { id, split, source, shape: [...shape], affine, modality, ...valueRange(volume, `${id}, source "${source}"`) };
  });
}

function isEmpty(mask: Volume, id: string): boolean {
  return !(valueRange(mask, `${id}, mask`).maximum > 0);
}
