// A result as text for people.

import { type Adapter, type ClassifyResult, DISCLAIMER, explain, type ViewResult } from "@anymc3d/core";
import { isOfMachine } from "@anymc3d/core/errors";
import { regionText } from "../options/region.js";
import { pc, print, printErr } from "./terminal.js";

interface Extras {
  readonly heatmap?: string;
  readonly ms: number;
  /** What was asked for. */
  readonly region?: string;
  /** Also what the answer means. */
  readonly explain?: boolean;
  /** Warnings about the machine that were printed before; each is shown once. Those about a file are shown for every file. */
  readonly warned: Set<string>;
}

export function printResult(file: string, { manifest }: Adapter, result: ClassifyResult, extras: Extras): void {
  const out: string[] = [];
  out.push(`${pc.bold(extras.region ? `${file}, ${extras.region}` : file)}  ${pc.dim(`${manifest.title}, ${manifest.name}@${manifest.version}`)}`);
  const meaning = extras.explain ? explain(manifest) : undefined;
  const lines = labelLines(result).map((line, n) => [line, ...(meaning?.labels[n]?.lines ?? []).map(meant)]);
  out.push(...outsideLines(result, manifest.title), ...lines.flat(), ...valueLines(result), ...(meaning?.whole ?? []).map(meant));
  if (extras.explain) out.push(...manifest.limits.map((limit) => meant(`limit: ${limit}`)));
  out.push(...result.views.map((view) => pc.dim(`  ${mostRelevant(view)}`)));
  const region = regionText(result);
  if (region) out.push(pc.dim(`  ${region}`));
  if (extras.heatmap) out.push(pc.dim(`  heatmap: ${extras.heatmap}`));
  const { engine, precision, times } = result.provenance;
  out.push(pc.dim(`  ${engine} ${precision}, ${(extras.ms / 1000).toFixed(2)} s (backbone ${(times.encode / 1000).toFixed(2)} s). ${DISCLAIMER}`));
  print(...out);
  const alreadyTold = new Set(result.outside?.map(({ message }) => message));
  for (const { code, message } of result.warnings.filter((warning) => !alreadyTold.has(warning.message))) {
    const ofMachine = isOfMachine(code);
    if (ofMachine && extras.warned.has(message)) continue;
    extras.warned.add(message);
    printErr(`${pc.yellow("warning")} ${ofMachine ? "" : `${file}: `}${message}`);
  }
}

const meant = (text: string): string => pc.dim(`      ${text}`);

/** What an answer that was forced is not: said before any number. */
function outsideLines({ outside = [] }: ClassifyResult, title: string): string[] {
  if (outside.length === 0) return [];
  return [
    pc.red(pc.bold(`  OUTSIDE what ${title} was made for; the numbers below say nothing about this scan:`)),
    ...outside.map(({ message }) => pc.red(`  - ${message}`)),
  ];
}

/** A line a label: its probability, the decision (of classes: which one), and which answers its set holds. */
function labelLines({ labels, coverage, outside }: ClassifyResult): string[] {
  const classes = labels.every(({ threshold }) => threshold === undefined);
  const width = Math.max(...labels.map(({ name }) => name.length));
  // No verdict, and nothing that looks like one.
  if (outside) return labels.map(({ name, probability }) => pc.dim(`  ${name.padEnd(width)}  ${plainBar(probability)} ${percent(probability)}`));
  return labels.map(({ name, probability, threshold, positive, set }) => {
    const decision = classes ? (positive ? pc.yellow("decided") : "") : positive ? pc.yellow("yes") : pc.dim("no ");
    const limit = threshold === undefined ? [] : [`threshold ${Number(threshold.toFixed(3))}`];
    const answers = set ? [`${share(coverage)} set: ${set.join(" or ")}`] : [];
    const details = [...limit, ...answers].join("; ");
    return `  ${name.padEnd(width)}  ${bar(probability)} ${percent(probability)}  ${decision}${details && pc.dim(` (${details})`)}`.trimEnd();
  });
}

/** The value with its unit and interval, and the set of classes, as far as the result has them. */
function valueLines({ labels, quantity, value, unit, interval, set, coverage, outside }: ClassifyResult): string[] {
  const digits = (number: number) => String(Number(number.toPrecision(4)));
  const within = interval && !outside ? pc.dim(` (${share(coverage)} interval: ${digits(interval[0])} to ${digits(interval[1])})`) : "";
  const name = (id: string) => labels.find((label) => label.id === id)?.name ?? id;
  return [
    ...(value === undefined
      ? []
      : [`  ${quantity?.name ?? "expected value, of the classes' numbers"}  ${pc.bold(digits(value))}${unit ? ` ${unit}` : ""}${within}`]),
    ...(set && !outside ? [pc.dim(`  ${share(coverage)} set: ${set.map(name).join(", ")}`)] : []),
  ];
}

const share = (coverage = 0) => `${Number((coverage * 100).toFixed(1))} %`;

const BAR = 20;
const filledOf = (share: number): number => Math.round(share * BAR);
const bar = (share: number): string => pc.cyan("█".repeat(filledOf(share))) + pc.dim("░".repeat(BAR - filledOf(share)));
const plainBar = (share: number): string => "▒".repeat(filledOf(share)) + "░".repeat(BAR - filledOf(share));

const percent = (share: number) => `${(share * 100).toFixed(1).padStart(5)} %`;

function mostRelevant({ plane, axis, slices }: ViewResult): string {
  const top = [...slices].sort((a, b) => b.weight - a.weight).slice(0, 3);
  const shown = top.map(({ index, weight }) => `${index} (${percent(weight).trim()})`).join(", ");
  return `most relevant ${plane} slices, of ${slices.length} along ${"xyz"[axis]}, counted from 0: ${shown}`;
}
