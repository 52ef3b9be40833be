// Is this volume what the adapter was made for? Checked before anything is computed; what does not fit is refused or warned about.

import { asDeclared, expectsHounsfield, valuesOf } from "./declared.js";
import { AnyMC3DError, type InputFinding, isAnyMC3DError } from "./errors.js";
import { assertVolume, displayGrid, obliqueness } from "./geometry.js";
import type { AdapterManifest, Expectations, ViewManifest } from "./manifest.js";
import { prepareView } from "./preprocess.js";
import { type CutRegion, cutRegion } from "./regions.js";
import { type VolumeStatistics, volumeStatistics } from "./statistics.js";
import type { OutsideFinding, Region, Volume, VoxelArray, Warning } from "./types.js";

/** One volume, or one for every source that an adapter names. */
export type ClassifyInput = Volume | Readonly<Record<string, Volume>>;

/** What speaks against giving a study to an adapter. */
export interface StudyCheck {
  /** `refused`: outside what the adapter declares; classified only with `checks: "warn"`, or "force" where `otherKind` is there. `impossible`: not even then. */
  readonly verdict: "accepted" | "refused" | "impossible";
  /** Refused as another kind of image: another modality, a scan where a segmentation is expected, or the reverse. */
  readonly otherKind?: true;
  readonly findings: readonly Warning[];
}

/** Smallest and largest voxel value. */
export interface ValueRange {
  readonly minimum: number;
  readonly maximum: number;
}

/** Smallest and largest voxel value, of those that are data. @throws AnyMC3DError `VOXELS_NOT_FINITE` with the count and the first place */
export function valueRange(volume: Pick<Volume, "data" | "shape" | "noData">, name: string): ValueRange {
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
  /** Refused unless `checks` is "force". */
  readonly otherKind?: true;
  readonly details: InputFinding;
}

/** What is told, and speaks against nothing. */
interface Note {
  readonly code: "LABELS_FOUND";
  readonly message: string;
  readonly refuse: false;
}

/** How findings are taken: see `ClassifyOptions.checks`. */
export type ChecksMode = "refuse" | "warn" | "force";

/**
 * Compares a volume with what a view declares.
 * @param mode `warn` turns refusals into warnings, but for those of another kind of image; `force` those, too
 * @returns warnings
 * @throws AnyMC3DError `VOXELS_NOT_FINITE`, `INPUT_MODALITY`, `INPUT_VALUES`, `INPUT_SPACING`, `INPUT_SIZE`
 */
export function checkInput(volume: Volume, view: ViewManifest, adapterName: string, mode: ChecksMode): Warning[] {
  return judgeInput(volume, view, adapterName, mode).warnings;
}

/** As {@link checkInput}, and what of it would have been refused. @param looksAtLabel whether the adapter's image may be made of a label of a segmentation */
export function judgeInput(
  volume: Volume,
  view: ViewManifest,
  adapterName: string,
  mode: ChecksMode,
  looksAtLabel = false,
): { warnings: Warning[]; outside: OutsideFinding[] } {
  const name = nameOf(view);
  valueRange(volume, name);
  const findings = inputFindings(volume, view);
  const refusals = findings.filter((finding): finding is Finding => finding.refuse);
  const refused = mode === "refuse" ? refusals[0] : mode === "warn" ? refusals.find(({ otherKind }) => otherKind) : undefined;
  if (refused)
    throw new AnyMC3DError(
      refused.code,
      `${name} is not what ${adapterName} was made for: ${refused.message}. ${looksAtLabel && refused.code === "INPUT_VALUES" ? SAY_WHICH : wayOn(refused)}`,
      {
        details: refused.details,
      },
    );
  const outside = refusals.map(({ code, message, details, otherKind }) => ({ code, message: `${name}: ${message}`, ...(otherKind && { otherKind }), details }));
  return { warnings: warningsOf(volume, view, findings), outside };
}

const SAY_WHICH = "Of a segmentation, say which label is meant: roi: { mask, label } (--label N).";

/** What to do about a refusal. Of a size: the right part of the scan, and never an answer about something else. */
function wayOn({ code, otherKind, details: { found, expected } }: Finding): string {
  if (otherKind) return 'Its answer would say nothing about this input; to have it all the same, pass checks: "force" (--checks force).';
  if (code !== "INPUT_SIZE") return 'If it is right after all, pass checks: "warn" (--checks warn).';
  const large = typeof found === "number" && found > Number(expected[1]);
  return large ? "Cut the finding out: give a region, roi: { point, space } (--at x,y,z)." : "Give a larger region, or the scan that it was cut from.";
}

