// Is this volume what the adapter was made for? Checked before anything is computed; what does not fit is refused or warned about.

import { AnyMC3DError, type InputFinding, isAnyMC3DError } from "./errors.js";
import { assertVolume, displayGrid, obliqueness } from "./geometry.js";
import type { AdapterManifest, Expectations, ViewManifest } from "./manifest.js";
import { prepareView } from "./preprocess.js";
import { volumeStatistics } from "./statistics.js";
import type { Volume, Warning } from "./types.js";

/** One volume, or one for every source that an adapter names. */
export type ClassifyInput = Volume | Readonly<Record<string, Volume>>;

/** What speaks against giving a study to an adapter. */
export interface StudyCheck {
  /** `refused`: outside what the adapter declares; classified only with `checks: "warn"`. `impossible`: not even then. */
  readonly verdict: "accepted" | "refused" | "impossible";
  readonly findings: readonly Warning[];
}

/** Smallest and largest voxel value. */
export interface ValueRange {
  readonly minimum: number;
  readonly maximum: number;
}

/** Smallest and largest voxel value. @throws AnyMC3DError `VOXELS_NOT_FINITE` with the count and the first place */
export function valueRange(volume: Pick<Volume, "data" | "shape">, name: string): ValueRange {
  const { minimum, maximum, finite } = volumeStatistics(volume);
  if (!finite) refuseNotFinite(volume, name);
  return { minimum, maximum };
}

function refuseNotFinite({ data, shape }: Pick<Volume, "data" | "shape">, name: string): never {
  let count = 0;
  let first = -1;
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    if (first < 0) first = i;
    count++;
  }
  const at: [number, number, number] = [first % shape[0], Math.floor(first / shape[0]) % shape[1], Math.floor(first / (shape[0] * shape[1]))];
  throw new AnyMC3DError(
    "VOXELS_NOT_FINITE",
    `${name}: ${count} voxel(s) are NaN or infinite, the first at (${at}). One such voxel spoils the whole result; replace them, by the background value for example, and try again.`,
    { details: { count, first: at } },
  );
}

/** Degrees beyond which the nearest plane is worth a warning. */
const OBLIQUE = 20;

type InputCode = "INPUT_MODALITY" | "INPUT_VALUES" | "INPUT_SPACING" | "INPUT_SIZE";

/** One finding: what is wrong, under which code, and whether the adapter refuses it. */
interface Finding {
  readonly code: InputCode;
  readonly message: string;
  readonly refuse: boolean;
  readonly details: InputFinding;
}

/**
 * Compares a volume with what a view declares.
 * @param mode `warn` turns refusals into warnings
 * @returns warnings
 * @throws AnyMC3DError `VOXELS_NOT_FINITE`, `INPUT_MODALITY`, `INPUT_VALUES`, `INPUT_SPACING`, `INPUT_SIZE`
 */
export function checkInput(volume: Volume, view: ViewManifest, adapterName: string, mode: "refuse" | "warn"): Warning[] {
  const name = nameOf(view);
  const findings = inputFindings(volume, view, valueRange(volume, name));
  const refused = mode === "refuse" ? findings.find((finding) => finding.refuse) : undefined;
  if (refused)
    throw new AnyMC3DError(
      refused.code,
      `${name} is not what ${adapterName} was made for: ${refused.message}. If it is right after all, pass checks: "warn" (--checks warn).`,
      { details: refused.details },
    );
  return warningsOf(volume, view, findings);
}

/** Compares a study with what an adapter declares, before anything is computed; looks at every voxel once. */
export function checkStudy(input: ClassifyInput, manifest: AdapterManifest): StudyCheck {
  const warnings = new Map<string, Warning>();
  let refused = false;
  try {
    const sources = sourcesOf(input, manifest);
    const ranges = new Map(Object.entries(sources).map(([source, volume]) => [source, valueRange(volume, nameOf({ source }))]));
    for (const view of manifest.input.views) {
      const volume = sources[view.source];
      prepareView(volume, view, { mean: [0, 0, 0], std: [1, 1, 1] });
      const findings = inputFindings(volume, view, ranges.get(view.source) as ValueRange);
      refused ||= findings.some((finding) => finding.refuse);
      for (const warning of warningsOf(volume, view, findings)) warnings.set(warning.message, warning);
    }
  } catch (error) {
    if (!isAnyMC3DError(error)) throw error;
    return { verdict: "impossible", findings: [{ code: error.code, message: error.message }] };
  }
  return { verdict: refused ? "refused" : "accepted", findings: [...warnings.values()] };
}

/**
 * The volume of every source that an adapter reads.
 * @throws AnyMC3DError `INPUT_MISSING`, `VOLUME_INVALID`, `GEOMETRY_INVALID`
 */
export function sourcesOf(input: ClassifyInput, manifest: AdapterManifest): Readonly<Record<string, Volume>> {
  const names = [...new Set(manifest.input.views.map((view) => view.source))];
  const single = typeof input === "object" && input !== null && "data" in input && "shape" in input;
  const given = single ? { [names[0]]: input as Volume } : (input as Readonly<Record<string, Volume>>);
  const missing = names.filter((name) => !given || !Object.hasOwn(given, name) || !given[name]);
  const extra = Object.keys(given ?? {}).filter((name) => !names.includes(name));
  if (missing.length || extra.length) {
    const found = single ? "one volume" : `{ ${Object.keys(given ?? {}).join(", ")} }`;
    throw new AnyMC3DError(
      "INPUT_MISSING",
      `adapter ${manifest.name} reads ${names.length} source(s), { ${names.join(", ")} }; given was ${found}. Pass an object with a volume for each.`,
      { details: { expected: names, found: Object.keys(given ?? {}), missing } },
    );
  }
  for (const name of names) assertVolume(given[name], names.length > 1 ? `source "${name}"` : "the volume");
  return given;
}

