// What volumes look like: facts of each, ranges over a data set, and what an adapter may expect.

import { type Affine, type Expectations, type Plane, voxelSpacing } from "@anymc3d/core";
import { displayGrid } from "@anymc3d/core/learn";
import type { Split } from "./splits.js";

/** What was seen of one volume. */
export interface VolumeFacts {
  readonly id: string;
  readonly split: Split;
  readonly source: string;
  readonly shape: readonly [number, number, number];
  readonly affine?: Affine;
  readonly modality?: string;
  /** Smallest and largest voxel value. */
  readonly minimum: number;
  readonly maximum: number;
  /** Of the voxels that are data. */
  readonly percentiles?: Readonly<Record<"p1" | "p50" | "p99", number>>;
  /** The values, where they are few whole numbers. */
  readonly labels?: readonly number[];
}

/** Smallest and largest. */
type Range = [low: number, high: number];

/** What the volumes of one source look like. */
export interface VolumeLook {
  readonly source: string;
  readonly volumes: number;
  /** Voxels along x, y, z. */
  readonly shape: readonly Range[];
  /** Mm along x, y, z; of the volumes that have an affine. */
  readonly spacing?: readonly Range[];
  /** Of the volumes' smallest values, and of their largest. */
  readonly minimum: Range;
  readonly maximum: Range;
  /** DICOM modalities that volumes name. */
  readonly modalities: readonly string[];
}

const rangeOf = (values: readonly number[]): Range => [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];

/** What is told of a range should hold for all that was seen, without the noise of float headers. */
function roundedOutwards([low, high]: Range): Range {
  const round = (value: number, towards: (x: number) => number): number => {
    if (Number.isInteger(value)) return value;
    const unit = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 3);
    return Number((towards(value / unit - (towards === Math.ceil ? 1 : -1) * 1e-3) * unit).toPrecision(4));
  };
  return [round(low, Math.floor), round(high, Math.ceil)];
}

/** What volumes look like, a source each, for a report. */
export function looksOf(facts: readonly VolumeFacts[]): VolumeLook[] {
  return [...new Set(facts.map(({ source }) => source))].map((source) => {
    const volumes = facts.filter((fact) => fact.source === source);
    const spacings = volumes.flatMap(({ affine }) => (affine ? [voxelSpacing(affine)] : []));
    const modalities = new Set(volumes.flatMap(({ modality }) => (modality ? [modality] : [])));
    return {
      source,
      volumes: volumes.length,
      shape: [0, 1, 2].map((axis) => rangeOf(volumes.map(({ shape }) => shape[axis]))),
      ...(spacings.length > 0 && { spacing: [0, 1, 2].map((axis) => rangeOf(spacings.map((spacing) => spacing[axis]))) }),
      minimum: rangeOf(volumes.map(({ minimum }) => minimum)),
      maximum: rangeOf(volumes.map(({ maximum }) => maximum)),
      modalities: [...modalities].sort(),
    };
  });
}

/** From so many volumes on, values that never differ are an encoding, such as that of a mask by 0 and 255. */
const MANY = 10;

/** By which share of the spread, from the smallest 1st to the largest 99th percentile, a percentile may lie outside what was seen. */
const MARGIN = 0.05;

/**
 * Where percentiles must lie: what was seen, widened by a twentieth of the spread of the values. Refused outside: CT, whose unit is the same everywhere,
 * of ten or more volumes; 1st percentile and median of an encoding, as seen. Else a warning.
 */
export function percentilesOf(facts: readonly VolumeFacts[], { source, expect }: { readonly source: string; readonly expect?: Expectations }) {
  const volumes = facts.filter((fact) => fact.source === source);
  const seen = volumes.flatMap(({ percentiles }) => percentiles ?? []);
  if (seen.length === 0) return undefined;
  const encoded = isEncoding(volumes);
  const isCT = ({ modality }: VolumeFacts) => (modality ?? (expect?.modality?.length === 1 ? expect.modality[0] : undefined)) === "CT";
  const refuse = volumes.length >= MANY && (encoded || volumes.every(isCT));
  const [lowest, highest] = [Math.min(...seen.map(({ p1 }) => p1)), Math.max(...seen.map(({ p99 }) => p99))];
  const margin = encoded ? 0 : MARGIN * (highest - lowest);
  const rule = (key: "p1" | "p50" | "p99", strict: boolean) => {
    const [low, high] = rangeOf(seen.map((each) => each[key]));
    return { range: roundedOutwards([low - margin, high + margin]), otherwise: strict ? ("refuse" as const) : ("warn" as const) };
  };
  return { p1: rule("p1", refuse), p50: rule("p50", refuse), p99: rule("p99", refuse && !encoded) };
}

/** The same smallest and the same largest value in all of many volumes. */
const isEncoding = (volumes: readonly VolumeFacts[]): boolean =>
  volumes.length >= MANY && new Set(volumes.map(({ minimum, maximum }) => `${minimum} ${maximum}`)).size === 1;

/** The `labels` of a view whose volumes all hold the same two numbers, one of which is 0: a mask. */
export function maskLabelsOf(facts: readonly VolumeFacts[], source: string): { readonly known: [number, number] } | undefined {
  const volumes = facts.filter((fact) => fact.source === source);
  const [first] = volumes;
  const same = volumes.every(({ labels }) => labels?.length === 2 && labels.includes(0) && labels.join() === first.labels?.join());
  return volumes.length >= MANY && same ? { known: [...(first.labels as readonly number[])] as [number, number] } : undefined;
}

/**
 * The `expect` of a view by what the volumes of its source look like in its plane: the ranges seen, rounded outwards to four digits, a warning outside them;
 * a refusal where all volumes have the same smallest and the same largest value, since another one is then another encoding; percentiles as
 * {@link percentilesOf}.
 * @param facts of at least one volume of the source
 */
export function expectationsOf(facts: readonly VolumeFacts[], { source, plane }: { readonly source: string; readonly plane: Plane }): Expectations {
  const volumes = facts.filter((fact) => fact.source === source);
  const oriented = volumes.filter(({ affine }) => affine).map((fact) => displayGrid(fact, plane));
  const warn = (values: readonly number[]) => ({ range: roundedOutwards(rangeOf(values)), otherwise: "warn" as const });
  const [minima, maxima] = [volumes.map(({ minimum }) => minimum), volumes.map(({ maximum }) => maximum)];
  const encoded = isEncoding(volumes);
  const values = (seen: readonly number[]) => ({ ...warn(seen), ...(encoded && { otherwise: "refuse" as const }) });
  const modalities = new Set(volumes.map(({ modality }) => modality));
  const percentiles = percentilesOf(facts, { source });
  return {
    ...(!modalities.has(undefined) && { modality: [...modalities].sort() as string[] }),
    minimum: values(minima),
    maximum: values(maxima),
    ...(percentiles && { percentiles }),
    ...(oriented.length > 0 && {
      pixelSpacing: warn(oriented.flatMap(({ rows, columns }) => [rows.spacing, columns.spacing])),
      sliceSpacing: warn(oriented.map(({ slices }) => slices.spacing)),
      extent: warn(oriented.flatMap(({ rows, columns }) => [rows, columns].map(({ length, spacing }) => length * spacing))),
    }),
    slices: warn(volumes.map((fact) => displayGrid(fact, plane).slices.length)),
  };
}