/**
 * Compares a study, or a region of it, with what an adapter declares, before anything is computed; looks at every voxel once.
 */
export function checkStudy(input: ClassifyInput, manifest: AdapterManifest, { roi }: { readonly roi?: Region } = {}): StudyCheck {
  const warnings = new Map<string, Warning>();
  let refused = false;
  let otherKind = false;
  try {
    const given = sourcesOf(input, manifest);
    const cut = (volume: Volume): Pick<CutRegion, "volume" | "warnings" | "made"> =>
      roi ? cutRegion(volume, roi, manifest.input.roi, manifest.name) : { volume, warnings: [] };
    const sources: Record<string, Volume> = {};
    let isMade = false;
    for (const [source, volume] of Object.entries(given)) {
      const { volume: part, warnings: told, made } = cut(volume);
      isMade ||= made !== undefined;
      sources[source] = part;
      for (const warning of told) warnings.set(warning.message, warning);
    }
    for (const [source, volume] of Object.entries(sources)) valueRange(volume, nameOf({ source }));
    for (const view of manifest.input.views) {
      const volume = sources[view.source];
      prepareView(volume, view, { mean: [0, 0, 0], std: [1, 1, 1] });
      const findings = inputFindings(volume, view);
      refused ||= findings.some((finding) => finding.refuse);
      otherKind ||= findings.some((finding) => finding.refuse && finding.otherKind);
      for (const warning of warningsOf(volume, view, findings)) if (!(isMade && warning.code === "NO_ORIENTATION")) warnings.set(warning.message, warning);
    }
  } catch (error) {
    if (!isAnyMC3DError(error)) throw error;
    return { verdict: "impossible", findings: [{ code: error.code, message: error.message }] };
  }
  return { verdict: refused ? "refused" : "accepted", ...(otherKind && { otherKind }), findings: [...warnings.values()] };
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

function warningsOf(volume: Volume, view: ViewManifest, findings: readonly (Finding | Note)[]): Warning[] {
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

function inputFindings(given: Volume, view: ViewManifest): (Finding | Note)[] {
  const volume = asDeclared(given, view);
  const ranges = rangeFindings(volume, view);
  return [...modalityFindings(volume, view), ...ranges, ...labelFindings(given, volume, view), ...segmentationFindings(given, view, ranges)];
}

/** A scan has more grey values. */
const MOST_LABELS = 64;

/** Voxels by which a scan shows itself. */
const FEWEST = 512;

/** A segmentation in the place of a scan: by what its file says, or by its values where these are refused anyway. */
function segmentationFindings({ labels: named, data }: Volume, { source, labels, expect }: ViewManifest, ranges: readonly Finding[]): Finding[] {
  const isEncoding = [expect.minimum, expect.maximum].some((rule) => rule && rule.range[0] === rule.range[1]);
  if (labels || isEncoding) return [];
  const refused = ranges.some(({ code, refuse, details }) => refuse && code === "INPUT_VALUES" && details.measured !== "data");
  if (!(named ? expect.modality || refused : refused)) return [];
  const values = valuesOf(data);
  const looksLike =
    values !== undefined && data.length >= FEWEST && values.length > 1 && values.length <= MOST_LABELS && values[0] === 0 && values.every(Number.isInteger);
  if (!named && !looksLike) return [];
  const message = `it ${named ? "is" : "looks like"} a segmentation (its values are ${listed(values)}); the scan itself is expected`;
  return [
    {
      code: "INPUT_VALUES",
      message,
      refuse: true,
      otherKind: true,
      details: { source, measured: "labels", found: listed(values), expected: expect.modality ?? [] },
    },
  ];
}

/** The label numbers of a segmentation against those that the adapter knows. */
function labelFindings(given: Volume, { data }: Volume, { source, labels }: ViewManifest): (Finding | Note)[] {
  if (!labels) return [];
  const { known, map = {} } = labels;
  const values = valuesOf(data);
  const strange = values?.find((value) => !known.includes(value));
  const shown = listed(valuesOf(given.data));
  if (values === undefined || strange !== undefined) {
    const also = Object.keys(map).length ? ` (or, in their place, ${Object.keys(map).join(", ")})` : "";
    const message = `it is to be a segmentation of the labels ${known.join(", ")}${also}; its values are ${shown}`;
    const isScan = values === undefined || values.length > MOST_LABELS || values.some((value) => value < 0 || !Number.isInteger(value));
    const details = { source, measured: "labels", found: strange ?? shown, expected: known } as const;
    return [{ code: "INPUT_VALUES", message, refuse: true, ...(isScan && { otherKind: true }), details }];
  }
  const note = (message: string): Note => ({ code: "LABELS_FOUND", message, refuse: false });
  const before = valuesOf(given.data) ?? [];
  const changed = before.filter((value) => Object.hasOwn(map, value) && !known.includes(value));
  if (changed.length)
    return [note(`its labels are ${shown}; taken were ${changed.map((value) => `${value} as ${map[value]}`).join(", ")}, as the adapter declares`)];
  const missing = known.filter((label) => !values.includes(label));
  return missing.length
    ? [note(`its labels are ${listed(values)}; the adapter knows ${known.join(", ")}, so ${missing.join(", ")} ${missing.length > 1 ? "are" : "is"} not in it`)]
    : [];
}

/** The first of many. */
const listed = (values: readonly number[] | undefined): string =>
  values === undefined ? "too many to be labels" : `${values.slice(0, 12).map(format).join(", ")}${values.length > 12 ? ", …" : ""}`;

function modalityFindings({ modality, meta }: Volume, { source, expect: { modality: expected } }: ViewManifest): Finding[] {
  if (modality && expected && !expected.includes(modality))
    return [
      {
        code: "INPUT_MODALITY",
        message: `its modality is ${modality}, expected ${expected.join(" or ")}`,
        refuse: true,
        otherKind: true,
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

function rangeFindings(volume: Volume, view: ViewManifest): Finding[] {
  const { columns, rows, slices } = displayGrid(volume, view.plane);
  const { expect } = view;
  const findings: Finding[] = [];
  const compare = (code: InputCode, measured: keyof typeof WORDS, values: readonly number[], rule: Expectations["minimum"], hint = "") => {
    const wrong = rule && values.find((value) => outside(value, rule));
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
  const { count, minimum, maximum, percentiles } = volumeStatistics(volume);
  if (count === 0) {
    const message = "none of its voxels is data: all are padding";
    return [{ code: "INPUT_VALUES", message, refuse: true, details: { source: view.source, measured: "data", found: 0, expected: [1] } }];
  }
  const shares = percentileRules(expect).map(([key, percent, rule]) => ({ key, rule, found: percentiles([percent]) }));
  const fits = shares.length > 0 && shares.every(({ found: [value], rule }) => !outside(value, rule));
  compare("INPUT_VALUES", "minimum", [minimum], extreme(expect.minimum, fits), units);
  compare("INPUT_VALUES", "maximum", [maximum], extreme(expect.maximum, fits), units);
  if (volume.affine) {
    compare("INPUT_SPACING", "pixelSpacing", [columns.spacing, rows.spacing], expect.pixelSpacing);
    compare("INPUT_SPACING", "sliceSpacing", [slices.spacing], expect.sliceSpacing);
    compare("INPUT_SIZE", "extent", [columns.length * columns.spacing, rows.length * rows.spacing], expect.extent);
  }
  compare("INPUT_SIZE", "slices", [slices.length], expect.slices);
  for (const { key, found, rule } of shares) compare("INPUT_VALUES", key, found, rule, units);
  const filler = findings.length === 0 && expectsHounsfield(volume, view) ? fillerForAir(volume, expect) : undefined;
  if (filler) findings.push({ code: "INPUT_VALUES", refuse: false, ...filler, details: { ...filler.details, source: view.source } });
  return findings;
}

/** In Hounsfield units: what lies lower in a CT is air or lung. */
const ABOVE_LUNG = -200;
/** In Hounsfield units: how much without voxels parts a filler from the rest. Of a scan air, lung, fat and their borders lie closer. */
const GAP = 150;
/** Share of the voxels that may lie in a gap all the same. */
const STRAY = 1e-3;
/** Share of the voxels too small to be judged by themselves. */
const FEW = 0.02;

/**
 * A CT on a scale of its own (shifted by 1024, tenths, 0 to 255, z-scores) with a filler about where air would be has the percentiles of a right one. So
 * what lies above the gap that a filler leaves is judged by itself: as the adapter expects a scan, or as what else can lie beside air without a border.
 */
function fillerForAir(volume: Volume, expect: Expectations): { readonly message: string; readonly details: Omit<InputFinding, "source"> } | undefined {
  const { count, minimum } = volumeStatistics(volume);
  const edge = minimum < ABOVE_LUNG ? aboveGap(volume, count) : undefined;
  const rest = edge === undefined ? undefined : volumeStatistics({ data: measuredFrom(volume, edge) });
  if (!rest || rest.count < FEW * count) return undefined;
  const rules = percentileRules(expect);
  // Of a right scan without its air, little may be left that is as light as the adapter expects.
  if (rules.length > 0 && rules.every(([key, percent, rule]) => !outside(rest.percentiles([key === "p1" ? percent / 5 : percent])[0], rule))) return undefined;
  if (isTissue(rest) || holdsFat(rest)) return undefined;
  const share = Math.round(100 * (1 - rest.count / count));
  const [from, to] = [rest.minimum, rest.maximum].map(format);
  return {
    message: `${share} % of its voxels lie about ${format(minimum)}, nothing near above, and all others from ${from} to ${to}: is that filler, and are the others no Hounsfield units?`,
    details: { measured: "minimum", found: rest.minimum, expected: [minimum, ABOVE_LUNG] },
  };
}

/** In Hounsfield units: where the search for a gap begins (all below counts as there), how far it goes, and its steps. */
const SEARCH = { from: -2048, to: 1024, step: 8 } as const;

/** Where the widest gap above air ends; undefined where none is as wide as {@link GAP}. */
function aboveGap({ data, noData }: Volume, count: number): number | undefined {
  const { from, to, step } = SEARCH;
  const bins = new Uint32Array((to - from) / step);
  for (let i = 0; i < data.length; i++) {
    if ((noData && (noData[i >> 3] >> (i & 7)) & 1) || data[i] >= to) continue;
    bins[Math.max(0, Math.floor((data[i] - from) / step))]++;
  }
  let widest = { bins: Math.ceil(GAP / step), end: -1 };
  for (let end = 0, start = 0, inside = 0, below = 0; end < bins.length; end++) {
    inside += bins[end];
    while (inside > STRAY * count) {
      inside -= bins[start];
      below += bins[start++];
    }
    if (from + start * step >= ABOVE_LUNG) break;
    if (below > STRAY * count && end + 1 - start > widest.bins) widest = { bins: end + 1 - start, end: end + 1 };
  }
  return widest.end < 0 ? undefined : from + widest.end * step;
}

/** The voxels of data from a value on. */
function measuredFrom({ data, noData }: Volume, least: number): VoxelArray {
  const measured = data.slice();
  let count = 0;
  for (let i = 0; i < data.length; i++) if (data[i] >= least && !(noData && (noData[i >> 3] >> (i & 7)) & 1)) measured[count++] = data[i];
  return measured.subarray(0, count);
}

/** One kind of soft tissue without a border, as a phantom has it: 15 to 150 HU, nearly all within 100 of it (noise of 30). */
function isTissue({ percentiles }: Pick<VolumeStatistics, "percentiles">): boolean {
  const [low, middle, high] = percentiles([0.2, 50, 99.8]);
  return middle >= 15 && middle <= 150 && high - middle <= 100 && middle - low <= 100;
}

/** Fat and soft tissue, as where a scan is cut off at the skin: not cut off at a value, as by a window, and not in tenths. */
function holdsFat({ minimum, percentiles }: Pick<VolumeStatistics, "minimum" | "percentiles">): boolean {
  const [low, middle, high, more] = percentiles([1, 50, 80, 99]);
  return low > minimum && low >= -250 && low <= -20 && middle >= -130 && middle <= 130 && high >= 20 && high <= 400 && more >= 50;
}

type Rule = NonNullable<Expectations["minimum"]>;

function outside(value: number, { range: [low, high] }: Rule): boolean {
  const slack = HEADER_NOISE * Math.max(Math.abs(low), Math.abs(high));
  return value < low - slack || value > high + slack;
}

const PERCENTILES = [["p1", 1], ["p50", 50], ["p99", 99]] as const; // biome-ignore format: a table

const percentileRules = ({ percentiles = {} }: Expectations) =>
  PERCENTILES.flatMap(([key, percent]) => {
    const rule = percentiles[key];
    return rule ? [[key, percent, rule] as const] : [];
  });

/**
 * One voxel says little where percentiles find the rest right (metal in a CT): it is told, and refuses nothing. An encoding, such as that of a mask, is
 * exact.
 * @param fits whether there are percentiles, all of them within their ranges
 */
function extreme(rule: Expectations["minimum"], fits: boolean): Expectations["minimum"] {
  return rule && fits && rule.range[0] !== rule.range[1] ? { ...rule, otherwise: "warn" } : rule;
}

function format(value: number): string {
  return String(Number(value.toPrecision(4)));
}
