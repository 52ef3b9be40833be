// The files that a header names: among those given with it, else in its own folder; never elsewhere.

import { AnyMC3DError } from "@anymc3d/core";
import { tooLarge } from "../options/limits.js";
import type { ReadOptions } from "../options/read-options.js";
import { checkPacked, type FileEntry, type Named, wholeFile } from "./file-entry.js";
import { openSource, type Source, sourcePath } from "./open.js";

/** Gets the file of a name that a header gives; `most`: bytes that it may have if it comes out of an archive. @throws AnyMC3DError `FILE_NOT_FOUND`, naming both; `FORMAT_INVALID` for a name that leaves the folder */
export type Companions = (file: string, most?: number) => Promise<Named>;

/** Data files that one header may name. */
const MOST = 65536;

export interface CompanionOptions extends Pick<ReadOptions, "companion" | "signal"> {
  /** Most bytes of all of them. */
  readonly limit: number;
  /** What the header was given with. Others are not looked for; default: what lies beside it. */
  readonly siblings?: readonly FileEntry[];
}

export function companionsOf(header: FileEntry, { companion, siblings, limit, signal }: CompanionOptions): Companions {
  let left = limit;
  const find = async (file: string): Promise<FileEntry | undefined> => {
    const inside = checkName(file, header.name);
    const open = (source: Source) => openSource(source, { limit: left, signal });
    if (Array.isArray(companion))
      return ofName(
        companion.map((source) => ({ path: sourcePath(source), open: () => open(source) })),
        header.path,
        inside,
      );
    if (companion !== undefined) return open(companion as Source);
    if (siblings)
      return ofName(
        siblings.map((entry) => ({ path: entry.path, open: async () => entry })),
        header.path,
        inside,
      );
    return header.beside?.(inside);
  };
  return async (file, most) => {
    const found = await find(file);
    if (!found) throw notFound(header.name, file);
    if (most !== undefined) checkPacked(found, most);
    const named = await wholeFile(found, left);
    if (named.bytes.length > left) throw tooLarge(named.name, `it has ${named.bytes.length} bytes`, left);
    left -= named.bytes.length;
    return named;
  };
}

function notFound(header: string, file: string): AnyMC3DError {
  return new AnyMC3DError(
    "FILE_NOT_FOUND",
    `${header}: a header whose voxels are in ${file}, which was not found beside it. Put the file there, or pass it as \`companion\`.`,
    { details: { file } },
  );
}

/** The name as a path below the header's folder. @throws AnyMC3DError `FORMAT_INVALID` */
function checkName(file: string, header: string): string {
  const parts = file.split(/[\\/]/);
  if (file === "" || file.includes("\0") || parts.includes("..") || parts[0] === "" || /^[a-z][a-z0-9+.-]*:/i.test(file)) {
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${header}: its data file is ${JSON.stringify(file.slice(0, 200))}; expected a name in the header's own folder. Move the file there and correct the header, or pass it as \`companion\`.`,
    );
  }
  return parts.filter((part) => part !== "." && part !== "").join("/");
}

interface Candidate {
  readonly path: string;
  readonly open: () => Promise<FileEntry>;
}

/** The candidate of this name; the one in the header's own folder where several have it. */
async function ofName(candidates: readonly Candidate[], header: string, file: string): Promise<FileEntry | undefined> {
  const slashed = (path: string) => path.replaceAll("\\", "/");
  const named = candidates.filter(({ path }) => `/${slashed(path)}`.endsWith(`/${file}`));
  const folder = slashed(header).replace(/[^/]*$/, "");
  const own = named.find(({ path }) => slashed(path) === folder + file) ?? (named.length === 1 ? named[0] : undefined);
  return own?.open();
}

/**
 * Names of numbered files: a printf pattern with one %d, its first and last number, and the step between.
 * @throws AnyMC3DError `FORMAT_INVALID`
 */
export function numberedNames(pattern: string, [first, last, step]: readonly number[], header: string): string[] {
  const count = Math.floor((last - first) / step) + 1;
  const [conversion, zero, width] = /%(0?)(\d{0,2})[diu]/.exec(pattern) ?? [];
  if (
    conversion === undefined ||
    pattern.replace(conversion, "").includes("%") ||
    ![first, last, step].every(Number.isSafeInteger) ||
    !(count >= 1 && count <= MOST)
  ) {
    throw new AnyMC3DError(
      "FORMAT_INVALID",
      `${header}: its data files are "${pattern.slice(0, 200)}" with numbers ${first} to ${last} by ${step}; expected one %d in the name, and 1 to ${MOST} whole numbers.`,
    );
  }
  return Array.from({ length: count }, (_, i) => pattern.replace(conversion, String(first + i * step).padStart(Number(width || 0), zero || " ")));
}

/** The names of a LIST, checked for their number. @throws AnyMC3DError `FORMAT_INVALID` */
export function listedNames(lines: readonly string[], header: string): string[] {
  const names = lines.map((line) => line.trim()).filter((line) => line !== "");
  if (names.length >= 1 && names.length <= MOST) return names;
  throw new AnyMC3DError("FORMAT_INVALID", `${header}: its LIST names ${names.length} data files; expected 1 to ${MOST}.`);
}
