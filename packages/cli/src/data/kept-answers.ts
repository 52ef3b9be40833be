// The answers of an evaluation on the disk as they are made, so that one that was stopped, by whatever, goes on where it was.
// A line a volume (JSON), each bound to what made it and to the bytes it was made of: what no longer fits is computed anew.

import { createHash } from "node:crypto";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
import { Held, hold } from "@anymc3d/node-files/hold";
import { makeFolder } from "@anymc3d/node-files/make-folder";
import { notWritable } from "@anymc3d/node-files/write-whole";

const SCHEMA = "anymc3d.answers/1";

/** All that an answer follows from but the volume; in words, as they are told where one is another. */
export type MadeBy = Readonly<Record<string, unknown>>;

/** Answers by volume. */
export interface KeptAnswers<Answer> {
  /** Where they are; undefined where none are kept. */
  readonly path?: string;
  /** Of earlier runs, and fit for this one but for their volumes, which are looked at one by one. */
  readonly there: number;
  /** What the answers that do not fit were made with that is another now: "adapter"; empty where all fit. */
  readonly differs: readonly string[];
  /** @param input hash of what was read for it */
  answerTo(id: string, input: string): Answer | undefined;
  /** On the disk when the promise is kept. @throws AnyMC3DError `OUTPUT_NOT_WRITABLE` */
  add(id: string, input: string, answer: Answer): Promise<void>;
  /** Lets another process have the file. */
  close(): Promise<void>;
}

/** What keeps nothing. */
export const nothingKept = <Answer>(): KeptAnswers<Answer> => ({
  there: 0,
  differs: [],
  answerTo: () => undefined,
  add: async () => {},
  close: async () => {},
});

interface Line {
  readonly by: string;
  /** In a line that says what `by` stands for. */
  readonly made?: MadeBy;
  readonly id?: string;
  readonly input?: string;
  readonly answer?: unknown;
  /** Of all before it. */
  readonly sum: string;
}

/**
 * Opens a file of kept answers, or begins one. Lines that were not written to their end are passed over; none is removed.
 * @throws AnyMC3DError `RUN_LOCKED` while another process keeps its answers there; `OUTPUT_NOT_WRITABLE`, also for a file that is something else
 */
export async function keepAnswers<Answer>(path: string, made: MadeBy): Promise<KeptAnswers<Answer>> {
  await makeFolder(dirname(path));
  const release = await hold(`${path}.lock`).catch((cause: unknown) => {
    if (!(cause instanceof Held)) throw notWritable(path, dirname(path), cause);
    const { pid, host } = cause.holder;
    throw new AnyMC3DError("RUN_LOCKED", `${path}: process ${pid} on ${host} keeps its answers there. Wait for it, or choose another file by --keep.`);
  });
  let handle: FileHandle | undefined;
  const close = async () => {
    await handle?.close();
    release();
  };
  try {
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? "" : Promise.reject(error)));
    const by = sha(JSON.stringify(made));
    const found = readLines(text, path);
    handle = await open(path, "a", 0o600);
    const write = appender(handle, path, text !== "" && !text.endsWith("\n"));
    if (!found.made.has(by)) await write({ by, made });
    const answers = found.answers.get(by) ?? new Map<string, Line>();
    return {
      path,
      there: answers.size,
      differs: [...new Set([...found.answers.keys()].filter((key) => key !== by).flatMap((key) => differences(found.made.get(key), made)))],
      answerTo(id, input) {
        const line = answers.get(id);
        return line?.input === input ? (line.answer as Answer) : undefined;
      },
      add: (id, input, answer) => write({ by, id, input, answer }),
      close,
    };
  } catch (cause) {
    await close();
    throw notWritable(path, dirname(path), cause);
  }
}

const sha = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

/** Lines by what made them, the last of a volume; and what that was. */
function readLines(text: string, path: string): { made: Map<string, MadeBy>; answers: Map<string, Map<string, Line>> } {
  const made = new Map<string, MadeBy>();
  const answers = new Map<string, Map<string, Line>>();
  const lines = text.split("\n").filter((line) => line !== "");
  // A file with other things in it is someone's; one that was torn at its very beginning is ours.
  if (lines.length && !lines.some((line) => line.includes(SCHEMA)) && !`{"schema":"${SCHEMA}"`.startsWith(text.trim()))
    throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${path} holds something else than the kept answers of an evaluation. Choose another file by --keep.`);
  for (const text of lines) {
    const line = whole(text);
    if (line?.made) made.set(line.by, line.made);
    if (line?.id === undefined) continue;
    const of = answers.get(line.by) ?? new Map<string, Line>();
    answers.set(line.by, of.set(line.id, line));
  }
  return { made, answers };
}

/** A line that is as it was written; undefined for one that was torn or changed. */
function whole(text: string): Line | undefined {
  try {
    const { sum, ...line } = JSON.parse(text);
    return sum === sha(JSON.stringify(line)) ? { ...JSON.parse(text, numbersBack), sum } : undefined;
  } catch {
    return undefined;
  }
}

/** @returns what adds a line, which is on the disk when the promise is kept. @param torn the last line was not written to its end */
function appender(handle: FileHandle, path: string, torn: boolean): (fields: Omit<Line, "sum">) => Promise<void> {
  let before = torn ? "\n" : "";
  return async (fields) => {
    const line = JSON.stringify({ schema: SCHEMA, ...fields }, numbersOut);
    try {
      await handle.appendFile(`${before}${line.slice(0, -1)},"sum":"${sha(line)}"}\n`);
      before = "";
      await handle.datasync();
    } catch (cause) {
      before = "\n";
      throw notWritable(path, dirname(path), cause);
    }
  };
}

/** Numbers that JSON has no word for: an interval may be unbounded. */
const MARK = "\0";
const numbersOut = (_: string, value: unknown) => (typeof value === "number" && !Number.isFinite(value) ? `${MARK}${value}` : value);
const numbersBack = (_: string, value: unknown) => (typeof value === "string" && value.startsWith(MARK) ? Number(value.slice(1)) : value);

const differences = (then: MadeBy | undefined, now: MadeBy): string[] =>
  Object.keys(now).filter((name) => JSON.stringify(then?.[name]) !== JSON.stringify(now[name]));
