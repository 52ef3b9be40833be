// Which format bytes are in, and what bytes that are no readable volume look like, told by their content, not by a name.

const text = (bytes: Uint8Array, start: number, end: number): string => String.fromCharCode(...bytes.subarray(start, end));

const SIGNATURES: readonly (readonly [at: number, signature: string, what: string])[] = [
  [128, "DICM", "a DICOM file"],
  [0, "\x1f\x8b", "gzip-compressed data"],
  [0, "\x89PNG", "a PNG image"],
  [0, "\xff\xd8\xff", "a JPEG image"],
  [0, "II*\0", "a TIFF image"],
  [0, "MM\0*", "a TIFF image"],
  [0, "GIF8", "a GIF image"],
  [0, "PK\x03\x04", "a zip archive (.zip, .npz, .docx, …)"],
  [0, "NRRD", "an NRRD file"],
  [0, "\x93NUMPY", "a NumPy .npy array"],
  [0, "\x89HDF\r\n", "an HDF5 file (MINC 2, .h5), which mnc2nii converts if it is MINC"],
  [0, "CDF", "a NetCDF file (MINC 1), which mnc2nii converts if it is MINC"],
  [0, "BZh", "bzip2-compressed data"],
  [0, "\xfd7zXZ", "xz-compressed data"],
  [0, "\x28\xb5\x2f\xfd", "zstd-compressed data"],
  [0, "7z\xbc\xaf", "a 7z archive"],
  [0, "%PDF", "a PDF document"],
  [257, "ustar", "a tar archive"],
  [0, "version https://git-lfs", "a Git LFS pointer, not the file itself (run `git lfs pull`)"],
];

const isNrrd = (bytes: Uint8Array): boolean => text(bytes, 0, 4) === "NRRD";

/** True for bytes that begin like a MetaImage header: text, lines of "Key = value", NDims among the first. */
function isMha(bytes: Uint8Array): boolean {
  const start = text(bytes, 0, 256);
  return /^\s*(?:ObjectType|NDims)\s*=/.test(start) || (/^\s*\w+\s*=[^\n\0]*\n/.test(start) && /\n\s*(?:ObjectType|NDims)\s*=/.test(start));
}

/** True for bytes that begin like an MGH header: version 1, four sizes, a known type. */
export function isMgh(bytes: Uint8Array): boolean {
  // Of the header of 284 bytes, 90 are used.
  if (bytes.length < 90) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getInt32(0) === 1 && [4, 8, 12, 16].every((at) => view.getInt32(at) > 0) && view.getInt32(20) >= 0 && view.getInt32(20) <= 32;
}

/** What this package reads. */
export const READABLE =
  "DICOM (files, folders, .zip), NIfTI-1 and NIfTI-2 (.nii, .nii.gz, .hdr with .img), ANALYZE 7.5 (with `orientation`), NRRD (.nrrd, .nhdr), MetaImage (.mha, .mhd), NumPy (.npy, .npz), FreeSurfer (.mgh, .mgz)";

/** Formats with a reader. `nifti` is ANALYZE, too: one header with and without its magic. */
export type Format = "nifti" | "nrrd" | "mha" | "npy" | "npz" | "mgh";

/** The format of these (first) bytes, which are not compressed; undefined for another one. */
export function formatOf(bytes: Uint8Array): Format | undefined {
  const start = text(bytes, 0, 6);
  if (isNrrd(bytes)) return "nrrd";
  if (start === "\x93NUMPY") return "npy";
  if (start.startsWith("PK\x03\x04")) return "npz";
  if (isMha(bytes)) return "mha";
  if (bytes.length < 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isNifti = [348, 540].some((size) => view.getInt32(0, true) === size || view.getInt32(0, false) === size) || /^n[+i]1$/.test(text(bytes, 344, 347));
  return isNifti ? "nifti" : isMgh(bytes) ? "mgh" : undefined;
}

/** True for bytes that begin like a web page. */
export function looksLikeHtml(bytes: Uint8Array): boolean {
  return /^(?:\xef\xbb\xbf)?\s*(?:<!--[\s\S]*?-->\s*)?<(?:!doctype html|html|head|body)\b/i.test(text(bytes, 0, 512));
}

/** What the bytes look like, with an article: "a DICOM file", "an HTML page", "unknown binary data". */
export function describeBytes(bytes: Uint8Array): string {
  for (const [at, signature, what] of SIGNATURES) {
    if (text(bytes, at, at + signature.length) === signature) return what;
  }
  if (looksLikeHtml(bytes)) return "an HTML page";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 348 && (view.getInt32(0, true) === 348 || view.getInt32(0, false) === 348)) {
    return "an ANALYZE 7.5 header (NIfTI's predecessor, which does not store left and right)";
  }
  const start = text(bytes, 0, 256);
  if (isMha(bytes)) return "a MetaImage header";
  if (isMgh(bytes)) return "a FreeSurfer MGH volume";
  if (/^\s*<\?xml/.test(start)) return "an XML document";
  if (/^\s*[[{]\s*["[{\d\]}]/.test(start)) return "JSON text";
  if (bytes.length > 0 && /^[\t\n\r\x20-\x7e]+$/.test(start)) return "plain text";
  return bytes.every((byte) => byte === 0) ? "zeros only" : "unknown binary data";
}
