// What an error says as data, by code: the same facts as its message, to be acted on without reading it. Every value can be written as JSON.

import type { ErrorCode } from "./codes.js";

/** A value that an option may have. */
export interface Choice {
  readonly value: string | number;
  /** For people; default: the value. */
  readonly text?: string;
}

/** An option, and what it may be: one of `choices`, or a whole number of `range`. Neither: the message says it. */
interface AboutOption {
  /** Its name in the options of the function that was called: `frame`, `series`, … */
  readonly option: string;
  readonly choices?: readonly Choice[];
  /** First and last. */
  readonly range?: readonly [number, number];
}

/** An option that has to be given. */
export interface MissingOption extends AboutOption, AboutFile {
  /** Why it has to be, without a word on how: "a 4-D file of 60 frames (64 × 64 × 30 × 60)". */
  readonly holds: string;
}

/** An option with a value that it cannot have, or that does not exist. */
export interface WrongOption extends AboutOption, Partial<AboutFile> {
  readonly found?: string | number;
  /** As of {@link MissingOption}. */
  readonly holds?: string;
}

/** A file, as the message names it: never with a name, a password or a query of its address. */
export interface AboutFile {
  readonly file: string;
}

/** How the server of a file answered, or that nothing came. */
export interface Unfetched extends AboutFile {
  readonly reason: "network" | "status" | "content";
  /** HTTP status. */
  readonly status?: number;
}

/** What of an input was measured, and what the adapter takes. */
export interface InputFinding {
  /** The adapter's name for the volume. */
  readonly source: string;
  readonly measured:
    | "modality"
    | "units"
    | "minimum"
    | "maximum"
    | "p1"
    | "p50"
    | "p99"
    | "foreground"
    | "labels"
    | "data"
    | "pixelSpacing"
    | "sliceSpacing"
    | "extent"
    | "slices";
  readonly found: number | string;
  /** Of a number: smallest and largest; of a word: those that are taken; of foreground: what some voxel must be above; of labels: the numbers; of data: at least so many voxels. */
  readonly expected: readonly number[] | readonly string[];
  /** `mm`, or none. */
  readonly unit?: string;
}

/** What is wrong with a file's tensors: names, and shapes. */
export interface TensorDifference {
  readonly missing?: readonly string[];
  readonly unexpected?: readonly string[];
  readonly shapes?: readonly { readonly name: string; readonly found: readonly number[]; readonly expected: readonly number[] }[];
  /** With NaN or infinite values. */
  readonly notFinite?: readonly string[];
  /** With values that the head's form forbids. */
  readonly invalid?: readonly string[];
  /** There more than once. */
  readonly repeated?: readonly string[];
}

/** Two content hashes, `sha256-…`, or hashes of packages, `sha512-…`. */
export interface HashDifference {
  readonly expected: string;
  readonly found: string;
}

/** A file that breaks its schema. */
export interface SchemaFaults extends AboutFile {
  /** Fields at fault, `task.labels.0.id`; none where it is what they say about each other. */
  readonly fields: readonly string[];
}

interface EngineFault {
  /** Its id, or the choice that was to be made: `onnxruntime-web/wasm`, `auto`. */
  readonly engine: string;
  readonly reason?: "network" | "policy" | "package" | "device";
}

/** Details that the code's errors always have: somebody acts on them. */
export interface RequiredDetails {
  FRAME_REQUIRED: MissingOption;
  /** Without an option where images of two studies go by one UID: the files to take apart. */
  SERIES_REQUIRED: MissingOption | { readonly option?: undefined; readonly files: readonly string[] };
  INPUT_MODALITY: InputFinding;
  INPUT_VALUES: InputFinding;
  INPUT_SPACING: InputFinding;
  INPUT_SIZE: InputFinding;
  /** Names of sources. */
  INPUT_MISSING: { readonly expected: readonly string[]; readonly found: readonly string[]; readonly missing: readonly string[] };
  /** The labels that there are. */
  REGION_NOT_FOUND: { readonly labels: readonly (number | string)[] };
  VOXELS_NOT_FINITE: { readonly count: number; readonly first: readonly [number, number, number] };
  TENSORS_MISMATCH: TensorDifference;
  BACKBONE_MISMATCH: HashDifference & { readonly backbone: string };
  ENGINE_SELF_TEST: { readonly engine: string; readonly difference: number; readonly allowed: number };
  CONFORMANCE_FAILED: { readonly engine: string; readonly found: readonly number[]; readonly expected: readonly number[]; readonly allowed: number };
  VERSION_NOT_FOUND: { readonly name: string; readonly wanted: string; readonly versions: readonly string[] };
  /** `of`: `weights` where an adapter's two files do not belong together; absent where something else came than was published. */
  INTEGRITY_MISMATCH: HashDifference & { readonly of?: "weights" };
  ACCESS_DENIED: { readonly status?: number };
  REGISTRY_UNREACHABLE: { readonly reason: "network" | "timeout" | "status"; readonly status?: number; readonly attempts?: number };
}

/** Details that some of the code's errors have. */
export interface OptionalDetails {
  FILE_NOT_FOUND: AboutFile & Partial<Unfetched>;
  FILE_UNREADABLE: AboutFile & Partial<Unfetched>;
  FILE_TOO_LARGE: AboutFile & { readonly limit: number };
  FILE_EMPTY: AboutFile;
  FORMAT_UNKNOWN: AboutFile;
  CHANNELS_UNSUPPORTED: MissingOption;
  GEOMETRY_INVALID: MissingOption;
  OPTION_INVALID: WrongOption;
  /** Of a point: as it was given, its voxel coordinates in the volume, and the spaces by which it would lie inside. */
  REGION_ELSEWHERE: { readonly point?: readonly number[]; readonly space?: string; readonly voxel?: readonly number[]; readonly others?: readonly string[] };
  MANIFEST_INVALID: SchemaFaults;
  BACKBONE_INVALID: SchemaFaults;
  CONFIG_INVALID: SchemaFaults;
  /** `network`: a file of it could not be fetched; `policy`: the page forbids it; `package`: it is not installed. `tried`: where several were, in order. */
  ENGINE_UNAVAILABLE: EngineFault & { readonly tried?: readonly (EngineFault & { readonly code: ErrorCode })[] };
  /** `file`: its address or its name; `decoder`: of compressed DICOM. */
  ASSET_INVALID: Partial<Unfetched> & { readonly decoder?: string; readonly engine?: string };
  LABELS_INVALID: AboutFile & { readonly lines?: readonly number[]; readonly column?: string };
  /** HTTP status. */
  PACKAGE_NOT_FOUND: { readonly status: number };
}

/** What `details` of an error with this code is; undefined for codes that have none. */
export type DetailsOf<C extends ErrorCode> = C extends keyof RequiredDetails
  ? RequiredDetails[C]
  : C extends keyof OptionalDetails
    ? OptionalDetails[C] | undefined
    : undefined;
