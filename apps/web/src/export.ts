// What a user can take away: JSON, the heatmap as NIfTI, a picture, a report in one HTML file.

import type { AdapterManifest } from "@anymc3d/core";
import { type ClassifyResult, writeNifti } from "@anymc3d/sdk";
import type { Run, Scan } from "./state.js";

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
  return `${JSON.stringify({ schema: "anymc3d.web/1", scan: { name: scan.name, read: scan.read, shape, affine, modality }, heatmap: method, ...rest }, null, 2)}\n`;
}

export const heatmapNifti = ({ result }: Run): Uint8Array | undefined => result.heatmap && writeNifti(result.heatmap);

const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

/** @param picture of the viewer, a data URL */
export function reportHtml(scan: Scan, { adapter: { manifest }, result }: Run, picture: string): string {
  const { provenance, warnings, disclaimer } = result;
  const rows = result.labels.map(
    ({ name, probability, threshold, positive }) =>
      `<tr><td>${escapeHtml(name)}</td><td>${percent(probability)}</td><td>${threshold === undefined ? "most probable" : percent(threshold)}</td><td>${positive ? "yes" : "no"}</td></tr>`,
  );
  const facts: [string, string][] = [
    ["Scan", `${scan.name}, ${scan.volume.shape.join(" × ")} voxels${scan.volume.modality ? `, ${scan.volume.modality}` : ""}`],
    ["Adapter", `${provenance.adapter.name} ${provenance.adapter.version}, ${provenance.adapter.hash}`],
    ["Backbone", `${provenance.backbone.name}, ${provenance.backbone.hash}`],
    ["Engine", `${provenance.engine}, ${provenance.precision}, ${(provenance.times.total / 1000).toFixed(1)} s`],
    ["Made", new Date().toISOString()],
  ];
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(manifest.title)}: ${escapeHtml(scan.name)}</title>
<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .6rem .35rem 0;border-bottom:1px solid #8886;overflow-wrap:anywhere}img{width:100%;background:#000;border-radius:.5rem}strong{color:#c2410c}</style>
<h1>${escapeHtml(manifest.title)}</h1><p><strong>${escapeHtml(disclaimer)}</strong></p>
<table><tr><th>Finding</th><th>Probability</th><th>Decision threshold</th><th>Above</th></tr>${rows.join("")}</table>
<p><img src="${picture}" alt="The scan with the heatmap over it"></p>
${warnings.length ? `<h2>Warnings</h2><ul>${warnings.map(({ message }) => `<li>${escapeHtml(message)}</li>`).join("")}</ul>` : ""}
<h2>Measured on</h2><ul>${manifest.metrics.map((entry) => `<li>${escapeHtml(metricsText(entry))}</li>`).join("")}</ul>
<h2>Limits</h2><ul>${manifest.limits.map((limit) => `<li>${escapeHtml(limit)}</li>`).join("")}</ul>
<h2>Provenance</h2><table>${facts.map(([name, value]) => `<tr><th>${name}</th><td>${escapeHtml(value)}</td></tr>`).join("")}</table></html>
`;
}

/** "LIDC-IDRI, val: malignant AUROC 0.82 [0.70–0.94], 43 of 83 positive; …" */
function metricsText({ dataset, split, labels }: AdapterManifest["metrics"][number]): string {
  return `${dataset}, ${split}: ${labels.map((label) => `${label.id} ${metricText(label)}`).join("; ")}`;
}

export function metricText({ n, positives, auroc, interval }: AdapterManifest["metrics"][number]["labels"][number]): string {
  const range = interval ? ` [${interval.map((value) => value.toFixed(2)).join("–")}]` : "";
  return `AUROC ${auroc?.toFixed(2) ?? "undefined"}${range}, ${positives} of ${n} positive`;
}

export const fileStem = (scan: Scan, { provenance }: ClassifyResult) =>
  `${scan.name.replace(/(\.nii)?(\.gz)?$/, "").replace(/[^\w.-]+/g, "_")}-${provenance.adapter.name.replace(/^@[^/]+\/(adapter-)?/, "")}`;
