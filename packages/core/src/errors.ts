// The one error class, its stable codes, and how to recognise it across package copies.

const BRAND = Symbol.for("anymc3d.error");

/** Stable codes. A code is never renamed or reused. What each means and what to do: the page "Errors and warnings" of the documentation. */
export type ErrorCode =
  | "FILE_NOT_FOUND"
  | "FILE_UNREADABLE"
  | "FILE_EMPTY"
  | "FILE_TRUNCATED"
  | "FILE_TOO_LARGE"
  | "FORMAT_UNKNOWN"
  | "FORMAT_INVALID"
  | "FRAME_REQUIRED"
  | "SERIES_REQUIRED"
  | "CHANNELS_UNSUPPORTED"
  | "GEOMETRY_INVALID"
  | "VOXELS_NOT_FINITE"
  | "VOLUME_INVALID"
  | "INPUT_MODALITY"
  | "INPUT_VALUES"
  | "INPUT_SPACING"
  | "INPUT_SIZE"
  | "INPUT_SHAPE"
  | "INPUT_MISSING"
  | "MANIFEST_INVALID"
  | "SAFETENSORS_INVALID"
  | "TENSORS_MISMATCH"
  | "LORA_SHAPE"
  | "ADAPTER_NOT_FOUND"
  | "BACKBONE_INVALID"
  | "BACKBONE_MISMATCH"
  | "BACKBONE_NOT_FOUND"
  | "BACKBONE_UNSUPPORTED"
  | "ENGINE_UNAVAILABLE"
  | "ENGINE_SELF_TEST"
  | "ENGINE_DISPOSED"
  | "ENGINE_FAILED"
  | "DEVICE_LOST"
  | "DEVICE_LIMIT"
  | "OUT_OF_MEMORY"
  | "ASSET_INVALID"
  | "CONFORMANCE_FAILED"
  | "LABELS_INVALID"
  | "CONFIG_INVALID"
  | "DATA_INVALID"
  | "TRAINING_DIVERGED"
  | "RUN_LOCKED"
  | "CHECKPOINT_INVALID"
  | "PACKAGE_NOT_FOUND"
  | "PACKAGE_INVALID"
  | "VERSION_NOT_FOUND"
  | "INTEGRITY_MISMATCH"
  | "SIGNATURE_INVALID"
  | "LOCK_INVALID"
  | "LOCK_MISMATCH"
  | "ACCESS_DENIED"
  | "REGISTRY_UNREACHABLE"
  | "OPTION_INVALID"
  | "OUTPUT_NOT_WRITABLE";

/** An error a user can act on: what was found, what was expected, what to do. */
export class AnyMC3DError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "AnyMC3DError";
    this.code = code;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** True for an AnyMC3DError of any copy or version of this package. */
export function isAnyMC3DError(error: unknown): error is AnyMC3DError {
  return typeof error === "object" && error !== null && BRAND in error;
}

/** True for the reason of an aborted signal. */
export function isAbortError(error: unknown): boolean {
  return typeof error === "object" && error !== null && (error as { name?: unknown }).name === "AbortError";
}
