// The folder of a training run: one run at a time, a checkpoint that is whole or not there, a log.

import { appendFile, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
import { Held, hold } from "@anymc3d/node-files/hold";
import { makeFolder } from "@anymc3d/node-files/make-folder";
import { checkFolderTarget } from "@anymc3d/node-files/target";
import { notWritable, removeUnfinished, writeWhole } from "@anymc3d/node-files/write-whole";
import type { TrainCase } from "../data/cases.js";

const CHECKPOINT = "checkpoint.safetensors";

/** The folder run/ of a training: checkpoint, log, splits, report. */
export interface RunFolder {
  /** The last checkpoint, if there is one. */
  readCheckpoint(): Promise<Uint8Array | undefined>;
  /** Replaces the checkpoint; the old one stays until the new one is whole on the disk. @throws AnyMC3DError `OUTPUT_NOT_WRITABLE` */
  writeCheckpoint(bytes: Uint8Array): Promise<void>;
  /** Adds a line to log.jsonl. */
  log(entry: unknown): Promise<void>;
  /** Writes splits.csv: id, group and split of every case, for `anymc3d evaluate --splits`. @throws AnyMC3DError `OUTPUT_NOT_WRITABLE` */
  writeSplits(cases: readonly Pick<TrainCase, "id" | "group" | "split">[]): Promise<void>;
  /** Writes report.html. @throws AnyMC3DError `OUTPUT_NOT_WRITABLE` */
  writeReport(html: string): Promise<void>;
  /** Lets another run have the folder. */
  release(): Promise<void>;
}

/**
 * Refuses a folder that a run cannot go into, before anything is read or computed for it.
 * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE` naming the folder that cannot be written, or the run that is there and is not to be gone on with
 */
export async function checkRunFolder(out: string, resume = false): Promise<void> {
  const checkpoint = join(out, "run", CHECKPOINT);
  const found = await stat(checkpoint).catch(() => undefined);
  if (found && !resume) throw earlierRun(checkpoint);
  await checkFolderTarget(out);
  await checkFolderTarget(join(out, "run"));
}

/** The refusal to begin where a run was. */
export const earlierRun = (checkpoint: string): AnyMC3DError =>
  new AnyMC3DError(
    "OUTPUT_NOT_WRITABLE",
    `${checkpoint} is there from an earlier run: go on with it by --resume (in a program: resume), or choose another folder`,
  );

/**
 * Takes DIR/run for this process. A lock left by a process that is gone is taken over.
 * @throws AnyMC3DError `RUN_LOCKED` while another run works there; `OUTPUT_NOT_WRITABLE`
 */
export async function openRunFolder(out: string): Promise<RunFolder> {
  const folder = join(out, "run");
  const lock = join(folder, "lock");
  const writable = <T>(work: Promise<T>): Promise<T> =>
    work.catch((cause: unknown) => {
      throw notWritable(folder, folder, cause);
    });
  await makeFolder(folder);
  const release = await takeLock(lock);
  await removeUnfinished(folder);
  const target = join(folder, CHECKPOINT);
  return {
    readCheckpoint: () => readFile(target).catch(() => undefined),
    writeCheckpoint: (bytes) => writeWhole(target, bytes),
    log: (entry) => writable(appendFile(join(folder, "log.jsonl"), `${JSON.stringify(entry)}\n`)),
    writeReport: (html) => writeWhole(join(folder, "report.html"), html),
    writeSplits: (cases) =>
      writeWhole(join(folder, "splits.csv"), ["id,group,split", ...cases.map(({ id, group, split }) => csvLine([id, group, split])), ""].join("\n")),
    release: async () => release(),
  };
}

/** Training may keep a process from giving signs of life for long, so that its number says whether it is gone. */
async function takeLock(lock: string): Promise<() => void> {
  return hold(lock).catch((cause: unknown) => {
    if (!(cause instanceof Held)) throw notWritable(lock, lock, cause);
    const { pid, host } = cause.holder;
    throw new AnyMC3DError(
      "RUN_LOCKED",
      `${lock}: process ${pid} on ${host} trains into this folder. Wait for it, choose another folder, or delete the file if that process is gone.`,
    );
  });
}

/** A line of a CSV file. */
export function csvLine(cells: readonly (string | number)[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : cell)).join(",");
}

/**
 * A line of a CSV file that people open in a spreadsheet: texts in which that would see a formula get an apostrophe in front, which it takes for
 * "text". Numbers, which may be negative, stay what they are.
 */
export const sheetLine = (cells: readonly (string | number)[]): string =>
  csvLine(cells.map((cell) => (typeof cell === "string" && FORMULA.test(cell) && Number.isNaN(Number(cell)) ? `'${cell}` : cell)));

const FORMULA = /^(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/;
