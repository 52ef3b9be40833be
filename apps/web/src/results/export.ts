// What a user can take away as data: the result as JSON, the heatmap as NIfTI; and how files are saved and called.

import { writeNifti } from "@anymc3d/sdk";
import type { Run, Scan } from "../page/state.js";

export function save(content: BlobPart, name: string, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The result without voxels. */
export function resultJson(scan: Scan, { result, method }: Run): string {
  const { heatmap: _, heatmaps: __, ...rest } = result;
  const { shape, affine, modality } = scan.volume;
  return `${JSON.stringify({ schema: "anymc3d.web/2", made: new Date().toISOString(), scan: { name: scan.name, read: scan.read, shape, affine, modality }, heatmap: method, ...rest }, null, 2)}\n`;
}

export const heatmapNifti = ({ result }: Run): Uint8Array | undefined => result.heatmap && writeNifti(result.heatmap);

/** scan-adapter-method */
export const fileStem = (scan: Scan, { result: { provenance }, method }: Run) =>
  [
    scan.name.replace(/(\.nii)?(\.gz)?$/, "").replace(/[^\w.-]+/g, "_"),
    provenance.adapter.name.replace(/^@[^/]+\/(adapter-)?/, ""),
    method.method,
    ...("label" in method && method.label ? [method.label] : []),
  ].join("-");