const nameOf = ({ source }: Pick<ViewManifest, "source">) => (source === "volume" ? "the volume" : `source "${source}"`);

function warningsOf(volume: Volume, view: ViewManifest, findings: readonly Finding[]): Warning[] {
  const name = nameOf(view);
  const warnings: Warning[] = findings.map(({ code, message }) => ({ code, message: `${name}: ${message}` }));
  if (!volume.affine) warnings.push({ code: "NO_ORIENTATION", message: `${name} has no orientation or spacing: slices are taken as stored, 1 mm a voxel` });
  const tilt = volume.affine ? obliqueness(volume.affine) : 0;
  if (tilt > OBLIQUE)
    warnings.push({
      code: "OBLIQUE",
      message: `${name} lies ${Math.round(tilt)}° off the body's axes: its nearest plane is taken as ${view.plane}, without resampling`,
    });
  return [...(volume.notes ?? []), ...warnings];
}

const inputFindings = (volume: Volume, view: ViewManifest, range: ValueRange): Finding[] => [
  ...modalityFindings(volume, view),
  ...rangeFindings(volume, view, range),
];

function modalityFindings({ modality, meta }: Volume, { source, expect: { modality: expected } }: ViewManifest): Finding[] {
  if (modality && expected && !expected.includes(modality))
    return [
      {
        code: "INPUT_MODALITY",
        message: `its modality is ${modality}, expected ${expected.join(" or ")}`,
        refuse: true,
        details: { source, measured: "modality", found: modality, expected },
      },
    ];
  if (modality === "CT" && expected && meta?.units && meta.units !== "HU")
    return [
      {
        code: "INPUT_VALUES",
        message: `its values are stated as ${meta.units}, expected HU (Hounsfield units)`,
        refuse: true,
        details: { source, measured: "units", found: meta.units, expected: ["HU"] },
      },
    ];
  return [];
}

/** Relative: what float32 headers and affines from rounded direction cosines differ by. */
const HEADER_NOISE = 1e-4;

/** What of an input has a range, in words. */
const WORDS = {
  minimum: { what: "its smallest voxel value", unit: undefined },
  maximum: { what: "its largest voxel value", unit: undefined },
  p1: { what: "the 1st percentile of its voxel values", unit: undefined },
  p50: { what: "the median of its voxel values", unit: undefined },
  p99: { what: "the 99th percentile of its voxel values", unit: undefined },
  pixelSpacing: { what: "its pixel spacing", unit: "mm" },
  sliceSpacing: { what: "its slice spacing", unit: "mm" },
  extent: { what: "its in-plane extent", unit: "mm" },
  slices: { what: "its number of slices", unit: undefined },
} as const;

function rangeFindings(volume: Volume, view: ViewManifest, range: ValueRange): Finding[] {
  const { columns, rows, slices } = displayGrid(volume, view.plane);
  const { expect } = view;
  const findings: Finding[] = [];
  const compare = (code: InputCode, measured: keyof typeof WORDS, values: readonly number[], rule: Expectations["minimum"], hint = "") => {
    const slack = rule ? HEADER_NOISE * Math.max(...rule.range.map(Math.abs)) : 0;
    const wrong = rule && values.find((v) => v < rule.range[0] - slack || v > rule.range[1] + slack);
    if (rule === undefined || wrong === undefined) return;
    const { what, unit } = WORDS[measured];
    const shown = unit ? ` ${unit}` : "";
    findings.push({
      code,
      message: `${what} is ${format(wrong)}${shown}, expected ${[...new Set(rule.range.map(format))].join(" to ")}${shown}${hint}`,
      refuse: rule.otherwise === "refuse",
      details: { source: view.source, measured, found: wrong, expected: rule.range, ...(unit && { unit }) },
    });
  };
  const units = expect.modality?.includes("CT") ? " (Hounsfield units; was the file rescaled, windowed or exported without its intercept?)" : "";
  compare("INPUT_VALUES", "minimum", [range.minimum], expect.minimum, units);
  compare("INPUT_VALUES", "maximum", [range.maximum], expect.maximum, units);
  if (expect.percentiles) {
    const found = volumeStatistics(volume).percentiles([1, 50, 99]);
    (["p1", "p50", "p99"] as const).forEach((key, i) => void compare("INPUT_VALUES", key, [found[i]], expect.percentiles?.[key], units));
  }
  if (volume.affine) {
    compare("INPUT_SPACING", "pixelSpacing", [columns.spacing, rows.spacing], expect.pixelSpacing);
    compare("INPUT_SPACING", "sliceSpacing", [slices.spacing], expect.sliceSpacing);
    compare("INPUT_SIZE", "extent", [columns.length * columns.spacing, rows.length * rows.spacing], expect.extent);
  }
  compare("INPUT_SIZE", "slices", [slices.length], expect.slices);
  return findings;
}

function format(value: number): string {
  return String(Number(value.toPrecision(4)));
}
