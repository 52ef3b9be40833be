// What size alone tells: scalars that cost nothing, to hold a model's AUROC against.

import { type Affine, determinant, type Volume, valueRange } from "@anymc3d/core";
import { displayGrid } from "@anymc3d/core/learn";
import type { TrainConfig } from "../config.js";
import { maskOf, type TrainCase } from "../data/cases.js";

/** Scalars of one case by name; one that a case does not have is absent. */
export type SizeScalars = ReadonlyMap<string, number>;

/**
 * Slices of the first view's plane, the volume's extent and its foreground (mm³, or voxels without an affine), and the mask's where there is one.
 * Foreground: above the view's own foreground value, or else above the middle of the volume's values.
 */
export async function sizeScalars(trainCase: TrainCase, { input }: TrainConfig, signal?: AbortSignal): Promise<SizeScalars> {
  const [view] = input.views;
  const volume = (await trainCase.load(signal))[view.source];
  const voxel = voxelVolume(volume.affine);
  const scalars = new Map([
    ["slice count", displayGrid(volume, view.plane).slices.length],
    ["volume extent", volume.data.length * voxel],
    ["foreground", voxel * countAbove(volume, view.slices.choice === "foreground" ? view.slices.above : middle(volume, trainCase.id))],
  ]);
  const mask = await maskOf(trainCase, signal);
  if (mask) scalars.set("mask", voxel * countAbove(mask, 0));
  return scalars;
}

function voxelVolume(affine: Affine | undefined): number {
  return affine ? Math.abs(determinant(affine)) : 1;
}

function countAbove({ data }: Volume, above: number): number {
  let count = 0;
  for (let i = 0; i < data.length; i++) if (data[i] > above) count++;
  return count;
}

function middle(volume: Volume, id: string): number {
  const { minimum, maximum } = valueRange(volume, id);
  return (minimum + maximum) / 2;
}
