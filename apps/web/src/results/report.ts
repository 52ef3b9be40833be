// The report: one HTML file that needs nothing else.

import { voxelSpacing } from "@anymc3d/core";
import { harmlessHtml, isOfAdapter, isOfMachine } from "@anymc3d/core/errors";
import type { ClassifyResult } from "@anymc3d/sdk";
import type { Run, Scan } from "../page/state.js";
import { heatmapText } from "./heatmap-text.js";
import { measuredText } from "./measured.js";
import { formOf } from "./outcomes/index.js";
import { precisePercent } from "./outcomes/numbers.js";
import { regionText } from "./region-text.js";

const list = (items: readonly string[]) => `<ul>${items.map((item) => `<li>${harmlessHtml(item)}</li>`).join("")}</ul>`;
const row = (cell: "th" | "td", cells: readonly string[]) => `<tr>${cells.map((text) => `<${cell}>${harmlessHtml(text)}</${cell}>`).join("")}</tr>`;

/** The answer itself, as its form has it. */
function outcomeHtml({ result, adapter: { manifest } }: Run): string {
  const { head, rows, notes } = formOf(result).table({ result, manifest });
  const table = `<table>${row("th", head)}${rows.map((cells) => row("td", cells)).join("")}</table>`;
  const outside = result.outside
    ? `<p><strong>Outside what this model was made for; the numbers say nothing about this scan:</strong></p>${list(result.outside.map(({ message }) => message))}`
    : "";
  return `${outside}${table}${notes.map((note) => `<p>${harmlessHtml(note)}</p>`).join("")}`;
}

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
    return [`${plane} slices that counted most`, heaviest.map(({ index, weight }) => `${index + 1} of ${shape[axis]}: ${precisePercent(weight)}`).join(", ")];
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
  const table = (rows: readonly [string, string][]) =>
    `<table>${rows.map(([name, value]) => `<tr><th>${harmlessHtml(name)}</th><td>${harmlessHtml(value)}</td></tr>`).join("")}</table>`;
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
    ...(run.region ? [["Region", regionText(result)] as [string, string]] : []),
    ...slicesText(result, scan),
    ["Adapter", `${provenance.adapter.name} ${provenance.adapter.version} (${adapter.origin}), ${provenance.adapter.hash}`],
    ["Backbone", `${provenance.backbone.name}, ${provenance.backbone.hash}`],
    ["Engine", `${provenance.engine}, ${provenance.precision}, ${(provenance.times.total / 1000).toFixed(1)} s`],
    ["Made", new Date().toISOString()],
  ];
  const ofMachine = (code: string) => isOfMachine(code) && !isOfAdapter(code);
  const told = new Set(result.outside?.map(({ message }) => message));
  const [notes, faults] = [warnings.filter(({ code }) => ofMachine(code)), warnings.filter(({ code, message }) => !ofMachine(code) && !told.has(message))];
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${harmlessHtml(manifest.title)}: ${harmlessHtml(scan.name)}</title>
<style>${REPORT_STYLE}</style>
<h1>${harmlessHtml(manifest.title)}</h1><p><strong>${harmlessHtml(disclaimer)}</strong></p>
${outcomeHtml(run)}
${picture && `<figure><img src="${picture}" alt="The scan with the heatmap over it"><figcaption>${harmlessHtml(`${heatmapText(run)}. Shown: ${slice}.`)}</figcaption></figure>`}
${faults.length ? `<h2>Warnings</h2>${list(faults.map(({ message }) => message))}` : ""}
<h2>Measured on</h2>${list(manifest.metrics.map(measuredText))}
<h2>Limits</h2>${list(manifest.limits)}
<h2>Provenance</h2>${table(facts)}
${notes.length ? `<h2>On the machine</h2>${list(notes.map(({ message }) => message))}` : ""}</html>
`;
}
