// A mark on the disk by which one process at a time holds something: a folder it trains into, a registry's storage, a lock file while it changes.

import { readFileSync, rmSync } from "node:fs";
import { readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** Milliseconds between two signs of life of a mark that beats. */
const BEAT = 1_000;
/** Milliseconds without one until its process counts as gone: where this machine has no process of its number, and where it may be one that gets no turn. */
const GONE = 3_500;
const STARVED = 15_000;
/** A mark is written at once after it was made: one that stays empty this long is of a process that was killed between. */
const EMPTY = 3_000;

/** Who holds a mark. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
}

/** What says that a mark's process is gone. */
export interface HoldOptions {
  /**
   * false: that no process of its number runs on this machine; a mark from another machine is believed. For work that may keep its process from
   * giving signs of life. true: that it gives no sign of life, on whatever machine, for 3.5 seconds, or 15 where a process of its number runs on
   * this machine or the mark is from another one; looking takes so long. Default false.
   */
  readonly beats?: boolean;
}

/** A mark is held by another process. */
export class Held extends Error {
  constructor(
    readonly mark: string,
    readonly holder: Holder,
  ) {
    super(`${mark}: held by process ${holder.pid} on ${holder.host}`);
  }
}

/** Texts of this process's marks. One with its number that is not here is of an earlier process, as in a container, where numbers are always the same. */
const own = new Set<string>();

/**
 * Takes a mark, or takes over one whose process is gone. Of several that do so at once, one gets it.
 * @returns what gives it back, which also happens when the process exits
 * @throws {Held}; the file system's own errors
 */
export async function hold(mark: string, options: HoldOptions = {}): Promise<() => void> {
  const path = resolve(mark);
  const text = `${process.pid} ${hostname()} ${Math.random().toString(36).slice(2)}`;
  own.add(text);
  const release = () => {
    clearInterval(timer);
    process.off("exit", release);
    own.delete(text);
    if (textNow(path) === text) rmSync(path, { force: true });
  };
  let timer: NodeJS.Timeout | undefined;
  try {
    while (!(await take(path, text, options)));
  } catch (error) {
    own.delete(text);
    throw error;
  }
  // After a long sleep the mark may be another's by now, which is not to be kept alive for it.
  const beat = () => void (textNow(path) === text && utimes(path, new Date(), new Date()).catch(() => undefined));
  if (options.beats) timer = setInterval(beat, BEAT).unref();
  process.once("exit", release);
  return release;
}

/** @returns false where the mark that was in the way has gone meanwhile, by itself or to a successor: look again */
async function take(path: string, text: string, options: HoldOptions): Promise<boolean> {
  const marks = [path];
  while (!(await make(marks[marks.length - 1], text))) {
    const last = marks[marks.length - 1];
    const found = await contentOf(last);
    const state = found === undefined ? "vanished" : options.beats ? await watch(last, isGone(found) ? GONE : STARVED) : isGone(found) ? "still" : "alive";
    if (state === "vanished") return false;
    if (state === "alive") throw new Held(path, holderOf(found ?? ""));
    // Who may succeed a mark is settled by another mark, whose name none has had before: two that found the same dead mark cannot both pass.
    marks.push(successor(last, found ?? ""));
  }
  return marks.length === 1 || takeOver(path, text, marks);
}

const successor = (mark: string, text: string): string => `${mark}.after-${text.split(" ")[2] ?? "nobody"}`;

/** Puts the new mark in the place of the one it may succeed. @returns false where that has a successor by now */
async function takeOver(path: string, text: string, marks: readonly string[]): Promise<boolean> {
  const mine = marks[marks.length - 1];
  try {
    if (successor(path, textNow(path) ?? "") !== marks[1]) return false;
    await rename(mine, path);
    for (const passed of marks.slice(1, -1)) rmSync(passed, { force: true });
    return true;
  } finally {
    if (textNow(mine) === text) rmSync(mine, { force: true });
  }
}

/** @returns false where there is a mark already */
async function make(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** A mark's text, once it has one; undefined where there is none any more. */
async function contentOf(path: string): Promise<string | undefined> {
  for (const start = Date.now(); ; ) {
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text !== "" || Date.now() - start > EMPTY) return text;
    await pause(20);
  }
}

function holderOf(text: string): Holder {
  const [pid, host = "an unknown machine"] = text.split(" ");
  return { pid: Number(pid) || 0, host };
}

function isGone(text: string): boolean {
  const { pid, host } = holderOf(text);
  if (pid === 0) return true;
  if (host !== hostname()) return false;
  return pid === process.pid ? !own.has(text) : !isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Whether the mark's time moves on within some milliseconds. */
async function watch(path: string, patience: number): Promise<"alive" | "still" | "vanished"> {
  const time = async () => (await stat(path).catch(() => undefined))?.mtimeMs;
  const first = await time();
  for (const start = Date.now(); Date.now() - start < patience; ) {
    const now = await time();
    if (now === undefined) return "vanished";
    if (now !== first) return "alive";
    await pause(50);
  }
  return "still";
}

function textNow(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
