// What a user can take away: JSON, the heatmap as NIfTI, a picture, a report in one HTML file.

import { type AdapterManifest, voxelSpacing } from "@anymc3d/core";
import { isOfMachine } from "@anymc3d/core/errors";
import { type ClassifyResult, writeNifti } from "@anymc3d/sdk";
import type { Run, Scan } from "../page/state.js";

export function save(content: BlobPart, name: string, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** What the heatmap shows: its method, and the finding that it explains. */
export function heatmapText({ method, result }: Run): string {
  if (method.method === "attention") return "Attention: where the model looked, whatever the finding";
  const strongest = result.labels.reduce((best, each) => (each.logit > best.logit ? each : best));
  const { name } = result.labels.find(({ id }) => id === method.label) ?? strongest;
  return `Grad-CAM: what speaks for “${name}”`;
}

/** The result without voxels. */
export function resultJson(scan: Scan, { result, method }: Run): string {
  const { heatmap: _, heatmaps: __, ...rest } = result;
  const { shape, affine, modality } = scan.volume;
  return `${JSON.stringify({ schema: "anymc3d.web/1", made: new Date().toISOString(), scan: { name: scan.name, read: scan.read, shape, affine, modality }, heatmap: method, ...rest }, null, 2)}\n`;
}

export const heatmapNifti = ({ result }: Run): Uint8Array | undefined => result.heatmap && writeNifti(result.heatmap);

const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

/** What a user said about a scan that its file does not state, and how it was read. */
function readText({ read, volume, isSample }: Scan): string {
  const { modality, ...others } = read;
  const said = modality && !isSample ? [`modality ${modality} as stated by the user`] : [];
  const notes = volume.notes?.map(({ message }) => message) ?? [];
  return [...said, ...Object.entries(others).map(([name, value]) => `${name} ${value}`), ...notes].join("; ");
}

/** "Slice 4 of 6: 42 %", the heaviest first. */
function slicesText({ views }: ClassifyResult, { volume: { shape } }: Scan): [string, string][] {
  return views.map(({ plane, axis, slices }) => {
    const heaviest = [...slices].sort((a, b) => b.weight - a.weight).slice(0, 5);
    return [`${plane} slices that counted most`, heaviest.map(({ index, weight }) => `${index + 1} of ${shape[axis]}: ${percent(weight)}`).join(", ")];
  });
}

const REPORT_STYLE = `:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.35rem .9rem .35rem 0;border-bottom:1px solid #8886}
th{white-space:nowrap}td{overflow-wrap:anywhere}figure{margin:1rem 0}img{width:100%;background:#000;border-radius:.5rem}strong{color:#c2410c}`;

/** @param picture of the viewer, a data URL; empty for none; @param slice that it shows, "axial slice 4 of 6, feet–head; Lung window" */
export function reportHtml(scan: Scan, run: Run, picture: string, slice: string): string {
  const { adapter, result } = run;
  const { manifest } = adapter;
  const { provenance, warnings, disclaimer } = result;
  const list = (items: readonly string[]) => `<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join("")}</ul>`;
  const table = (rows: readonly [string, string][]) =>
    `<table>${rows.map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`).join("")}</table>`;
  const findings = result.labels.map(
    ({ name, probability, threshold, positive }) =>
      `<tr><td>${escapeHtml(name)}</td><td>${percent(probability)}</td><td>${threshold === undefined ? "most probable" : percent(threshold)}</td><td>${positive ? "yes" : "no"}</td></tr>`,
  );
  const { shape, modality, affine, meta } = scan.volume;
  const spacing = affine
    ? `, ${voxelSpacing(affine)
        .map((mm) => Number(mm.toPrecision(3)))
        .join(" × ")} mm`
    : ", no orientation";
  const read = readText(scan);
  const facts: [string, string][] = [
    ["Scan", `${scan.name}, ${shape.join(" × ")} voxels${spacing}${modality ? `, ${modality}` : ""}`],
    ...(meta?.seriesUid ? [["Series", String(meta.seriesUid)] as [string, string]] : []),
    ...(read ? [["Read", read] as [string, string]] : []),
    ...slicesText(result, scan),
    ["Adapter", `${provenance.adapter.name} ${provenance.adapter.version} (${adapter.origin}), ${provenance.adapter.hash}`],
    ["Backbone", `${provenance.backbone.name}, ${provenance.backbone.hash}`],
    ["Engine", `${provenance.engine}, ${provenance.precision}, ${(provenance.times.total / 1000).toFixed(1)} s`],
    ["Made", new Date().toISOString()],
  ];
  const [notes, faults] = [warnings.filter(({ code }) => isOfMachine(code)), warnings.filter(({ code }) => !isOfMachine(code))];
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(manifest.title)}: ${escapeHtml(scan.name)}</title>
<style>${REPORT_STYLE}</style>
<h1>${escapeHtml(manifest.title)}</h1><p><strong>${escapeHtml(disclaimer)}</strong></p>
<table><tr><th>Finding</th><th>Probability</th><th>Decision threshold</th><th>Above</th></tr>${findings.join("")}</table>
${picture && `<figure><img src="${picture}" alt="The scan with the heatmap over it"><figcaption>${escapeHtml(`${heatmapText(run)}. Shown: ${slice}.`)}</figcaption></figure>`}
${faults.length ? `<h2>Warnings</h2>${list(faults.map(({ message }) => message))}` : ""}
<h2>Measured on</h2>${list(manifest.metrics.map(metricsText))}
<h2>Limits</h2>${list(manifest.limits)}
<h2>Provenance</h2>${table(facts)}
${notes.length ? `<h2>On the machine</h2>${list(notes.map(({ message }) => message))}` : ""}</html>
`;
}

/** Says nothing about the scan or the answer. */

/** "LIDC-IDRI, val: malignant AUROC 0.82 [0.70–0.94], 43 of 83 positive; …" */
function metricsText({ dataset, split, labels }: AdapterManifest["metrics"][number]): string {
  return `${dataset}, ${split}: ${labels.map((label) => `${label.id} ${metricText(label)}`).join("; ")}`;
}

export function metricText({ n, positives, auroc, interval }: AdapterManifest["metrics"][number]["labels"][number]): string {
  const range = interval ? ` [${interval.map((value) => value.toFixed(2)).join("–")}]` : "";
  return `AUROC ${auroc?.toFixed(2) ?? "undefined"}${range}, ${positives} of ${n} positive`;
}

/** The picture with two lines below it: what it is, and what it is for. */
export async function captioned(picture: Blob, lines: readonly string[]): Promise<Blob | undefined> {
  const image = await createImageBitmap(picture);
  const size = Math.max(12, Math.round(image.width / 70));
  const canvas = new OffscreenCanvas(image.width, image.height + Math.round(size * (1.6 * lines.length + 0.8)));
  const context = canvas.getContext("2d");
  if (!context) return picture;
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0);
  context.fillStyle = "#fff";
  context.font = `${size}px system-ui, sans-serif`;
  lines.forEach((line, i) => context.fillText(line, size, image.height + size * (1.6 * i + 1.6), canvas.width - 2 * size));
  return canvas.convertToBlob({ type: "image/png" });
}

/** scan-adapter-method */
export const fileStem = (scan: Scan, { result: { provenance }, method }: Run) =>
  [
    scan.name.replace(/(\.nii)?(\.gz)?$/, "").replace(/[^\w.-]+/g, "_"),
    provenance.adapter.name.replace(/^@[^/]+\/(adapter-)?/, ""),
    method.method,
    ...("label" in method && method.label ? [method.label] : []),
  ].join("-");
