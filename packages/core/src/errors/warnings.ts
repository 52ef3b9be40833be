// The table of all codes of warnings: what did not stop the work. docs/errors.md follows from it.

import type { ErrorCode } from "./codes.js";

export interface WarningEntry {
  readonly about: "engine" | "adapter" | "input" | "file" | "training" | "registry";
  /** Whether it holds for every file on this machine, and needs to be shown once, or for one file, or for this run of a command. */
  readonly of: "machine" | "file" | "run";
  /** For docs/errors.md, Markdown. */
  readonly says: string;
  /** For docs/errors.md, Markdown. */
  readonly todo: string;
}

const FILES_LEFT_OUT = {
  about: "file",
  of: "file",
  says: "Files without a DICOM image, or that could not be read, were left out.",
  todo: "Look whether slices are among them.",
} as const;
const UNORIENTED = {
  about: "file",
  of: "file",
  says: "The file stores no orientation. Voxel sizes that it does store are kept.",
  todo: '`read: { orientation: "LPS" }`, where you know it; with `spacing` where it stores no sizes.',
} as const;
const CONVERTED_TO_MM = { about: "file", of: "file", says: "Positions were converted to mm, or taken as mm.", todo: "Check the size." } as const;

/** A code is never renamed or reused. */
export const WARNINGS = {
  ENGINE_FALLBACK: {
    about: "engine",
    of: "machine",
    says: "An engine was passed over, and why.",
    todo: "Nothing, if it is fast enough; else what the message says.",
  },
  DEVICE_LOST: {
    about: "engine",
    of: "machine",
    says: "The graphics device was lost; a new engine took over within the call.",
    todo: "Nothing; if it comes often, another engine.",
  },
  NO_SELF_TEST: {
    about: "engine",
    of: "machine",
    says: "The backbone carries no stored answer, so the device was not checked.",
    todo: "Only a backbone that someone made by hand has none: hold its results against another engine.",
  },
  NO_ORIENTATION: {
    about: "input",
    of: "file",
    says: "The volume does not say how it lies in the patient: slices as stored. A voxel size that it states is kept.",
    todo: "State them when reading (`orientation`, `spacing`) if you know them.",
  },
  REGION_CLIPPED: {
    about: "input",
    of: "file",
    says: "A region reaches over the edge of the volume, and ends there.",
    todo: "Nothing, if the finding lies at the edge.",
  },
  LABELS_FOUND: {
    about: "input",
    of: "file",
    says: "A segmentation has not all labels that the adapter knows, or its numbers were taken for others by the adapter's own table.",
    todo: "Look whether the numbers mean what the adapter takes them for.",
  },
  OBLIQUE: {
    about: "input",
    of: "file",
    says: "The volume lies more than 20° off the body's axes; its nearest plane is taken.",
    todo: "Reformat it if the plane matters.",
  },
  WEIGHTS_NOT_PINNED: {
    about: "adapter",
    of: "machine",
    says: "The adapter's `adapter.json` is of version 1, which does not say which weights belong to it.",
    todo: "Its author: `anymc3d adapter upgrade DIR`, and publish anew. Its users: hold the versions by a lock file until then.",
  },
  VALUE_IMPLAUSIBLE: {
    about: "adapter",
    of: "file",
    says: "A quantity came out beyond what the adapter states as plausible.",
    todo: "Look at the input: it may not show what the adapter measures.",
  },
  EXTRA_BYTES: {
    about: "file",
    of: "file",
    says: "Bytes follow the voxels, or the packed data; they were ignored.",
    todo: "Check that the sizes in the header are right, and that the file arrived whole.",
  },
  MODALITY_STATED: { about: "file", of: "file", says: "The files state another modality than you gave; theirs is believed.", todo: "Leave the option out." },
  SERIES_LEFT: { about: "file", of: "file", says: "One series was read, others left out.", todo: "Nothing, if it is the right one." },
  REGIONS_LEFT: {
    about: "file",
    of: "file",
    says: "What a file of regions holds besides, and that marks no place or is not read, was left out.",
    todo: "Nothing, if the regions that are listed are those that are meant.",
  },
  SEGMENT_SHARES: {
    about: "file",
    of: "file",
    says: "A segmentation of shares: a voxel counts as inside from one half on.",
    todo: "Nothing, unless its shares are probabilities with another threshold.",
  },
  FILES_LEFT: FILES_LEFT_OUT,
  FILE_SKIPPED: FILES_LEFT_OUT,
  LOCALIZER_LEFT: { about: "file", of: "file", says: "Localizer images of the series were left out.", todo: "Nothing." },
  IMAGE_TYPES_MIXED: {
    about: "file",
    of: "file",
    says: "Slices of several image types (original, derived) in one series.",
    todo: "Check that they are one volume.",
  },
  DUPLICATE_SLICES: { about: "file", of: "file", says: "Copies of slices, equal to the last pixel, were left out.", todo: "Nothing." },
  GANTRY_TILT: {
    about: "file",
    of: "file",
    says: "The slices are shifted as by a tilted gantry; the affine is sheared so.",
    todo: "Resample if the plane matters.",
  },
  SLICES_OVERLAP: { about: "file", of: "file", says: "Slices are thicker than their distance.", todo: "Nothing." },
  SLICES_APART: {
    about: "file",
    of: "file",
    says: "Slices lie further apart than they are thick, or than they state.",
    todo: "Look whether slices are missing.",
  },
  SLICES_RESAMPLED: { about: "file", of: "file", says: "Uneven slices were interpolated onto even ones, as asked.", todo: "Nothing." },
  NO_SPACING: {
    about: "file",
    of: "file",
    says: "A voxel size is not stated, or not in the patient: the message says what is taken.",
    todo: "`spacing`, where you know it.",
  },
  SLICES_OFF_LINE: {
    about: "file",
    of: "file",
    says: "Slices lie a little off even places, as by rounded positions; the message says how far.",
    todo: "Nothing, if positions need not be more exact.",
  },
  ORIENTATION_ROUNDED: {
    about: "file",
    of: "file",
    says: "The directions of rows and columns are rounded so far that they were made unit vectors at right angles.",
    todo: "Nothing, if directions need not be more exact than half a degree.",
  },
  FRAMES_EMPTY: { about: "file", of: "file", says: "Frames that a segmentation leaves out are 0.", todo: "Nothing." },
  UIDS_IGNORED: {
    about: "file",
    of: "file",
    says: "A UID that is another in every file (of the frame of reference, of the study) was ignored.",
    todo: "Check that the files are of one scan.",
  },
  SYNTAX_CONTRADICTED: {
    about: "file",
    of: "file",
    says: "The transfer syntax says another encoding than the data set has, which was read as it is.",
    todo: "Correct the header.",
  },
  REAL_WORLD_NOT_APPLIED: {
    about: "file",
    of: "file",
    says: "Values are as stored; the file has a real-world value mapping, which the message names.",
    todo: "Apply it, if the adapter was trained on such values.",
  },
  PADDING_FILLED: { about: "file", of: "file", says: "Padding outside the image was set to the value that the message names.", todo: "Nothing." },
  NIFTI_FORMS_DIFFER: { about: "file", of: "file", says: "qform and sform say two things; the message says which is used.", todo: "Check left and right." },
  NIFTI_SFORM_INVALID: { about: "file", of: "file", says: "The sform spans no three directions; the qform was used.", todo: "Check left and right." },
  NIFTI_QFORM_INVALID: { about: "file", of: "file", says: "The qform makes no sense; the sform was used.", todo: "Check left and right." },
  NIFTI_NO_ORIENTATION: UNORIENTED,
  NRRD_NO_ORIENTATION: UNORIENTED,
  META_NO_ORIENTATION: UNORIENTED,
  MGH_NO_ORIENTATION: UNORIENTED,
  NPY_NO_GEOMETRY: UNORIENTED,
  NIFTI_SHEARED: { about: "file", of: "file", says: "The voxel axes are not at right angles; the shear is kept.", todo: "Resample if that matters." },
  NIFTI_UNITS: CONVERTED_TO_MM,
  NRRD_UNITS: CONVERTED_TO_MM,
  META_UNITS: CONVERTED_TO_MM,
  NIFTI_MENDED: {
    about: "file",
    of: "file",
    says: "A header field that cannot be was read as other programs read it; the message says which.",
    todo: "Nothing, if it was read.",
  },
  META_MENDED: { about: "file", of: "file", says: "A voxel size below 0 turned its axis around, as in ITK.", todo: "Check left and right." },
  NIFTI_BITPIX: { about: "file", of: "file", says: "bitpix contradicts the datatype, which is believed.", todo: "Nothing." },
  NRRD_OLD_RANGE: {
    about: "file",
    of: "file",
    says: "The values were mapped to integers from another range; they are read as stored.",
    todo: "Map them back if the adapter expects the range before.",
  },
  NRRD_NO_ORIGIN: { about: "file", of: "file", says: "No origin: the first voxel is at 0, 0, 0.", todo: "Nothing, unless positions matter." },
  META_DEFAULTS: { about: "file", of: "file", says: "Spacing or offset is missing in the header, and taken as ITK does.", todo: "State it in the header." },
  META_ORIENTATION_DIFFERS: {
    about: "file",
    of: "file",
    says: "AnatomicalOrientation contradicts TransformMatrix, which is used.",
    todo: "Check left and right.",
  },
  META_SCALED: { about: "file", of: "file", says: "ElementToIntensityFunction was applied.", todo: "Nothing." },
  META_COMPRESSED_SIZE: { about: "file", of: "file", says: "The header's compressed size is not the file's.", todo: "Nothing, if it was read." },
  MASK_VALUES: {
    about: "training",
    of: "run",
    says: "Masks of cases hold other numbers than 0 and 1, all of which count as inside, or are inside in more than half of their voxels.",
    todo: "Look whether all of them is meant; else write masks of 0 and 1.",
  },
  LABELS_MIXED: {
    about: "training",
    of: "run",
    says: "Volumes hold a few whole numbers alone, and the configuration does not say that they are labels.",
    todo: "Segmentations: declare `labels` in the view, so that numbers are never mixed. Images: nothing.",
  },
  NO_GROUPS: {
    about: "training",
    of: "run",
    says: "No `group` column: every row counts as a patient.",
    todo: "Name the patients, or the figures are too good.",
  },
  NEAR_GROUPS: {
    about: "training",
    of: "run",
    says: "Names of groups differ in case, blanks, separators, leading zeros, the form of a letter, a word such as `sub` or a `.0` only: `P23` and `p-023`. Drawn splits keep them together.",
    todo: "One name for one patient, or figures are too good.",
  },
  SAME_PATIENT: {
    about: "training",
    of: "run",
    says: "Two groups hold the same scan, however it is stored, or DICOM files of one Patient ID; or Patient IDs are nearly the same, or one of two issuers.",
    todo: "One group for one patient; remove scans that are there twice.",
  },
  LISTED_TWICE: {
    about: "training",
    of: "run",
    says: "Rows of a table name one file, by one name or by several: it counts as several cases.",
    todo: "One row for one scan.",
  },
  NO_LABEL: { about: "training", of: "run", says: "Rows without any label of the task were left out.", todo: "Nothing, if that is meant." },
  ONE_CLASS: {
    about: "training",
    of: "run",
    says: "Validation cases are all alike: the figure is undefined.",
    todo: "Give it different ones, or drop the label.",
  },
  FEW_CASES: {
    about: "adapter",
    of: "machine",
    says: "The adapter was judged on few cases: under five of a class, or thirty in all. Where patients are named, each of them is one case.",
    todo: "Do not rely on its figures. Its author: more cases.",
  },
  NEAR_CHANCE: {
    about: "adapter",
    of: "machine",
    says: "The interval of the adapter's AUROC, κ or R² holds what guessing gives.",
    todo: "Nothing shows that the label was learned: do not rely on what it says.",
  },
  WORSE_THAN_CHANCE: {
    about: "adapter",
    of: "machine",
    says: "The interval of the adapter's AUROC, κ or R² lies below what guessing gives.",
    todo: "Do not use it. Its author: look for labels that are swapped or shifted.",
  },
  NOT_CALIBRATED: {
    about: "adapter",
    of: "machine",
    says: "No temperature makes the adapter's probabilities match frequencies.",
    todo: "Do not read them as probabilities.",
  },
  LABEL_IMPLAUSIBLE: {
    about: "training",
    of: "run",
    says: "Values of a quantity in the table lie outside the `range` that the task states as plausible.",
    todo: "Look for other units and slips of the pen; or widen the range.",
  },
  NO_SETS: {
    about: "training",
    of: "run",
    says: "Too few validation cases to promise prediction sets or intervals.",
    todo: "Results have none; more validation cases.",
  },
  LORA_ZERO: { about: "training", of: "run", says: "Every lora_B is zero: not adapted.", todo: "Was it saved before training?" },
  DEPRECATED: { about: "registry", of: "run", says: "The version's author says not to use it.", todo: "As the message says." },
  NOT_ASKED: { about: "registry", of: "run", says: "Offline: what the registry said the last time.", todo: "Nothing." },
  NOT_VERIFIED: { about: "registry", of: "run", says: "From an address, which states no hash: taken as it came.", todo: "A lock holds it from then on." },
  SIGNATURE_MISSING: {
    about: "registry",
    of: "run",
    says: "The registry signs packages, and did not sign this one.",
    todo: "Ask its author; the hash was checked.",
  },
  SIGNATURE_UNCHECKED: { about: "registry", of: "run", says: "The registry's keys could not be asked for.", todo: "Nothing; the hash was checked." },
  CACHE_NOT_WRITABLE: { about: "registry", of: "run", says: "It was loaded and could not be kept.", todo: "Space and rights of the cache folder." },
} as const satisfies Readonly<Record<string, WarningEntry>>;

/** Codes of warnings: their own, and those of errors that the work went on in spite of. */
export type WarningCode = keyof typeof WARNINGS | ErrorCode;

/** Whether a warning is about the adapter itself: what its author measured and wrote, and what it answered. */
export const isOfAdapter = (code: string): boolean => Object.hasOwn(WARNINGS, code) && WARNINGS[code as keyof typeof WARNINGS].about === "adapter";

/** A code in words, where there is no room for its message: "worse than chance". */
export const warningWords = (code: string): string => code.toLowerCase().replaceAll("_", " ");

/** Whether a warning holds for all files on this machine, so that it need not be repeated for each. */
export const isOfMachine = (code: string): boolean => Object.hasOwn(WARNINGS, code) && WARNINGS[code as keyof typeof WARNINGS].of === "machine";
