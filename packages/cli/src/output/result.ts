// A result as text for people.

import { type Adapter, type ClassifyResult, DISCLAIMER, type ViewResult } from "@anymc3d/core";
import { isOfMachine } from "@anymc3d/core/errors";
import pc from "picocolors";

interface Extras {
  readonly heatmap?: string;
  readonly ms: number;
  /** Warnings about the machine that were printed before; each is shown once. Those about a file are shown for every file. */
  readonly warned: Set<string>;
}

export function printResult(file: string, { manifest }: Adapter, result: ClassifyResult, extras: Extras): void {
  const out: string[] = [];
  const width = Math.max(...result.labels.map(({ name }) => name.length));
  out.push(`${pc.bold(file)}  ${pc.dim(`${manifest.title}, ${manifest.name}@${manifest.version}`)}`);
  for (const { name, probability, threshold, positive } of result.labels) {
    const decision = positive ? pc.yellow("yes") : pc.dim("no ");
    const limit = threshold === undefined ? "" : pc.dim(` (threshold ${Number(threshold.toFixed(3))})`);
    out.push(`  ${name.padEnd(width)}  ${bar(probability)} ${percent(probability)}  ${decision}${limit}`);
  }
  out.push(...result.views.map((view) => pc.dim(`  ${mostRelevant(view)}`)));
  if (extras.heatmap) out.push(pc.dim(`  heatmap: ${extras.heatmap}`));
  const { engine, precision, times } = result.provenance;
  out.push(pc.dim(`  ${engine} ${precision}, ${(extras.ms / 1000).toFixed(2)} s (backbone ${(times.encode / 1000).toFixed(2)} s). ${DISCLAIMER}`));
  process.stdout.write(`${out.join("\n")}\n`);
  for (const { code, message } of result.warnings) {
    const ofMachine = isOfMachine(code);
    if (ofMachine && extras.warned.has(message)) continue;
    extras.warned.add(message);
    process.stderr.write(`${pc.yellow("warning")} ${ofMachine ? "" : `${file}: `}${message}\n`);
  }
}

function bar(share: number): string {
  const filled = Math.round(share * 20);
  return pc.cyan("█".repeat(filled)) + pc.dim("░".repeat(20 - filled));
}

const percent = (share: number) => `${(share * 100).toFixed(1).padStart(5)} %`;

function mostRelevant({ plane, axis, slices }: ViewResult): string {
  const top = [...slices].sort((a, b) => b.weight - a.weight).slice(0, 3);
  const shown = top.map(({ index, weight }) => `${index} (${percent(weight).trim()})`).join(", ");
  return `most relevant ${plane} slices, of ${slices.length} along ${"xyz"[axis]}, counted from 0: ${shown}`;
}
