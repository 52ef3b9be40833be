// The pages of the marketplace as HTML. All text that comes from a package was written by others: escaped, and Markdown without HTML in it.

import { type AdapterManifest, DISCLAIMER } from "@anymc3d/core";
import { harmlessLines, harmlessHtml as safe, warningWords } from "@anymc3d/core/errors";
import MarkdownIt from "markdown-it";
import type { Listed, SiteOptions } from "./write.js";

const markdown = new MarkdownIt({ html: false, linkify: false });
// Pictures would be fetched from elsewhere by everyone who reads a card.
markdown.disable("image");
markdown.renderer.rules.table_open = () => '<div class="wide"><table>';
markdown.renderer.rules.table_close = () => "</table></div>";
// The page has its own h1.
markdown.renderer.rules.heading_open = (tokens, i) => `<h${Math.min(6, Number(tokens[i].tag[1]) + 1)}>`;
markdown.renderer.rules.heading_close = (tokens, i) => `</h${Math.min(6, Number(tokens[i].tag[1]) + 1)}>`;

/** A file name for a package's name, of that one alone: no name has a + in it. */
export const slugOf = (name: string): string => name.replaceAll("__", "++").replace(/^@/, "").replace("/", "__");

function page(title: string, up: string, body: string, script = ""): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'self'; script-src 'self'; form-action 'none'">
<title>${safe(title)}</title>
<link rel="stylesheet" href="${up}style.css">
<body>
${body}
<footer><p>${safe(DISCLAIMER)}</p></footer>
${script}</body>
</html>
`;
}

const modalitiesOf = (modalities: readonly string[]) => (modalities.length ? modalities.join(", ") : "any modality");

/** The list with search and filters; the form appears only where JavaScript runs. */
export function indexPage(listed: readonly Listed[], { title = "AnyMC3D adapters" }: SiteOptions): string {
  const options = (values: readonly string[]) =>
    [...new Set(values)]
      .sort()
      .map((value) => `<option>${safe(value)}</option>`)
      .join("");
  const select = (name: string, label: string, values: readonly string[]) =>
    `<label>${label} <select name="${name}"><option value="">all</option>${options(values)}</select></label>`;
  const form = `<form id="filter" role="search" hidden>
<label>Search <input type="search" name="text" autocomplete="off" placeholder="nodule, aneurysm, …"></label>
${select(
  "modality",
  "Modality",
  listed.flatMap(({ found }) => found.modalities),
)}
${select(
  "part",
  "Body part",
  listed.flatMap(({ found }) => found.bodyParts),
)}
${select(
  "backbone",
  "Backbone",
  listed.map(({ found }) => found.backbone),
)}
</form>`;
  const count = `<p id="count" aria-live="polite">${listed.length} adapter${listed.length === 1 ? "" : "s"}</p>`;
  const list = listed.length ? `<ul class="adapters">\n${listed.map(item).join("\n")}\n</ul>` : "<p>This registry has no adapters yet.</p>";
  const body = `<header><h1>${safe(title)}</h1><p>Small models for 3D medical volumes, for one frozen 2D backbone. ${safe(DISCLAIMER)}</p></header>
<main>
${form}
${count}
${list}
</main>`;
  return page(title, "", body, '<script src="filter.js"></script>\n');
}

function item({ found, manifest, warnings }: Listed): string {
  const { name, title, labels, modalities, bodyParts, backbone, version, deprecated } = found;
  const words = [name, title, ...labels, ...bodyParts, ...modalities].join(" ").toLowerCase();
  const data = { text: words, modality: modalities.join("|"), part: bodyParts.join("|"), backbone };
  const attributes = Object.entries(data).map(([key, value]) => ` data-${key}="${safe(value)}"`);
  return `<li${attributes.join("")}>
