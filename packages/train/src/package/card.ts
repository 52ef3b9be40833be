// The model card of an adapter package. Every number in it comes from the manifest or the training run.

import { type AdapterManifest, DISCLAIMER, shortName } from "@anymc3d/core";
import { roiKind } from "@anymc3d/core/learn";
import { comparedWhat } from "../metrics/compare.js";
import { BOOTSTRAP } from "../metrics/metrics.js";
import { coverageText } from "../report/coverage-text.js";
import { markdownTable } from "../report/markdown.js";
import { taskTraining } from "../tasks/index.js";
import { versionOnCard } from "./version.js";

export interface CardOptions {
  /** How it was trained, one sentence a line; absent for adapters trained elsewhere. */
  readonly training?: readonly string[];
  /** A Markdown table of ablations and baselines on the same validation cases. */
  readonly comparison?: string;
}

/** README.md of an adapter package. */
export function modelCard(manifest: AdapterManifest, { training, comparison }: CardOptions = {}): string {
  const { name, title, version, description, intendedUse, limits, license, citation, backbone, conformance } = manifest;
  const short = shortName("adapter", name);
  const kind = taskTraining(manifest.task);
  const labels = kind.cardLabels(manifest.task);
  const { file, roi, flags } = roiKind(manifest.input.roi).example;
  const parts = [
    `# ${title}`,
    `${versionOnCard(name, version)}. ${description}`,
    `**${DISCLAIMER}**`,
    "## Use",
    `\`\`\`sh\nnpm install @anymc3d/sdk ${name}\n\`\`\``,
    `\`\`\`js\nimport { classify } from "@anymc3d/sdk";\nimport adapter from "${name}";\n\n${roi ? `const roi = ${roi};\n` : ""}const result = await classify("${file}", adapter, { ${roi ? "roi, " : ""}heatmap: true });\n\`\`\``,
    `\`anymc3d classify ${file} --adapter ${short}${flags ? ` ${flags}` : ""}\``,
    "## Intended use",
    intendedUse,
    "## Limits",
    limits.map((limit) => `- ${limit}`).join("\n"),
    "## Input",
    manifest.input.views.map(viewLine).join("\n"),
    `## ${labels.title}`,
    markdownTable(labels.head, labels.rows),
    "## Metrics",
    metricsText(manifest),
    ...(training ? ["## Training", training.map((line) => `- ${line}`).join("\n")] : []),
    ...(comparison
      ? [
          "## Compared with",
          `On the same validation cases, ${comparedWhat(manifest.task)} [95 % interval, bootstrap over groups (patients, or cases where none are named)]; differences on the same resamples.\n\n${comparison}`,
        ]
      : []),
    "## Conformance",
    `On the synthetic volume of seed ${conformance.seed} the logits are ${conformance.logits.join(", ")} (± ${conformance.tolerance}); \`anymc3d adapter verify\` checks it. Backbone: \`${backbone.name}\`, ${backbone.hash}.`,
    "## Licence",
    license,
    ...(citation.length ? ["## Citation", citation.map((entry) => `- ${entry}`).join("\n")] : []),
  ];
  return `${parts.join("\n\n")}\n`;
}

function viewLine({ source, plane, size, spacing, slices, expect }: AdapterManifest["input"]["views"][number]): string {
  const figure = (value: number) => String(Number(value.toPrecision(4)));
  const range = (what: string, found: { range: readonly number[] } | undefined, unit = "") =>
    found ? `, ${what} ${[...new Set(found.range.map(figure))].join(" to ")}${unit}` : "";
  const expected = `${expect.modality ? `, modality ${expect.modality.join(" or ")}` : ""}${range("smallest value", expect.minimum)}${range("largest value", expect.maximum)}${range("pixels", expect.pixelSpacing, " mm")}${range("slice distance", expect.sliceSpacing, " mm")}${range("extent", expect.extent, " mm")}${range("number of slices", expect.slices)}`;
  return `- ${source}, ${plane}: slices (${slices.choice}) of ${size[0]}×${size[1]} pixels${spacing === null ? "" : ` of ${spacing} mm`}${expected}`;
}

function metricsText({ metrics, task }: AdapterManifest): string {
  if (metrics.length === 0) return "None stated.";
  return metrics
    .map((entry) => {
      const { dataset, split, date, seed, madeBy, coverage = [], warnings = [] } = entry;
      const source = `${dataset}, split "${split}", ${date}, seed ${seed}, ${madeBy}. Intervals: bootstrap over groups (patients, or cases where none are named), ${BOOTSTRAP.samples.toLocaleString("en")} resamples.`;
      const doubts = warnings.map(({ code, message }) => `- **${code}** ${message}`);
      return [source, figuresTables(entry), ...coverage.map((one) => `- ${coverageText(one, task)}`), ...(doubts.length ? [doubts.join("\n")] : [])].join(
        "\n\n",
      );
    })
    .join("\n\n");
}

/** "0.787–0.965" */
export const edges = (interval: readonly number[] | null): string => (interval ? interval.map((edge) => edge.toFixed(3)).join("–") : "-");
const shown = (value: number | null): string => (value === null ? "undefined" : value.toFixed(3));

function figuresTables({ labels, figures = [] }: AdapterManifest["metrics"][number]): string {
  const byLabel = markdownTable(
    ["label", "n", "positive", "AUROC", "95 % interval"],
    labels.map(({ id, n, positives, auroc, interval }) => [id, String(n), String(positives), shown(auroc), edges(interval)]),
  );
  const ofTask = markdownTable(
    ["figure", "n", "value", "95 % interval"],
    figures.map(({ name, n, value, interval, unit }) => [unit ? `${name}, ${unit}` : name, String(n), shown(value), edges(interval)]),
  );
  return [...(labels.length ? [byLabel] : []), ...(figures.length ? [ofTask] : [])].join("\n\n");
}
