// Reads a DICOM series as a volume.

import { AnyMC3DError, type Volume, type VolumeMeta, type Warning } from "@anymc3d/core";
import { byteLimit } from "../../options/limits.js";
import type { ReadOptions } from "../../options/read-options.js";
import type { FileEntry } from "../../sources/file-entry.js";
import { slicesBetween } from "../../volume/between.js";
import { cross, type DicomFrame } from "./image.js";
import { chooseSeries, indexFiles, type SeriesSummary, seriesOf } from "./series.js";
import { arrange, FrameChoice } from "./stack.js";
import { FrameReader, readFrames } from "./voxels.js";

/** The series in files. @throws the signal's reason */
export async function seriesIn(files: readonly FileEntry[], options: ReadOptions): Promise<SeriesSummary[]> {
  return seriesOf(await indexFiles(files, { limit: byteLimit(options), signal: options.signal, onProgress: options.onProgress }), options.identity);
}

/**
 * One series of the files, ordered by geometry, each slice rescaled by its own slope and intercept.
 * @param name what to call the files together
 * @throws AnyMC3DError `FORMAT_UNKNOWN`, `FORMAT_INVALID`, `FILE_TRUNCATED`, `FILE_TOO_LARGE`, `SERIES_REQUIRED`, `FRAME_REQUIRED`, `CHANNELS_UNSUPPORTED`,
 * `GEOMETRY_INVALID`, `ASSET_INVALID`, `OUT_OF_MEMORY`, `OPTION_INVALID`; the signal's reason
 */
export async function decodeDicom(files: readonly FileEntry[], name: string, options: ReadOptions): Promise<Volume> {
  const limit = byteLimit(options);
  const { signal, onProgress, companion } = options;
  if (companion && !(Array.isArray(companion) && companion.length === 0))
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `${name}: \`companion\` is given; DICOM files hold their voxels themselves. Leave it out, or give all files as a list.`,
      {
        details: { option: "companion", file: name },
      },
    );
  // Headers are half of the work at most.
  const index = await indexFiles(files, { limit, signal, onProgress: onProgress && ((done, total) => onProgress(done, 2 * total)) });
  const { frames, notes } = chooseSeries(index, options.series, name);
  const steps = files.length;
  const onSlice = onProgress && ((done: number, total: number) => onProgress(steps + Math.round((done / total) * steps), 2 * steps));
  return volumeOf(frames, { name, left: notes, onSlice }, options);
}

interface SeriesFrames {
  readonly name: string;
  /** What was noted when they were chosen. */
  readonly left?: readonly Warning[];
  readonly onSlice?: (done: number, total: number) => void;
}

/** The frames of one series as a volume. @throws AnyMC3DError as {@link decodeDicom} */
export async function volumeOf(frames: readonly DicomFrame[], { name, left = [], onSlice: onDone }: SeriesFrames, options: ReadOptions): Promise<Volume> {
  const limit = byteLimit(options);
  const { signal, codecUrl } = options;
  const voxelOptions = { name, limit, codecUrl, signal };
  const same = async (a: DicomFrame, b: DicomFrame) =>
    a.slope === b.slope && a.intercept === b.intercept && equal(await new FrameReader(voxelOptions).stored(a), await new FrameReader(voxelOptions).stored(b));
  const { stack: wanted, uneven, orientation, spacing } = options;
  const stack = await arrange(frames, { name, stack: wanted, frame: new FrameChoice(options.frame), uneven, orientation, spacing, same });
  let done = 0;
  const count = stack.frames.length;
  const { image } = stack.first;
  const onSlice = onDone && (() => onDone(++done, count));
  const { data, noData, notes } = await readFrames(stack.frames, { ...voxelOptions, onSlice, image, grid: stack.grid });
  const { modality } = image.series;
  const volume: Volume = {
    data,
    ...(noData && { noData }),
    shape: [image.columns, image.rows, data.length / (image.columns * image.rows)],
    ...(stack.affine && { affine: stack.affine }),
    ...((modality ?? options.modality) && { modality: modality ?? options.modality }),
    ...noted([...left, ...modalityNote(modality, options.modality, name), ...ofFiles(frames), ...stack.notes, ...notes]),
    ...(stack.labels && { labels: stack.labels }),
    meta: metaOf(stack.first, options.identity ?? false),
  };
  return stack.places ? slicesBetween(volume, stack.places) : volume;
}

/** What had to be decided about the files, each thing once. */
function ofFiles(frames: readonly DicomFrame[]): Warning[] {
  const images = new Set(frames.map(({ image }) => image));
  const byCode = new Map<string, Warning[]>();
  for (const note of [...images].flatMap(({ notes }) => notes)) {
    const alike = byCode.get(note.code);
    if (alike) alike.push(note);
    else byCode.set(note.code, [note]);
  }
  return [...byCode.values()].map(([first, ...more]) => (more.length ? { ...first, message: `${first.message}; so in ${more.length} more file(s)` } : first));
}

const noted = (notes: readonly Warning[]) => (notes.length ? { notes } : {});

function modalityNote(stated: string | undefined, told: string | undefined, name: string): Warning[] {
  if (!stated || !told || stated === told) return [];
  return [{ code: "MODALITY_STATED", message: `${name}: the files say ${stated}, and ${told} was given; ${stated} is believed` }];
}

function equal(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function metaOf({ image: { series, frameOfReference }, orientation }: DicomFrame, identity: boolean): VolumeMeta {
  const { units, bodyPart, laterality, description, manufacturer, uid, study, patient } = series;
  const normal = orientation && cross(...orientation).map(Math.abs);
  const plane = normal && (["sagittal", "coronal", "axial"] as const)[normal.indexOf(Math.max(...normal))];
  const all = {
    units,
    bodyPart,
    laterality,
    plane,
    description,
    manufacturer,
    seriesUid: uid,
    studyUid: study,
    frameOfReference,
    ...(identity && { patient }),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== ""));
}
