// The files that a header names: among those given with it, else in its own folder; never elsewhere.

import { AnyMC3DError, isAnyMC3DError } from "@anymc3d/core";
import type { ReadOptions } from "../options/options.js";
import { besideSource, bytesOf, type Named, type Source, sourcePath } from "./bytes.js";

/** Gets the file of a name that a header gives. @throws AnyMC3DError `FILE_NOT_FOUND`, naming both; `FORMAT_INVALID` for a name that leaves the folder */
export type Companions = (file: string) => Promise<Named>;

/** Data files that one header may name. */
const MOST = 65536;

/**
 * @param source the header, where it came from
 * @param header what to call it
 */
export function companionsOf(source: Source, header: string, { companion, signal }: ReadOptions, limit: number): Companions {
  let left = limit;
  return async (file) => {
    const inside = checkName(file, header);
    const found = Array.isArray(companion)
      ? amongList(companion, sourcePath(source), inside)
      : ((companion as Source | undefined) ?? besideSource(source, inside));
    if (found === undefined) throw notFound(header, file);
    try {
      const named = await bytesOf(found, { limit: left, signal });
      left -= named.bytes.length;
      return named;
    } catch (error) {
      if (isAnyMC3DError(error) && error.code === "FILE_NOT_FOUND" && companion === undefined) throw notFound(header, file, error);
      throw error;
    }
  };
}

function notFound(header: string, file: string, cause?: unknown): AnyMC3DError {
  return new AnyMC3DError(
    "FILE_NOT_FOUND",
    `${header}: a header whose voxels are in ${file}, which was not found beside it. Put the file there, or pass it as \`companion\`.`,
    { cause },
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

/** The given file of this name; the one in the header's own folder where several have it. */
function amongList(list: readonly Source[], header: string, file: string): Source | undefined {
  const named = list.filter((each) => `/${sourcePath(each).replaceAll("\\", "/")}`.endsWith(`/${file}`));
  const folder = header.replaceAll("\\", "/").replace(/[^/]*$/, "");
  return named.find((each) => sourcePath(each).replaceAll("\\", "/") === folder + file) ?? (named.length === 1 ? named[0] : undefined);
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
