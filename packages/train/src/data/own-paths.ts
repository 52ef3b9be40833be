// Paths of this machine as a data set says them: folders of its owner stay out of ids, reports and logs.

import { basename, isAbsolute, relative, sep } from "node:path";

/** A path within the folder of a data set relative to it, any other by its last name. */
export function ownPath(path: string, folder: string): string {
  const inside = relative(folder, path);
  const within = inside !== "" && inside !== ".." && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
  return within ? inside.split(sep).join("/") : basename(path);
}

/**
 * Absolute paths as ids: as {@link ownPath}, with as many of the folders above as it takes for all to differ.
 * @returns by path
 */
export function ownIds(paths: readonly string[], folder: string): Map<string, string> {
  const parts = [...new Set(paths)].map((path) => ({ path, own: ownPath(path, folder), names: path.split(/[\\/]/) }));
  for (let count = 1; ; count++) {
    const ids = parts.map(({ own, names }) => (own === names.at(-1) ? names.slice(-count).join("/") : own));
    const done = new Set(ids).size === ids.length || parts.every(({ names }) => count >= names.length);
    if (done) return new Map(parts.map(({ path }, i) => [path, ids[i]]));
  }
}

/** A message about files, without the folders that they are in. @param paths absolute ones that it may name, or files below them */
export function withoutFolders(message: string, folder: string, paths: readonly string[]): string {
  const longestFirst = [...paths].sort((a, b) => b.length - a.length);
  const named = longestFirst.reduce((text, path) => text.replaceAll(path, () => ownPath(path, folder)), message);
  return folder.endsWith(sep) ? named : named.replaceAll(folder + sep, "");
}

/** The same for every text in a value, such as an error's details. */
export function valueWithoutFolders<T>(value: T, folder: string, paths: readonly string[]): T {
  if (typeof value === "string") return withoutFolders(value, folder, paths) as T;
  if (Array.isArray(value)) return value.map((each) => valueWithoutFolders(each, folder, paths)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, valueWithoutFolders(inner, folder, paths)])) as T;
}
