// What anymc3d evaluate measures on: the rows of a labels.csv with their images, or the volumes of an .npz.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Adapter, AnyMC3DError, type Warning } from "@anymc3d/core";
import type { RegionSource, StudySource } from "@anymc3d/sdk";
import { npzCases, type Split, splitName } from "@anymc3d/train";
import { decodeTable, imagePaths, parseLabels, parseSplits, valueWithoutFolders } from "@anymc3d/train/node";
import { contentHash } from "./content-hash.js";

export interface EvaluationCase {
  readonly id: string;
  readonly group: string;
  readonly labels: ReadonlyMap<string, number>;
  /** What is read for it beside the table, as far as it can be named; files and folders. */
  readonly files: readonly string[];
  /** Paths or volumes. @throws AnyMC3DError `FILE_NOT_FOUND`, `LABELS_INVALID` */
  study(): StudySource | Promise<StudySource>;
  /** What of the study it is about; absent: the whole of it. */
  readonly region?: RegionSource;
  /** Hash of all that is read for it. @throws as `study`; the file system's own errors */
  content(signal?: AbortSignal): Promise<string>;
  /** What went wrong with it, without the folders of this machine that its files are in. */
  told<T>(fault: T): T;
}

const read = (path: string) =>
  readFile(path).catch((cause: Error) => {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${path}: ${cause.message}`, { cause });
  });

/** None where there is no file to be found. */
function knownPaths(paths: () => Readonly<Record<string, string>>): string[] {
  try {
    return Object.values(paths());
  } catch {
    return [];
  }
}

const NPZ_SPLITS = ["train", "val", "test"] as const satisfies readonly Split[];

/**
 * The cases of a split, or of all.
 * @throws AnyMC3DError `FILE_NOT_FOUND`; `OPTION_INVALID` for an .npz without a split; as `parseLabels` and `npzCases`
 */
export async function evaluationCases(
  data: string,
  { manifest: { task, input } }: Adapter,
  { split, splits, onWarning }: { readonly split?: string; readonly splits?: string; readonly onWarning?: (warning: Warning) => void },
): Promise<EvaluationCase[]> {
  const sources = [...new Set(input.views.map(({ source }) => source))];
  const bytes = await read(data);
  if (data.endsWith(".npz")) {
    const chosen = NPZ_SPLITS.find((name) => split !== undefined && name === splitName(split));
    if (!chosen) throw new AnyMC3DError("OPTION_INVALID", `${data}: an .npz holds splits; say which by --split ${NPZ_SPLITS.join(", ")}`);
    const hash = createHash("sha256").update(bytes).digest("hex");
    const cases = npzCases(bytes, { task, file: data, splits: [chosen], source: sources[0] });
    return cases.map(({ load, ...one }) => ({ ...one, files: [], study: () => load(), content: async () => hash, told: (fault) => fault }));
  }
  const rows = parseLabels(decodeTable(bytes), {
    file: data,
    task,
    split,
    onWarning,
    ...(splits && { splits: parseSplits(decodeTable(await read(splits)), splits) }),
  });
  return rows.map((row) => {
    const folder = dirname(resolve(data));
    const paths = () => imagePaths(row, sources, folder);
    const marked = row.region && "file" in row.region ? resolve(folder, row.region.file) : undefined;
    const known = [...knownPaths(paths), ...(marked === undefined ? [] : [marked])];
    return {
      id: row.id,
      group: row.group,
      labels: row.labels,
      files: known,
      ...(row.region && { region: "file" in row.region ? { mask: marked as string, label: row.region.label } : row.region }),
      study: () => (sources.length > 1 ? paths() : paths()[sources[0]]),
      content: async (signal) => {
        const read = { ...paths(), ...(marked !== undefined && { "region's file": marked }) };
        const hashes = await Promise.all(Object.entries(read).map(async ([source, path]) => [source, await contentHash(path, signal)] as const));
        return createHash("sha256")
          .update(JSON.stringify(row.region ? [hashes, row.region] : hashes))
          .digest("hex");
      },
      told: (fault) => valueWithoutFolders(fault, folder, known),
    };
  });
}
