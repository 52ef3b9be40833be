// Reads every case once before training: all faults at once, facts of every volume, and what each holds.

import { AnyMC3DError, isAbortError, isAnyMC3DError, type Volume, valueRange, volumeStatistics, type Warning } from "@anymc3d/core";
import { sha256 } from "@anymc3d/core/engine";
import { asDeclared, prepareView, valuesOf } from "@anymc3d/core/learn";
import type { TrainConfig } from "../config.js";
import { asView } from "../learning/samples.js";
import { maskOf, type TrainCase } from "./cases.js";
import { knownCases } from "./known-cases.js";
import type { VolumeFacts } from "./looks.js";

/** A case that cannot be used. */
export interface CaseFault {
  readonly id: string;
  readonly origin: string;
  /** A stable error code; "UNEXPECTED" for errors that are none of this library's. */
  readonly code: string;
  readonly message: string;
}

/** The cases that can be used, what is wrong with the others, and what was seen of the volumes. */
export interface CheckedCases {
  /** Those that can be used, in their order. */
  readonly cases: TrainCase[];
  readonly faults: CaseFault[];
  readonly volumes: VolumeFacts[];
  /** Ids of cases whose mask has no voxel inside: valid, and learned from. */
  readonly emptyMasks: ReadonlySet<string>;
  /** What masks hold that is not 0 and 1 alone: by the values, ids of those that do. */
  readonly maskNotes: ReadonlyMap<string, readonly string[]>;
  /** By id: hash of what was read of a case, voxels, geometry, modality and mask. */
  readonly contents: ReadonlyMap<string, string>;
  /** Groups that are one patient by their scans, or by what DICOM says. */
  readonly warnings: readonly Warning[];
}

/** Options of `checkCases()`. */
export interface CheckCasesOptions {
  /** Also try to prepare each volume for these views. */
  readonly views?: TrainConfig["input"]["views"];
  /** Cases that neither train nor validate: only whether they are the same scans or patients. Those that cannot be read are passed over. */
  readonly apart?: readonly TrainCase[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Reads every volume and mask, one case after the other, and keeps none of them. Never throws for a case: the caller decides what faults mean.
 * Faults are what cannot be read or prepared, NaN and infinite voxels, masks that are none, and the same voxels in training and in validation.
 * @throws the signal's reason
 */
export async function checkCases(cases: readonly TrainCase[], { views = [], apart = [], signal, onProgress }: CheckCasesOptions = {}): Promise<CheckedCases> {
  const faults: CaseFault[] = [];
  const volumes: VolumeFacts[] = [];
  const emptyMasks = new Set<string>();
  const maskNotes = new Map<string, string[]>();
  const contents = new Map<string, string>();
  const readable: TrainCase[] = [];
  const known = knownCases();
  for (const trainCase of cases) {
    signal?.throwIfAborted();
    try {
      const loaded = await trainCase.load(signal);
      const facts = factsOf(trainCase, loaded, views);
      for (const view of views) prepareView(loaded[view.source], asView(view), { mean: [0, 0, 0], std: [1, 1, 1] });
      const voxels = await voxelHash(Object.values(loaded));
      const add = await known.check(trainCase, loaded);
      const mask = await maskOf(trainCase, signal);
      const values = mask && maskValues(mask, trainCase.id);
      if (values?.at(-1) === 0) emptyMasks.add(trainCase.id);
      const told = mask && values && maskNote(mask, values);
      if (told) maskNotes.set(told, [...(maskNotes.get(told) ?? []), trainCase.id]);
      const geometry = facts.map(({ source, shape, affine, modality }) => [source, shape, affine, modality]);
      contents.set(trainCase.id, await textSha([voxels, geometry, mask && (await voxelHash([mask]))]));
      volumes.push(...facts);
      readable.push(trainCase);
      add();
    } catch (error) {
      if (isAbortError(error) || signal?.aborted) throw error;
      faults.push(faultOf(trainCase, error));
    }
    onProgress?.(readable.length + faults.length, cases.length + apart.length);
  }
  for (const [i, trainCase] of apart.entries()) {
    signal?.throwIfAborted();
    const loaded = await trainCase.load(signal).catch(() => undefined);
    if (loaded) await known.check(trainCase, loaded).catch((error) => faults.push(faultOf(trainCase, error)));
    onProgress?.(cases.length + i + 1, cases.length + apart.length);
  }
  return { cases: readable, faults, volumes, emptyMasks, maskNotes, contents, warnings: known.warnings() };
}

function faultOf({ id, origin }: TrainCase, error: unknown): CaseFault {
  return { id, origin, code: isAnyMC3DError(error) ? error.code : "UNEXPECTED", message: error instanceof Error ? error.message : String(error) };
}

const textSha = (value: unknown): Promise<string> => sha256(new TextEncoder().encode(JSON.stringify(value)));

async function voxelHash(volumes: readonly Volume[]): Promise<string> {
  const hashes: unknown[] = [];
  for (const { shape, data } of volumes) hashes.push([shape, await sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))]);
  return textSha(hashes);
}

