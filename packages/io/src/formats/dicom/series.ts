// Which images lie in a set of files, what series they form, and which of them is meant.

import { AnyMC3DError, isAnyMC3DError, type Warning } from "@anymc3d/core";
import { tooLarge } from "../../options/limits.js";
import type { FileEntry } from "../../sources/file-entry.js";
import { tagText } from "./data.js";
import { inflater } from "./deflated.js";
import { type DicomFrame, hasImage, identity, imageOf, type SeriesIdentity } from "./image.js";
import { isDicom, NeedMore, type ParsedFile, parseDicom } from "./parse.js";
import { TAG } from "./tags.js";

/** Bytes that hold most headers, and those that hold nearly all. */
const HEADS = [2 ** 14, 2 ** 18];
/** Headers that are read at once. */
const AT_ONCE = 8;

/** One series as people choose it. The patient is named only with the option `identity`. */
export interface SeriesSummary {
  /** Series Instance UID; what the option `series` takes. */
  readonly uid: string;
  /** Study Instance UID. */
  readonly study: string;
  /** Series Number; `series` takes it, too. */
  readonly number?: number;
  readonly modality?: string;
  readonly description?: string;
  readonly bodyPart?: string;
  /** Of the study: YYYY-MM-DD. */
  readonly date?: string;
  readonly patient?: SeriesIdentity["patient"];
  /** Frames that can be read. */
  readonly images: number;
  /** Pixels in a row of an image. */
  readonly columns: number;
  /** Pixels in a column of an image. */
  readonly rows: number;
  /** What is wrong with files of it. */
  readonly problems: readonly string[];
}

/** A file that cannot be read, and the series it says it is of. */
interface Fault {
  readonly series?: SeriesIdentity;
  readonly error: AnyMC3DError;
}

export interface DicomIndex {
  readonly frames: readonly DicomFrame[];
  readonly faults: readonly Fault[];
  /** Files that are no DICOM, or hold no image. */
  readonly others: readonly string[];
}

