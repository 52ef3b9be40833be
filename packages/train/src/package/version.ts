// An adapter's version, which stands in three places: package.json, adapter.json and the card.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
import { writeWhole } from "@anymc3d/node-files/write-whole";

/** What an adapter's card says of name and version. */
export const versionOnCard = (name: string, version: string): string => `\`${name}\` ${version}`;

/** The form of a version in adapter.json. */
const VERSION = /\d+\.\d+\.\d+(?:-[\w.]*\w)?/;

/** One of the places. */
export interface VersionPlace {
  readonly file: string;
  /** What it says now; undefined: nothing that is a version. */
  readonly version: string | undefined;
  /** The file's text with another version, all else as it is. */
  with(version: string): string;
}

/**
 * The places of an adapter's version, as they are in its folder.
 * @throws AnyMC3DError `FILE_NOT_FOUND`; `DATA_INVALID` for a file that is not JSON
 */
export async function versionPlaces(folder: string): Promise<{ readonly name: string; readonly places: readonly VersionPlace[] }> {
  const text = (file: string) =>
    readFile(join(folder, file), "utf8").catch((cause: Error) => {
      throw new AnyMC3DError("FILE_NOT_FOUND", `${join(folder, file)}: ${cause.message}. An adapter's folder has package.json, adapter.json and README.md.`, {
        cause,
      });
    });
  const manifest = await text("adapter.json");
  const { name } = parsed(manifest, join(folder, "adapter.json"));
  const places = [
    jsonPlace("package.json", await text("package.json"), folder),
    jsonPlace("adapter.json", manifest, folder),
    cardPlace(await text("README.md"), String(name)),
  ];
  return { name: String(name), places };
}

function parsed(text: string, path: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found === "object" && found !== null) return found as Record<string, unknown>;
  } catch {}
  throw new AnyMC3DError("DATA_INVALID", `${path} is no JSON object`);
}

function jsonPlace(file: string, text: string, folder: string): VersionPlace {
  const found = parsed(text, join(folder, file));
  const { version } = found;
  return {
    file,
    version: typeof version === "string" ? version : undefined,
    /** The one "version" whose change changes the file's own: text that is no field, and fields of what is nested, stay. */
    with(next) {
      const wanted = JSON.stringify({ ...found, version: next });
      for (const { index, 0: field } of text.matchAll(/"version"\s*:\s*"[^"]*"/g)) {
        const changed = text.slice(0, index) + field.replace(/"[^"]*"$/, () => JSON.stringify(next)) + text.slice(index + field.length);
        if (JSON.stringify(parsed(changed, file)) === wanted) return changed;
      }
      return `${JSON.stringify({ ...found, version: next }, null, 2)}\n`;
    },
  };
}

function cardPlace(text: string, name: string): VersionPlace {
  const [before, after] = versionOnCard(name, "X")
    .split("X")
    .map((part) => part.replace(/[^\w ]/g, "\\$&"));
  const found = new RegExp(`(${before})(${VERSION.source})${after}`).exec(text);
  const start = found ? found.index + found[1].length : text.length;
  const version = found?.[2];
  return { file: "README.md", version, with: (next) => text.slice(0, start) + next + text.slice(start + (version?.length ?? 0)) };
}

/**
 * Writes a version into all places, or into none.
 * @throws AnyMC3DError as {@link versionPlaces}; `DATA_INVALID` where the card does not say the name and a version; `OUTPUT_NOT_WRITABLE`
 */
export async function writeVersion(folder: string, version: string): Promise<void> {
  const { name, places } = await versionPlaces(folder);
  const missing = places.find((place) => place.file === "README.md" && place.version === undefined);
  if (missing)
    throw new AnyMC3DError(
      "DATA_INVALID",
      `${join(folder, missing.file)} does not say ${versionOnCard(name, "X.Y.Z")}, by which readers know the version. Write it there; nothing was changed.`,
    );
  const changed = places.map((place) => ({ path: join(folder, place.file), text: place.with(version) }));
  const before = await Promise.all(changed.map(({ path }) => readFile(path)));
  try {
    for (const { path, text } of changed) await writeWhole(path, text);
  } catch (error) {
    for (const [i, { path }] of changed.entries()) await writeWhole(path, before[i]).catch(() => undefined);
    throw error;
  }
}
