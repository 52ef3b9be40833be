// The folder of a training run: one run at a time, a checkpoint that is whole or not there, a log.

import { appendFile, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
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
 * Takes DIR/run for this process. A lock left by a process that is gone is taken over.
 * @throws AnyMC3DError `RUN_LOCKED` while another run works there; `OUTPUT_NOT_WRITABLE`
 */
export async function openRunFolder(out: string): Promise<RunFolder> {
  const folder = join(out, "run");
  const lock = join(folder, "lock");
  const writable = async <T>(work: Promise<T>): Promise<T> =>
    work.catch((cause: Error) => {
      throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${folder} could not be written: ${cause.message}. What was stored before is still there.`, { cause });
    });
  await writable(mkdir(folder, { recursive: true }));
  await takeLock(lock);
  const target = join(folder, CHECKPOINT);
  return {
    readCheckpoint: () => readFile(target).catch(() => undefined),
    writeCheckpoint: (bytes) => writable(replaceFile(target, bytes)),
    log: (entry) => writable(appendFile(join(folder, "log.jsonl"), `${JSON.stringify(entry)}\n`)),
    writeReport: (html) => writable(replaceFile(join(folder, "report.html"), html)),
    writeSplits: (cases) =>
      writable(replaceFile(join(folder, "splits.csv"), ["id,group,split", ...cases.map(({ id, group, split }) => csvLine([id, group, split])), ""].join("\n"))),
    release: async () => {
      held.delete(resolve(lock));
      await rm(lock, { force: true });
    },
  };
}

/** Of this process: a lock with its own id that is not here was left by an earlier process, as in a container that always has the same ids. */
const held = new Set<string>();

async function takeLock(lock: string): Promise<void> {
  const owner = `${process.pid} ${hostname()}`;
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await writeFile(lock, owner, { flag: "wx" });
      held.add(resolve(lock));
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${lock}: ${(cause as Error).message}`, { cause });
    }
    const [pid, host] = (await readFile(lock, "utf8").catch(() => "")).split(" ");
    const own = host === hostname() && Number(pid) === process.pid;
    if (pid && (own ? held.has(resolve(lock)) : host !== hostname() || isAlive(Number(pid)))) {
      throw new AnyMC3DError(
        "RUN_LOCKED",
        `${lock}: process ${pid} on ${host} trains into this folder. Wait for it, choose another folder, or delete the file if that process is gone.`,
      );
    }
    await rm(lock, { force: true });
  }
  throw new AnyMC3DError("RUN_LOCKED", `${lock}: another process took the folder`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A line of a CSV file. */
export function csvLine(cells: readonly (string | number)[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : cell)).join(",");
}

/** Writes beside it, waits for the disk, renames. */
export async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    const file = await open(part, "w");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
