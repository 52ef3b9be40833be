// Geometry that a file leaves open: what it does state is kept, the caller says the rest, and only then is something assumed.

import { type Affine, AnyMC3DError, axisCodes, voxelSpacing } from "@anymc3d/core";
import { either } from "../formats/names.js";
import type { ReadOptions } from "../options/read-options.js";
import { isInvertible, orientedAffine, parseOrientation } from "./geometry.js";

type Told = Pick<ReadOptions, "orientation" | "spacing">;

/** Two lengths, relative, that count as one: headers hold float32 and a few decimals. */
const SAME = 1e-3;
const LETTERS: Readonly<Record<string, string>> = { L: "left", R: "right", P: "back", A: "front", S: "top", I: "feet" };

const refused = (option: "orientation" | "spacing", file: string, message: string): AnyMC3DError =>
  new AnyMC3DError("OPTION_INVALID", `${file}: ${message}`, { details: { option, file } });

const mm = (sizes: readonly number[]): string => sizes.map((size) => (size > 0 ? Number(size.toPrecision(4)) : "unknown")).join(" × ");

/** The option `spacing`, checked. @throws AnyMC3DError `OPTION_INVALID` */
function checkedSpacing(spacing: readonly number[], name: string): readonly number[] {
  if (spacing.length === 3 && spacing.every((size) => size > 0 && Number.isFinite(size))) return spacing;
  throw refused("spacing", name, `\`spacing\` is ${String(spacing)}; give three lengths in mm above 0.`);
}

/**
 * Voxel edges in mm: those that the file states, else those that the caller says.
 * @param stated NaN where the file states none
 * @returns NaN where neither does
 * @throws AnyMC3DError `OPTION_INVALID` where they contradict each other
 */
export function toldSizes(stated: readonly number[], spacing: ReadOptions["spacing"], name: string): number[] {
  if (spacing === undefined) return [...stated];
  const told = checkedSpacing(spacing, name);
  if (stated.some((size, axis) => Math.abs(size - told[axis]) > SAME * size))
    throw refused("spacing", name, `\`spacing\` is ${told.join(", ")}, and the file states voxels of ${mm(stated)} mm. Leave it out, or correct the file.`);
  return stated.map((size, axis) => (Number.isNaN(size) ? told[axis] : size));
}

/**
 * What the caller says of a file that states its geometry itself must be what it states.
 * @throws AnyMC3DError `OPTION_INVALID`
 */
export function checkTold(affine: Affine, { orientation, spacing }: Told, name: string): void {
  toldSizes(voxelSpacing(affine), spacing, name);
  if (orientation === undefined) return;
  parseOrientation(orientation);
  const stated = axisCodes(affine);
  if (orientation.toUpperCase() !== stated)
    throw refused("orientation", name, `\`orientation\` is ${orientation}, and the file states ${stated}. Leave it out, or correct the file.`);
}

export interface OpenGrid {
  readonly name: string;
  readonly shape: readonly number[];
  /** Voxel edges that the file states, mm; NaN where it states none. */
  readonly stated: readonly number[];
  /** Where the axes are taken to point if the caller does not say it; default as stored, which is LPS. */
  readonly assumed?: string;
  /** Why the orientation is not known: "it names no space". */
  readonly why: string;
}

/**
 * The affine of a grid whose orientation the file does not state: voxel edges as stated or told, axes as told or assumed, the middle at 0.
 * @returns no affine where nothing is known, neither edges nor orientation; and what to tell where something was assumed
 * @throws AnyMC3DError `OPTION_INVALID`: an orientation without voxel edges; edges that contradict the file's
 */
export function openAffine({ name, shape, stated, assumed = "LPS", why }: OpenGrid, { orientation, spacing }: Told): { affine?: Affine; note?: string } {
  if (orientation !== undefined) parseOrientation(orientation);
  const known = toldSizes(stated, spacing, name);
  // The thickness of a single slice moves nothing.
  const sizes = known.map((size, axis) => (Number.isNaN(size) && shape[axis] === 1 && known.some((each) => each > 0) ? 1 : size));
  const missing = sizes.flatMap((size, axis) => (Number.isNaN(size) ? [["first", "second", "third"][axis]] : []));
  if (orientation !== undefined && missing.length > 0)
    throw refused(
      "spacing",
      name,
      `\`orientation\` is given, and the file states no size of its voxels along the ${missing.join(" and ")} axis. Give \`spacing\`, too.`,
    );
  const oriented = (axes: string): Affine => {
    const affine = orientedAffine(axes, sizes.map((size) => (Number.isNaN(size) ? 1 : size)), shape); // biome-ignore format: a line
    if (isInvertible(affine)) return affine;
    throw new AnyMC3DError("GEOMETRY_INVALID", `${name}: its voxels would be ${mm(sizes)} mm, which cannot be. Correct the header.`);
  };
  if (orientation !== undefined) return { affine: oriented(orientation) };
  const unoriented = `${name}: the file stores no orientation${missing.length < 3 ? "" : " and no voxel sizes"}: ${why}.`;
  if (missing.length === 3)
    return { note: `${unoriented} The axes are taken as stored, 1 mm a voxel; say how they lie with the options \`orientation\` and \`spacing\`.` };
  const toward = [...assumed].map((letter) => LETTERS[letter]);
  const edges = missing.length > 0 ? `, and 1 mm along the ${missing.join(" and ")} axis` : "";
  const affine = oriented(assumed);
  const note = `${unoriented} Its voxels are ${mm(sizes)} mm. Assumed: the axes point to the patient's ${toward[0]}, ${toward[1]} and ${toward[2]}${edges}. Left and right may be swapped; say how they lie with the option ${either(["`orientation`", ...(missing.length > 0 ? ["`spacing`"] : [])])}.`;
  return { affine, note };
}
