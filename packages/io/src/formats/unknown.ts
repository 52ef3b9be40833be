// What bytes that are no readable volume look like, and the refusal of them.

import { AnyMC3DError } from "@anymc3d/core";
import { looksLikeHtml } from "../sources/html.js";
import { text } from "./format.js";
import { formatOf } from "./index.js";
import { readable } from "./names.js";

/** Signatures of what is not read. */
const OTHERS: readonly (readonly [at: number, signature: string, what: string])[] = [
  [0, "\x1f\x8b", "gzip-compressed data"],
  [0, "\x89PNG", "a PNG image"],
  [0, "\xff\xd8\xff", "a JPEG image"],
  [0, "II*\0", "a TIFF image"],
  [0, "MM\0*", "a TIFF image"],
  [0, "GIF8", "a GIF image"],
  [0, "PK\x03\x04", "a zip archive (.zip, .npz, .docx, …)"],
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

/** UTF-8 without control characters; the last character may be cut off. */
function isText(bytes: Uint8Array): boolean {
  try {
    return bytes.length > 0 && !/[^\P{Cc}\t\n\r]/u.test(new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true }));
  } catch {
    return false;
  }
}

/** What the bytes look like, with an article: "a DICOM file", "an HTML page", "unknown binary data". */
export function describeBytes(bytes: Uint8Array): string {
  const format = formatOf(bytes);
  if (format?.sniff(bytes) === "sure") return typeof format.looks === "string" ? format.looks : format.looks(bytes);
  const other = OTHERS.find(([at, signature]) => text(bytes, at, at + signature.length) === signature);
  if (other) return other[2];
  if (looksLikeHtml(bytes)) return "an HTML page";
  const start = text(bytes, 0, 256);
  if (/^\s*<\?xml/.test(start)) return "an XML document";
  if (/^\s*[[{]\s*["[{\d\]}]/.test(start)) return "JSON text";
  if (isText(bytes.subarray(0, 1024))) return "plain text";
  return bytes.every((byte) => byte === 0) ? "zeros only" : "unknown binary data";
}

/** The refusal of bytes that are of no format that is read. @param packed they were in gzip data */
export function unknownFormat(name: string, bytes: Uint8Array, packed: boolean): AnyMC3DError {
  const todo = packed && formatOf(bytes) ? "Unpack it first (gunzip)." : "Convert the file, or check that it is the one you meant.";
  const within = packed ? ", unpacked from gzip," : "";
  return new AnyMC3DError(
    "FORMAT_UNKNOWN",
    `${name}: not a volume that can be read; its content${within} looks like ${describeBytes(bytes)}. What can be read: ${readable()}. ${todo}`,
    { details: { file: name } },
  );
}

/** The refusal of bytes that are not of the one format that was asked for. */
export function notOfFormat(title: string, name: string, bytes: Uint8Array, packed: boolean): AnyMC3DError {
  return new AnyMC3DError(
    "FORMAT_UNKNOWN",
    `${name}: not ${title}${packed ? " inside gzip" : ""}; its content looks like ${describeBytes(bytes)}. What can be read: ${readable()}. Convert the file, or check that it is the one you meant.`,
    { details: { file: name } },
  );
}
