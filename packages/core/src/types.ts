// The contract: what a volume, a backbone, an adapter and a result are. Types only, no code. Engines: engine/types.ts.

import type { Engine, Precision } from "./engine/types.js";
import type { AnyMC3DError, InputFinding, WarningCode } from "./errors.js";
import type { HeatmapMethod, LabelledHeatmap } from "./kinds/heatmap/index.js";
import type { AdapterManifest, Plane } from "./manifest.js";
import type { TaskKindId } from "./tasks/index.js";
import type { Outcome } from "./tasks/task-kind.js";

/** Voxel arrays a {@link Volume} may hold; real-world values, slope and intercept already applied. */
export type VoxelArray = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;

/** 4×4 row-major matrix, voxel index (i, j, k, 1) → patient position in mm, RAS+ (as NIfTI and nibabel). */
export type Affine = readonly number[];

/** A 3D image. Voxels lie x fastest, then y, then z. */
export interface Volume {
  /** Real-world values (CT: Hounsfield units), slope and intercept applied; voxel (i, j, k) at i + shape[0]·(j + shape[1]·k). */
  readonly data: VoxelArray;
  /** Voxels along x, y, z. */
  readonly shape: readonly [number, number, number];
  /** Voxel index → patient mm, RAS+. Undefined for a grid without orientation (NPY/NPZ):
   * order is then as stored, slices along z (the first axis of a C-ordered array). */
  readonly affine?: Affine;
  /** DICOM modality, "CT", "MR", "PT", …; undefined where the file does not say. */
  readonly modality?: string;
  /** One bit a voxel, the lowest of a byte first: bit (i & 7) of byte (i >> 3) is set where nothing was measured at voxel i (padding, outside the
   * scanner's circle). `data` holds a stand-in there, which is never mixed with what was measured. Absent: all voxels are data. */
  readonly noData?: Uint8Array;
  /** Of a segmentation: its voxels are label numbers, which are never interpolated, 0 where there is none of them. Names by number ("1": "Liver") where
   * the file has them, else {}. Absent: an image. */
  readonly labels?: Readonly<Record<string, string>>;
  /** What the reader wants the user to know (conflicting orientations, units converted, …). */
  readonly notes?: readonly Warning[];
  /** What the file says besides; DICOM says the most. */
  readonly meta?: VolumeMeta;
}

/** What a file says of its series; each only where it does. */
export interface VolumeMeta {
  /** Of the voxel values: "HU", "BQML", "CNTS", … */
  readonly units?: string;
  /** DICOM's Body Part Examined, "CHEST". */
  readonly bodyPart?: string;
  /** "L", "R". */
  readonly laterality?: string;
  /** The plane nearest to the slices as they were acquired. */
  readonly plane?: "axial" | "coronal" | "sagittal";
  readonly description?: string;
  readonly manufacturer?: string;
  readonly seriesUid?: string;
  readonly studyUid?: string;
  /** UID of the space that DICOM positions are measured in: what shares it lies in one space. */
  readonly frameOfReference?: string;
  /** Only where it was asked for. `issuer`: who gave the id. */
  readonly patient?: { readonly name?: string; readonly id?: string; readonly issuer?: string; readonly birthDate?: string; readonly sex?: string };
}

/** A dense tensor, row-major. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** float32 tensors by name. */
export type Tensors = ReadonlyMap<string, Tensor>;

