// What lies at a path, as a hash: of a file its bytes; of a folder the names and bytes of all files in it; with a header what it may name beside it.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { endingOf } from "@anymc3d/io";

/** Above, a file that is called a header is none. */
const HEADER = 2 ** 20;

/**
 * @returns SHA-256; the same for the same names and bytes, wherever they lie
 * @throws the file system's own errors
 */
export async function contentHash(path: string, signal?: AbortSignal): Promise<string> {
  const files = await filesAt(path);
  const hash = createHash("sha256");
  for (const { name, file } of files) {
    const one = createHash("sha256");
    await pipeline(createReadStream(file, { signal }), one);
    hash.update(`${JSON.stringify(name)} ${one.digest("hex")}\n`);
  }
  return hash.digest("hex");
}

interface Found {
  /** Within what was given. */
  readonly name: string;
  readonly file: string;
}

async function filesAt(path: string): Promise<Found[]> {
  if ((await stat(path)).isDirectory()) return filesIn(path, "");
  const beside = await companions(path);
  return [{ name: "", file: path }, ...beside.map((name) => ({ name, file: join(dirname(path), name) }))];
}

async function filesIn(folder: string, within: string): Promise<Found[]> {
  const names = (await readdir(folder)).sort();
  const found: Found[] = [];
  for (const name of names) {
    const file = join(folder, name);
    const info = await stat(file).catch(() => undefined);
    if (info?.isDirectory()) found.push(...(await filesIn(file, `${within}${name}/`)));
    else if (info?.isFile()) found.push({ name: within + name, file });
  }
  return found;
}

/** Files beside a header that it may mean: of its own name but for the ending, or named in a line of it; all where it names them by a pattern. */
async function companions(path: string): Promise<string[]> {
  const ending = endingOf(path);
  if (!ending || (ending.holds !== "header" && !ending.header)) return [];
  const folder = dirname(path);
  const { size } = await stat(path);
  const text = ending.holds === "header" && size < HEADER ? await readFile(path, "utf8") : "";
  const stem = basename(path).slice(0, -ending.ending.length);
  const all = /%\d*d/.test(text);
  const beside = (await readdir(folder)).filter((name) => all || name.startsWith(`${stem}.`));
  const named = text.split(/\r?\n/).map((line) => line.replace(/^[\w ]+[:=]+/, "").trim());
  const files = [...new Set([...beside, ...named])].filter((name) => name !== "" && name !== basename(path) && !name.includes("\0"));
  const there = await Promise.all(files.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.isFile()));
  return files.filter((_, i) => there[i]).sort();
}
