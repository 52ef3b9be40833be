// DICOM files that mark regions: which they are, and what they say of whom they are of.

import type { Warning } from "@anymc3d/core";
import type { DicomData } from "../formats/dicom/data.js";
import { identity } from "../formats/dicom/image.js";
import { headerOf, parseWhole } from "../formats/dicom/series.js";
import { TAG } from "../formats/dicom/tags.js";
import { byteLimit, tooLarge } from "../options/limits.js";
import type { ReadOptions } from "../options/read-options.js";
import type { FileEntry } from "../sources/file-entry.js";
import { invalidRegion, type MarkedRegion, type RegionFile, type RegionKind } from "./region.js";
import { reportRegions } from "./report.js";
import { segmentRegions } from "./segments.js";
import { structureRegions } from "./structures.js";

/** A DICOM file, its header parsed. */
export interface DicomSource {
  readonly file: FileEntry;
  readonly data: DicomData;
  readonly options: ReadOptions & { readonly names: Readonly<Record<string, string>> };
}

export interface Found {
  readonly regions: readonly MarkedRegion[];
  readonly notes?: readonly Warning[];
}

/** Structured Reports of all kinds; presentation states and key object notes are none, but key objects have no coordinates. */
const REPORT = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\.\d+$/;
const SEGMENTATION = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.66\.[47]$/;
const STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3";

function kindOf(data: DicomData): RegionKind | undefined {
  const sopClass = data.text(TAG.sopClass) ?? "";
  const modality = data.text(TAG.modality);
  if (SEGMENTATION.test(sopClass) || modality === "SEG") return "seg";
  if (sopClass === STRUCTURES || modality === "RTSTRUCT") return "rtstruct";
  return REPORT.test(sopClass) || modality === "SR" ? "sr" : undefined;
}

const READERS: Readonly<Partial<Record<RegionKind, (source: DicomSource) => Found | Promise<Found>>>> = {
  seg: segmentRegions,
  rtstruct: structureRegions,
  sr: reportRegions,
};

/** Whether a DICOM file is one of those. Of a file that cannot be parsed, its reader says why. @throws AnyMC3DError as `parseDicom` */
export async function marksRegions(file: FileEntry, limit: number): Promise<boolean> {
  const parsed = await headerOf(file, limit);
  return parsed !== undefined && kindOf(parsed.header.data) !== undefined;
}

/** @throws AnyMC3DError `REGION_INVALID` for DICOM that marks no region, `FORMAT_INVALID`, `FILE_TRUNCATED`, `FILE_TOO_LARGE` */
export async function dicomRegions(file: FileEntry, options: DicomSource["options"]): Promise<RegionFile> {
  options.signal?.throwIfAborted();
  const limit = byteLimit(options);
  if (file.size > limit) throw tooLarge(file.name, `it has ${file.size} bytes`, limit);
  const header = await headerOf(file, limit);
  const kind = header && kindOf(header.header.data);
  const read = kind && READERS[kind];
  if (!read) {
    const what = header?.header.data.text(TAG.modality) ?? "DICOM without a modality";
    throw invalidRegion(file.name, `${what}: no file of regions. Segmentations, structure sets and structured reports are read.`);
  }
  // What lies behind the first elements is not parsed with a header's first bytes.
  const { data } = (kind === "seg" ? header : await parseWhole(file, limit)).header;
  const { regions, notes = [] } = await read({ file, data, options });
  const { patient } = identity(data, file.name).series;
  const studies = [...new Set(studiesIn(data))];
  return {
    name: file.name,
    kind,
    regions,
    notes,
    ...(studies.length && { studies }),
    ...(options.identity && { patient: { name: patient.name, id: patient.id } }),
  };
}

/** Sequences under which other studies are named. */
const REFERENCES: readonly number[] = [TAG.studiesOfInstances, TAG.evidenceSequence, TAG.referencedFrameSequence, TAG.referencedStudySequence];

function studiesIn(data: DicomData): string[] {
  // In a structure set's list of studies, the instance is the study itself (PS3.3 C.8.8.5).
  const listed = data.items(TAG.referencedStudySequence).flatMap((item) => item.text(TAG.referencedInstance) ?? []);
  const below = REFERENCES.flatMap((tag) => data.items(tag)).flatMap(studiesIn);
  return [...(data.text(TAG.studyInstance) ? [data.text(TAG.studyInstance) as string] : []), ...listed, ...below];
}
