// anymc3d adapter new: a folder to start a task from, with a task.json and a labels.csv that can be trained once images lie beside them.

import { readdir, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { AnyMC3DError, newPackageName, type Task, taskKind } from "@anymc3d/core";
import { makeFolder } from "@anymc3d/node-files/make-folder";
import { notWritable } from "@anymc3d/node-files/write-whole";
import { parseTrainConfig, TASK_TRAININGS } from "@anymc3d/train";
import { print } from "../../output/terminal.js";

export interface NewFlags {
  name?: string;
  modality: string;
  /** Ids, separated by commas; default: `finding`. */
  labels?: string;
  /** Of the task; default: one label binary, several multilabel. */
  kind?: string;
}

/** What a scan of a modality is shown to the backbone as. */
function intensityOf(modality: string) {
  if (modality === "CT") return { kind: "windows", windows: [[-1000, 1000], [-150, 250], [-1000, 400]] }; // biome-ignore format: a line
  return { kind: "percentile", low: 0.5, high: 99.5, over: "nonzero" };
}

/** A path as a shell takes it. */
const quoted = (path: string): string => (/^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

function exampleOf(ids: readonly string[], kind: string) {
  const found = TASK_TRAININGS.find(({ id }) => id === kind);
  if (found) return checked(found.example(ids), ids);
  throw new AnyMC3DError("OPTION_INVALID", `--kind ${kind}: no such kind of task; there are ${TASK_TRAININGS.map(({ id }) => id).join(", ")}`);
}

/** @throws AnyMC3DError `OPTION_INVALID` where the kind does not go with so many labels */
function checked<E extends { readonly task: Task }>(example: E, ids: readonly string[]): E {
  const faults = taskKind(example.task)
    .faults(example.task)
    .map((fault) => fault.replace(/^task(\.labels)?: /, ""));
  if (faults.length === 0) return example;
  const hint = ids.length > 1 ? "change --labels, or choose another --kind" : "give --labels low,middle,high";
  throw new AnyMC3DError("OPTION_INVALID", `--kind ${example.task.kind} with --labels ${ids.join(",")}: ${faults.join("; ")}; ${hint}`);
}

export async function newAdapter(
  folder: string,
  { name = newPackageName("adapter", basename(resolve(folder))), modality, labels = "finding", kind }: NewFlags,
): Promise<void> {
  const there = await readdir(folder).catch(() => []);
  if (there.length) throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${folder} is not empty; choose a new folder`);
  const ids = labels.split(",").map((label) => label.trim());
  const example = exampleOf(ids, kind ?? (ids.length > 1 ? "multilabel" : "binary"));
  const task = {
    name,
    title: `${ids.join(", ")} (${modality})`,
    description: `${example.description} (${modality})`,
    dataset: "TODO: what the data is called, with its licence",
    task: example.task,
    input: {
      views: [
        {
          source: "volume",
          plane: "axial",
          crop: "volume",
          spacing: 1,
          size: [224, 224],
          slices: { choice: "even", count: 24 },
          intensity: intensityOf(modality),
          pad: modality === "CT" ? -1000 : 0,
        },
      ],
    },
    license: "UNLICENSED",
    limits: ["TODO: what it cannot do, and on whom it was not tried."],
    training: { epochs: 6 },
  };
  parseTrainConfig(task, "task.json");
  const [first, second] = example.rows;
  const csv = `id,group,split,${example.columns.join(",")}\n0001,patient-1,train,${first.join(",")}\n0002,patient-2,val,${second.join(",")}\n`;
  try {
    await makeFolder(join(folder, "images"));
    await writeFile(join(folder, "task.json"), `${JSON.stringify(task, null, 2)}\n`);
    await writeFile(join(folder, "labels.csv"), csv);
  } catch (cause) {
    throw notWritable(folder, folder, cause);
  }
  print(
    `${folder}: task.json, labels.csv (replace its two rows), images/`,
    `Then: anymc3d train ${quoted(join(folder, "labels.csv"))} --config ${quoted(join(folder, "task.json"))} --out ${quoted(`${folder}-package`)} --modality ${modality}`,
  );
}