<h2><a href="adapters/${slugOf(name)}.html">${safe(title)}</a></h2>
<p>${safe(manifest.description)}</p>
<p class="facts">${[name, version, modalitiesOf(modalities), ...bodyParts].map(safe).join(" · ")}${deprecated ? ` · <strong>deprecated: ${safe(deprecated)}</strong>` : ""}</p>
<p class="facts">${labels.slice(0, 8).map(safe).join(", ")}${labels.length > 8 ? ", …" : ""}${firstFigure(manifest)}</p>${doubtWords(warnings)}
</li>`;
}

/** "worse than chance, few cases", once each. */
function doubtWords(warnings: Listed["warnings"]): string {
  const words = [...new Set(warnings.map(({ code }) => warningWords(code)))];
  return words.length ? `\n<p class="facts"><strong>${safe(words.join(", "))}</strong></p>` : "";
}

/** The mean of the labels' AUROC, or of a task without labels its first figure. */
function firstFigure({ metrics: [first] }: AdapterManifest): string {
  if (!first) return "";
  const from = `(${safe(first.split)}, ${safe(first.dataset)})`;
  const values = first.labels.flatMap(({ auroc }) => auroc ?? []);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length) return ` · ${values.length > 1 ? "mean " : ""}AUROC ${mean.toFixed(3)} ${from}`;
  const figure = first.labels.length ? undefined : first.figures?.find(({ value }) => value !== null);
  return figure ? ` · ${safe(figure.name)} ${figure.value?.toFixed(3)}${figure.unit ? ` ${safe(figure.unit)}` : ""} ${from}` : "";
}

export function adapterPage({ found, manifest, warnings, card, versions }: Listed, { registryUrl, tryUrl, title = "AnyMC3D adapters" }: SiteOptions): string {
  const { name, version, license, published, deprecated } = found;
  const registry = registryUrl ? ` --registry ${registryUrl}` : "";
  const tried = tryUrl && /^https?:\/\//.test(tryUrl) ? tryUrl.replace("{adapter}", encodeURIComponent(`${name}@${version}`)) : undefined;
  const rows = [
    ["Package", `${name}@${version}`],
    ["Published", published?.slice(0, 10) ?? "not known"],
    ["Licence", license ?? manifest.license],
    ["Modality", modalitiesOf(found.modalities)],
    ["Body part", found.bodyParts.join(", ") || "not stated"],
    ["Backbone", manifest.backbone.name],
  ];
  const body = `<nav><a href="../index.html">${safe(title)}</a></nav>
<main>
<h1>${safe(manifest.title)}</h1>
${deprecated ? `<p class="warning">Deprecated: ${safe(deprecated)}</p>` : ""}
${warnings.map(({ message }) => `<p class="warning">${safe(message)}</p>`).join("\n")}
<p>${safe(manifest.description)}</p>
<dl>${rows.map(([key, value]) => `<dt>${key}</dt><dd>${safe(value)}</dd>`).join("")}</dl>
<h2>Use it</h2>
<pre><code>anymc3d adapter add ${safe(name)}@^${safe(version)}${safe(registry)}
anymc3d classify scan.nii.gz --adapter ${safe(name)}</code></pre>
${tried ? `<p><a class="try" href="${safe(tried)}">Try it in the browser</a></p>` : ""}
<h2>Figures</h2>
${metricsTables(manifest)}
<article>
${markdown.render(harmlessLines(card))}
</article>
<h2>Versions</h2>
<ul>${versions.map(({ version: each, published: when, deprecated: why }) => `<li>${safe(each)}${when ? `, ${safe(when.slice(0, 10))}` : ""}${why ? `, deprecated: ${safe(why)}` : ""}</li>`).join("")}</ul>
</main>`;
  return page(`${manifest.title}: ${name}`, "../", body);
}

function metricsTables({ metrics }: AdapterManifest): string {
  if (!metrics.length) return "<p>Its author states none.</p>";
  return metrics
    .map((entry) => {
      const { dataset, split, date, labels, figures = [] } = entry;
      const range = (interval: readonly number[] | null) => (interval ? `${interval[0].toFixed(3)} to ${interval[1].toFixed(3)}` : "not known");
      const caption = `${dataset}, ${split}, ${date}; as its author measured`;
      const byLabel = labels.map(({ id, n, positives, auroc, interval }) => [id, `${n}`, `${positives}`, auroc?.toFixed(3) ?? "not known", range(interval)]);
      const ofTask = figures.map(({ name, n, value, interval, unit }) => [
        unit ? `${name}, ${unit}` : name,
        `${n}`,
        value?.toFixed(3) ?? "not known",
        range(interval),
      ]);
      return [
        ...(labels.length ? [figuresTable(caption, ["label", "n", "positive", "AUROC", "95 % interval"], byLabel)] : []),
        ...(figures.length ? [figuresTable(caption, ["figure", "n", "value", "95 % interval"], ofTask)] : []),
      ].join("\n");
    })
    .join("\n");
}

function figuresTable(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = rows.map(([first, ...cells]) => `<tr><th scope="row">${safe(first)}</th>${cells.map((cell) => `<td>${safe(cell)}</td>`).join("")}</tr>`);
  return `<div class="wide"><table><caption>${safe(caption)}</caption>
<thead><tr>${head.map((title) => `<th scope="col">${safe(title)}</th>`).join("")}</tr></thead>
<tbody>${lines.join("")}</tbody></table></div>`;
}