export interface IndexOptions {
  readonly limit: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Reads every file's header. Faults are kept with the series they belong to. @throws the signal's reason */
export async function indexFiles(files: readonly FileEntry[], { limit, signal, onProgress }: IndexOptions): Promise<DicomIndex> {
  const found: Found[] = new Array(files.length);
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (next < files.length) {
      signal?.throwIfAborted();
      const i = next++;
      found[i] = await look(files[i], limit);
      onProgress?.(++done, files.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return {
    frames: found.flatMap((each) => each.frames ?? []),
    faults: found.flatMap(({ error, series }) => (error ? [{ series, error }] : [])),
    others: found.flatMap(({ other }) => other ?? []),
  };
}

interface Found {
  readonly frames?: readonly DicomFrame[];
  readonly series?: SeriesIdentity;
  readonly error?: AnyMC3DError;
  /** The name of a file that holds no image. */
  readonly other?: string;
}

/** Hidden files (macOS writes ._ beside each) are nobody's slice. */
const namedLikeDicom = ({ name }: FileEntry): boolean => /(?:^|[\\/ ])[^.\\/][^\\/]*\.(?:dcm|ima)$/i.test(name);

const notDicom = ({ name, size }: FileEntry): AnyMC3DError =>
  new AnyMC3DError(
    "FORMAT_INVALID",
    `${name}: named like a DICOM file, and is none (${size} bytes). It is damaged or cut short: copy it again, or take it out.`,
  );

async function look(file: FileEntry, limit: number): Promise<Found> {
  let series: SeriesIdentity | undefined;
  try {
    const parsed = await headerOf(file, limit);
    if (!parsed) return namedLikeDicom(file) ? { error: notDicom(file) } : { other: file.name };
    if (parsed.header.data.has(TAG.seriesInstance)) series = identity(parsed.header.data, file.name).series;
    if (!hasImage(parsed.header, file.name)) return { other: file.name };
    const { image, frames } = imageOf(file, parsed.header, parsed.header.data.littleEndian);
    await checkBehind(file, parsed, image.deflated);
    return { frames };
  } catch (error) {
    if (isAnyMC3DError(error)) return { series, error };
    throw error;
  }
}

/** Elements behind the pixel data that belong before them: which of two headers is right, nobody knows. @throws AnyMC3DError `FORMAT_INVALID` */
async function checkBehind(file: FileEntry, { bytes, header: { pixels, data } }: ParsedFile, deflated: boolean): Promise<void> {
  if (!pixels || pixels.length < 0) return;
  const end = pixels.offset + pixels.length;
  if (end + 8 > (deflated ? bytes.length : file.size)) return;
  const next = deflated ? bytes.subarray(end, end + 4) : await file.read(end, end + 4);
  const view = new DataView(next.buffer, next.byteOffset, next.byteLength);
  const tag = view.getUint16(0, data.littleEndian) * 65536 + view.getUint16(2, data.littleEndian);
  // Zeros are padding.
  if (tag === 0 || tag > pixels.tag) return;
  throw new AnyMC3DError(
    "FORMAT_INVALID",
    `${file.name}: ${tagText(tag)} follows the pixel data at byte ${end}, where elements of the header have no place. The file is damaged; copy or export it again.`,
  );
}

/** The file's header; undefined where it is no DICOM. @throws AnyMC3DError as `parseDicom` */
export async function headerOf(file: FileEntry, limit: number): Promise<ParsedFile | undefined> {
  for (const size of HEADS) {
    const head = await file.read(0, size);
    if (!isDicom(head)) return undefined;
    try {
      return await parseDicom(head, file.size, file.name, inflater(file.name, limit));
    } catch (error) {
      if (!(error instanceof NeedMore)) throw error;
    }
  }
  if (file.size > limit) throw tooLarge(file.name, `it has ${file.size} bytes`, limit);
  return parseWhole(file, limit);
}

/** The whole file, parsed. */
export async function parseWhole(file: FileEntry, limit: number): Promise<ParsedFile> {
  const bytes = await file.read(0, Number.POSITIVE_INFINITY);
  try {
    return await parseDicom(bytes, bytes.length, file.name, inflater(file.name, limit));
  } catch (error) {
    if (!(error instanceof NeedMore)) throw error;
    throw new AnyMC3DError("FILE_TRUNCATED", `${file.name}: the DICOM header breaks off. The file is cut short; copy or export it again.`);
  }
}

/** The series in an index, the largest first. @param named with the patients */
export function seriesOf({ frames, faults }: DicomIndex, named = false): SeriesSummary[] {
  const all = [...frames.map(({ image }) => image.series), ...faults.flatMap(({ series }) => series ?? [])];
  const first = new Map([...all].reverse().map((series) => [series.uid, series]));
  return [...new Set(all.map(({ uid }) => uid))]
    .map((uid) => {
      const own = frames.filter(({ image }) => image.series.uid === uid);
      const { study, number, modality, description, bodyPart, date, patient } = first.get(uid) as SeriesIdentity;
      return {
        uid,
        study,
        number,
        modality,
        description,
        bodyPart,
        ...(date && /^\d{8}$/.test(date) && { date: `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}` }),
        ...(named && { patient }),
        images: own.length,
        columns: own[0]?.image.columns ?? 0,
        rows: own[0]?.image.rows ?? 0,
        problems: faults.filter(({ series }) => series?.uid === uid).map(({ error }) => error.message),
      };
    })
    .sort((a, b) => b.images - a.images);
}

/**
 * The frames of the series that is meant: the one given by UID, series number or beginning of the UID, or the only one.
 * @throws AnyMC3DError `FORMAT_UNKNOWN` (no image), `SERIES_REQUIRED` listing them; what is wrong with a file of the series
 */
export function chooseSeries(index: DicomIndex, wanted: string | undefined, name: string): { frames: readonly DicomFrame[]; notes: Warning[] } {
  const all = seriesOf(index);
  const readable = all.filter(({ images }) => images > 0);
  const matches = wanted === undefined ? readable : wantedSeries(all, wanted);
  const stray = index.faults.filter(({ series }) => series === undefined).map(({ error }) => error);
  if (wanted === undefined && stray.length) throw stray[0];
  if (all.length === 0)
    throw new AnyMC3DError(
      "FORMAT_UNKNOWN",
      `${name}: no DICOM image in ${index.others.length} file(s): reports, directories or other formats only. Give the folder with the images.`,
    );
  const chosen = matches.length === 1 ? matches[0] : wanted === undefined && all.length === 1 ? all[0] : undefined;
  if (!chosen) throw seriesRequired(all, wanted, name);
  const own = index.faults.filter(({ series }) => series?.uid === chosen.uid);
  if (own.length) throw own[0].error;
  const notes: Warning[] = stray.map(({ message }) => ({ code: "FILE_SKIPPED", message }));
  const left = all.filter((each) => each !== chosen);
  if (left.length) notes.push({ code: "SERIES_LEFT", message: `${name}: series ${label(chosen)} was read; left out: ${left.map(label).join("; ")}` });
  const { others } = index;
  const some = others.slice(0, 5).join(", ") + (others.length > 5 ? ", …" : "");
  if (others.length) notes.push({ code: "FILES_LEFT", message: `${name}: ${others.length} file(s) without a DICOM image were left out: ${some}` });
  const frames = index.frames.filter(({ image }) => image.series.uid === chosen.uid);
  notes.push(...checkOneStudy(frames, name));
  return { frames, notes };
}

/** The UID as a whole before the number, the number before the UID's beginning. */
function wantedSeries(all: readonly SeriesSummary[], wanted: string): readonly SeriesSummary[] {
  const exact = all.filter(({ uid }) => uid === wanted);
  if (exact.length) return exact;
  const numbered = all.filter(({ number }) => String(number) === wanted);
  return numbered.length ? numbered : all.filter(({ uid }) => wanted.length > 8 && uid.startsWith(wanted));
}

/**
 * Two patients' images can carry one Series Instance UID, or none. A study's UID that is another in every one of three and more files says nothing: whoever
 * took the names out made each anew.
 * @throws AnyMC3DError `SERIES_REQUIRED`
 */
function checkOneStudy(frames: readonly DicomFrame[], name: string): Warning[] {
  const [first] = frames;
  const images = [...new Set(frames.map(({ image }) => image))];
  const noStudy = images.length > 2 && new Set(images.map(({ series }) => series.study)).size === images.length;
  const who = ({ image: { series } }: DicomFrame) => [noStudy || series.study, series.patient.id, series.patient.name, series.patient.birthDate].join("\n");
  const other = frames.find((frame) => who(frame) !== who(first));
  if (!other)
    return noStudy
      ? [{ code: "UIDS_IGNORED", message: `${name}: every one of ${images.length} files has a Study Instance UID of its own; they are taken as of one study` }]
      : [];
  throw new AnyMC3DError(
    "SERIES_REQUIRED",
    `${name}: ${first.image.file.name} and ${other.image.file.name} are of different studies or patients, and carry the same Series Instance UID (${first.image.series.uid || "none"}). Give the files of one of them.`,
    { details: { files: [first.image.file.name, other.image.file.name] } },
  );
}

const label = ({ uid, number, modality, description, images, columns, rows, problems }: SeriesSummary): string =>
  `${uid} (${[number === undefined ? "" : `number ${number}`, modality, description, images ? `${images} image(s) of ${columns}×${rows}` : problems[0]].filter(Boolean).join(", ")})`;

function seriesRequired(all: readonly SeriesSummary[], wanted: string | undefined, name: string): AnyMC3DError {
  const holds = wanted === undefined ? `${all.length} series` : `no single series "${wanted}"`;
  const what = wanted === undefined ? `${holds}; expected one` : holds;
  return new AnyMC3DError(
    "SERIES_REQUIRED",
    `${name}: ${what}. Choose with the option \`series\` (--series), by UID or number:\n  ${all.map(label).join("\n  ")}`,
    { details: { option: "series", file: name, holds, choices: all.map((each) => ({ value: each.uid, text: label(each) })) } },
  );
}