/** What a vision transformer looks like. Drives every engine; nothing is decided by name. */
export interface BackboneSpec {
  readonly family: "dinov2" | "dinov3" | "vit";
  /** Side of a square patch, pixels. */
  readonly patch: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  /** `gated`: activation(gate·x) ⊙ (up·x), the two stacked in `fc1` (gate rows first). */
  readonly mlp: { readonly kind: "plain" | "gated"; readonly activation: "gelu" | "silu"; readonly hidden: number };
  readonly layerScale: boolean;
  /** Register tokens between CLS and the patches. */
  readonly registers: number;
  /** `learned`: a table for CLS and `grid` (rows, columns) patches, resized bicubically; `rope`: rotary, DINOv3's axial form. */
  readonly position:
    | { readonly kind: "learned"; readonly grid: readonly [number, number]; readonly antialias: boolean }
    | { readonly kind: "rope"; readonly theta: number };
  readonly normEps: number;
  /** Per-channel normalisation of [0,1] pixels. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/**
 * A frozen backbone. Tensor names, float32, linear maps as [out, in]:
 * `patch.weight` [D, 3·p·p] (channel, row, column), `patch.bias`, `cls` [D], `registers` [R, D], `position` [1+rows·columns, D],
 * `blocks.N.norm1.weight|bias`, `blocks.N.qkv.weight` [3D, D], `blocks.N.qkv.bias`, `blocks.N.proj.weight|bias`, `blocks.N.scale1` [D],
 * `blocks.N.norm2.weight|bias`, `blocks.N.fc1.weight|bias`, `blocks.N.fc2.weight|bias`, `blocks.N.scale2`, `norm.weight|bias`.
 */
export interface Backbone {
  readonly name: string;
  /** Of its package, major.minor.patch; absent for a backbone that is in none. */
  readonly version?: string;
  /** Content hash, see {@link contentHash}. */
  readonly hash: string;
  readonly spec: BackboneSpec;
  readonly tensors: Tensors;
  readonly selfTest?: SelfTest;
}

/** The stored answer that an engine must reproduce before it is trusted: CLS of one slice of 4×4 patches, see `selfTestInput`. */
export interface SelfTest {
  readonly seed: number;
  /** CLS without LoRA, D values. */
  readonly plain: readonly number[];
  /** CLS with the seeded LoRA, D values. */
  readonly lora: readonly number[];
  /** Which program computed the answers. */
  readonly madeBy: string;
}

/** One task: a manifest and its tensors, checked against each other. Data, never code. */
export interface Adapter {
  readonly manifest: AdapterManifest;
  readonly tensors: Tensors;
  /** SHA-256 over manifest and tensors. */
  readonly hash: string;
  /** What its users should know of it; goes into every result. */
  readonly warnings?: readonly Warning[];
}

/** Something the user should know that did not stop the work. */
export interface Warning {
  /** Never renamed; all of them, and what to do, are on the page "Errors and warnings" of the documentation. */
  readonly code: WarningCode;
  /** For people. */
  readonly message: string;
}

/** How far a call is, stage by stage. */
export interface Progress {
  /** `load`: backbone, adapter and engine; `read`: the file; `encode`: the backbone over the slices; `heatmap`. */
  readonly stage: "load" | "read" | "encode" | "heatmap";
  /** Of `total`: slices, over all views, while encoding; steps in the other stages. */
  readonly done: number;
  /** What there is to do in this stage. */
  readonly total: number;
}

/**
 * `attention`: the last block's attention from CLS, the same for all labels. `gradcam`: what speaks for one label; needs an engine that runs
 * backwards.
 */
export type HeatmapOptions =
  | { readonly method: Exclude<HeatmapMethod, LabelledHeatmap> }
  /** `label`: its id; default: the label with the largest logit. Ordered classes have one score, no label to name: the map is what speaks for a higher class. */
  | { readonly method: LabelledHeatmap; readonly label?: string };

/** In what a place is given: patient millimetres with axes to the right, anterior, superior (RAS, as NIfTI) or to the left, posterior, superior (LPS, as DICOM), or voxel indices of the given volume. */
export type Space = "RAS" | "LPS" | "voxel";

/** Which part of a study is to be looked at. */
export type Region =
  | {
      /** Its middle. */
      readonly point: readonly [number, number, number];
      readonly space: Space;
      /** Of the box around it, mm: one number, or right–left, anterior–posterior, superior–inferior. Default: the adapter's. */
      readonly size?: number | readonly [number, number, number];
    }
  | {
      /** Two opposite corners: faces of the box in mm; as voxel indices the first and last voxels that are in it. */
      readonly box: readonly [readonly [number, number, number], readonly [number, number, number]];
      readonly space: Space;
    }
  | {
      /** A segmentation in the patient space of the study, or on its grid: numbers of labels, 0 where there is none. */
      readonly mask: Volume;
      /** The number of the label, or its name in `mask.labels`. Default: the only one there is. */
      readonly label?: number | string;
    };

/** Where a region was cut out. */
export interface RegionPlace {
  /** Index of its first voxel in the given volume, and voxels along x, y, z. */
  readonly start: readonly [number, number, number];
  readonly shape: readonly [number, number, number];
  /** Bounds in patient mm, RAS+: [smallest, largest] right, anterior, superior, outer faces of its voxels. Absent without orientation. */
  readonly mm?: readonly [readonly [number, number, number], readonly [number, number, number]];
}

/** What became of a region of a list that could not be classified. */
export interface FailedRegion {
  readonly error: AnyMC3DError;
}

/** How a study is classified. */
export interface ClassifyOptions {
  /** Of the backbone that the adapter was made for. */
  readonly engine: Engine;
  /** An abort is looked for between chunks of slices; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called as the work goes on. */
  readonly onProgress?: (progress: Progress) => void;
  /** Also return where the model looked. Default false; true is `{ method: "attention" }`. */
  readonly heatmap?: boolean | HeatmapOptions;
  /**
   * `refuse` (default) throws on input outside what the adapter declares; `warn` goes on, and the result's `outside` says what was let through, but for
   * another modality, or a scan in the place of a segmentation and the reverse: those want `force`.
   */
  readonly checks?: "refuse" | "warn" | "force";
  /** Heatmaps of a region: on the grid of the given volume (`study`, default; 0 outside of the region), or on that of the region alone. */
  readonly heatmapGrid?: "study" | "region";
}

/** What is said of one label. */
export interface LabelResult {
  /** As in the adapter's manifest. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** SNOMED CT concept, if the adapter gives one. */
  readonly snomed?: string;
  /** 0 … 1. Of a label that is there or not by itself: a sigmoid; of classes of which one is right: they sum to 1. */
  readonly probability: number;
  /** What the head gives for the label, before sigmoid or softmax; the temperature of a trained adapter is part of its head. Ordered classes: absent. */
  readonly logit?: number;
  /** The adapter's decision threshold on the probability, 0 … 1. Of classes: absent. */
  readonly threshold?: number;
  /** Labels that are there or not: probability ≥ threshold. Classes: the one that is decided for, the most probable or, of ordered ones, the median. */
  readonly positive: boolean;
  /** Of a label that is there or not, where the adapter has conformal calibration: the answers that hold the truth in `coverage` of cases. */
  readonly set?: readonly ("yes" | "no")[];
}

/** How much a slice counted. */
export interface SliceResult {
  /** Index along `axis` of the source volume's own voxel array. */
  readonly index: number;
  /** Attention-pooling weight within the view; a view's weights sum to 1. */
  readonly weight: number;
}

/** What one view (a plane of a source) made of the study. */
export interface ViewResult {
  /** Which of the given volumes; "volume" where the adapter reads one. */
  readonly source: string;
  /** As the adapter's manifest names it. */
  readonly plane: Plane;
  /** Voxel-array axis of the source that the slices were cut along: 0 = x, 1 = y, 2 = z. */
  readonly axis: 0 | 1 | 2;
  /** Fusion weight of the view; 1 with a single view, equal for all where views are concatenated. */
  readonly weight: number;
  /** Those that were looked at, in the order in which they were. */
  readonly slices: readonly SliceResult[];
}

/** Milliseconds, wall clock, by what they were spent on. */
export interface Times {
  readonly preprocess: number;
  readonly encode: number;
  readonly pool: number;
  readonly heatmap: number;
  readonly total: number;
}

/** Something of an input that an adapter refuses. */
export interface OutsideFinding {
  readonly code: "INPUT_MODALITY" | "INPUT_VALUES" | "INPUT_SPACING" | "INPUT_SIZE";
  /** For people. */
  readonly message: string;
  /** It is another kind of image: another modality, a scan in the place of a segmentation, or the reverse. */
  readonly otherKind?: true;
  /** What was measured, and what the adapter takes. */
  readonly details: InputFinding;
}

/** The answer to one study, and where it comes from. */
export interface ClassifyResult extends Omit<Outcome, "warnings"> {
  /** The adapter's kind of task, `task.kind` of its manifest; what the answer consists of follows from it. */
  readonly task: TaskKindId;
  /** What the head gave, in the order of its outputs. */
  readonly logits: readonly number[];
  /** What of the input lies outside what the adapter declares, and was let through by `checks` (also among `warnings`): the answer says nothing then, and its decisions are not to be shown. */
  readonly outside?: readonly OutsideFinding[];
  /** One a view of the manifest, with the slices that counted. */
  readonly views: readonly ViewResult[];
  /** Of the first source, if a region was asked for. */
  readonly region?: RegionPlace;
  /** Per source, on the source's own grid (or that of the region, see `heatmapGrid`), float32, 0 … 1 (1 = the strongest place). If asked for. */
  readonly heatmaps?: Readonly<Record<string, Volume>>;
  /** The heatmap of the only, or first, source. */
  readonly heatmap?: Volume;
  /** What one should know about this input and this machine: of the reader, the checks, the engine. */
  readonly warnings: readonly Warning[];
  /** What made the answer, to be kept with it. */
  readonly provenance: {
    /** `hash`: SHA-256 over manifest and tensors. */
    readonly adapter: { readonly name: string; readonly version: string; readonly hash: string };
    /** `hash`: of the weights, verified when they were loaded. */
    readonly backbone: { readonly name: string; readonly hash: string };
    /** The engine's id: "onnxruntime-node/cpu", "tfjs/webgpu", … */
    readonly engine: string;
    readonly precision: Precision;
    readonly times: Times;
  };
  /** Research use only; to be shown with the answer. */
  readonly disclaimer: string;
}
