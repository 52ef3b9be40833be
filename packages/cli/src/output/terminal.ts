// The one way to the terminal. What strangers wrote is made harmless here, whatever line it stands in; our own colours are told from theirs.

import { randomUUID } from "node:crypto";
import { harmless, harmlessJson, harmlessLines, isolated } from "@anymc3d/core/errors";
import colors from "picocolors";
import { folded } from "./width.js";

/** Stands for the escape character in our own colours until a line is written; nobody else can know it. */
const OWN = `\ue000${randomUUID()}\ue000`;
const ESCAPE = "\x1b";

function style(name: "bold" | "dim" | "red" | "green" | "yellow" | "cyan"): (text: string) => string {
  const [open, close] = colors[name]("\0")
    .split("\0")
    .map((code) => code.replaceAll(ESCAPE, OWN));
  return (text) => `${open}${text}${close}`;
}

/** Colours and weights of text; nothing where the terminal has none. */
export const pc = { bold: style("bold"), dim: style("dim"), red: style("red"), green: style("green"), yellow: style("yellow"), cyan: style("cyan") };

/** A line: honest words from right to left are isolated, so that the figures beside them keep their place. */
const shown = (line: string): string => isolated(harmless(line)).replaceAll(OWN, ESCAPE);

/** Writes lines to standard output. A line feed inside of one is shown as an escape: no text makes a line of its own. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.map(shown).join("\n")}\n`);
}

/** Writes lines to standard error: warnings, errors, what is not the result. Further lines of a message are indented, so that none looks like a new one. */
export function printErr(...lines: readonly string[]): void {
  for (const line of lines) writeErr(`${line.replaceAll("\r\n", "\n").replace(/\n(?! {2})/g, "\n  ")}\n`);
}

/** Columns of the terminal; of what is none, as most have. */
export const terminalWidth = (): number => process.stdout.columns || 80;

const BAR = "│ ";

/** Writes a stranger's text of several lines, such as a card, to standard output: behind a bar, where a terminal breaks lines, too, so that none looks like ours. */
export function printQuoted(text: string): void {
  const lines = harmlessLines(text).replaceAll("\t", "  ").split("\n");
  const broken = process.stdout.isTTY ? lines.flatMap((line) => folded(line, Math.max(1, terminalWidth() - BAR.length))) : lines;
  print(...broken.map((line) => (BAR + line).trimEnd()));
}

/** Writes a value as JSON to standard output: in one line, or indented. */
export function printJson(value: unknown, indent?: number): void {
  process.stdout.write(`${harmlessJson(value, indent)}\n`);
}

const lines = (text: string): string => text.split("\n").map(shown).join("\n");

/** For programs that bring their own lines: commander's help and errors, npm's. */
export const writeOut = (text: string): void => void process.stdout.write(lines(text));
export const writeErr = (text: string): void => void process.stderr.write(lines(text));

/** Called once standard output cannot be written. */
export function onOutputError(told: (error: NodeJS.ErrnoException) => void): void {
  process.stdout.on("error", told);
  // What is told besides may be lost, as when a terminal was closed; the work is not.
  process.stderr.on("error", () => undefined);
}

/** Waits until standard output is written. @returns false where it could not be */
export const isOut = (): Promise<boolean> => new Promise((done) => process.stdout.write("", (error) => done(!error)));