/** @param views whose words on padding and labels count */
function factsOf({ id, split }: TrainCase, given: Readonly<Record<string, Volume>>, views: TrainConfig["input"]["views"]): VolumeFacts[] {
  return Object.entries(given).map(([source, read]) => {
    const name = `${id}, source "${source}"`;
    valueRange(read, name);
    const view = views.find((each) => each.source === source);
    const volume = view ? asDeclared(read, asView(view)) : read;
    const { shape, affine, modality, data } = volume;
    const [p1, p50, p99] = volumeStatistics(volume).percentiles([1, 50, 99]);
    const values = valuesOf(data);
    const labels = values && values.length <= MOST_LABELS && values.every(Number.isInteger) ? values : undefined;
    return { id, split, source, shape: [...shape], affine, modality, ...valueRange(volume, name), percentiles: { p1, p50, p99 }, ...(labels && { labels }) };
  });
}

/** Scans have more grey values. */
const MOST_LABELS = 64;

/**
 * The numbers in a mask.
 * @throws AnyMC3DError `DATA_INVALID` for what is no segmentation (negative or fractional values, such as a scan in the mask's place) and for one
 * without a voxel outside
 */
function maskValues(mask: Volume, id: string): readonly number[] {
  const { minimum, maximum } = valueRange(mask, `${id}, mask`);
  const fraction =
    mask.data instanceof Float32Array || mask.data instanceof Float64Array ? mask.data.find((value: number) => !Number.isInteger(value)) : undefined;
  const values = valuesOf(mask.data);
  if (minimum < 0 || fraction !== undefined || values === undefined) {
    const found = minimum < 0 ? `values from ${minimum} to ${maximum}` : fraction === undefined ? "thousands of values" : `the value ${fraction}`;
    throw new AnyMC3DError("DATA_INVALID", `the mask of ${id} has ${found}; expected whole numbers, 0 outside and above 0 inside. Is it the scan itself?`);
  }
  if (minimum > 0)
    throw new AnyMC3DError(
      "DATA_INVALID",
      `the mask of ${id} has the values ${values.slice(0, 8).join(", ")} and no 0, so nothing would be outside of it; expected 0 outside and above 0 inside.`,
    );
  return values;
}

/** What one should know of a mask: numbers other than 0 and 1 all count as inside; one that is mostly inside may be the wrong way round. */
function maskNote({ data }: Volume, values: readonly number[]): string | undefined {
  let inside = 0;
  for (let i = 0; i < data.length; i++) if (data[i] > 0) inside++;
  const other = values.some((value) => value > 1)
    ? [`hold ${values.slice(0, 8).join(", ")}${values.length > 8 ? ", …" : ""}: all above 0 counts as inside`]
    : [];
  const mostly = 2 * inside > data.length ? ["are inside in more than half of their voxels: are they the wrong way round?"] : [];
  return [...other, ...mostly].join("; ") || undefined;
}
