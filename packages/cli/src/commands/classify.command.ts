// anymc3d classify: its words and options.

import { HEATMAPS } from "@anymc3d/core";
import { InvalidArgumentError, Option } from "commander";
import { addEngineFlags } from "../options/engine.js";
import { addRegionFlags } from "../options/region.js";
import { addRegistryFlags } from "../options/registry.js";
import type { CliCommand } from "./command.js";

/** NAME=FILE; a file may have = in its name. */
function namedFile(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, file] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("a source and its file, as ed=a.nii.gz, are needed.");
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`the source "${name}" is given twice.`);
  return { ...before, [name]: file };
}

export const classifyCommand: CliCommand = {
  name: "classify",
  define: (command) =>
    addRegistryFlags(addRegionFlags(addEngineFlags(command.description("classify volumes: NIfTI, DICOM, NRRD, MetaImage, NumPy, …").argument("[files...]"))))
      .addOption(
        new Option(
          "--adapter <adapter>",
          "a folder, a name (lung-nodule), a name with a range (lung-nodule@^1), a .tgz or its address; several: once more each",
        ).argParser((name: string, before: string[] = []) => [...before, name]),
      )
      .option("--all", "every installed adapter that takes the scan")
      .addOption(new Option("--source <name=file>", "a study of several volumes: once for each source of the adapter, as ed=a.nii.gz").argParser(namedFile))
      .option(
        "--heatmap <file>",
        "write where the model looked, as NIfTI or NRRD on the input's grid; with several files put {name} into it, with several regions {region}, with several adapters {adapter}",
      )
      .addOption(
        new Option("--heatmap-method <method>", `${HEATMAPS.map(({ id, text }) => `${id}: ${text}`).join("; ")}; default: ${HEATMAPS[0].id}`).choices(
          HEATMAPS.map(({ id }) => id),
        ),
      )
      .option("--heatmap-label <id>", "the label that gradcam explains; default: the one with the largest logit (of ordered classes there is none to name)")
      .option("--explain", "what thresholds and probabilities mean: how they were chosen, what was measured, what it was trained on, its limits")
      .option("--json", "one JSON object a volume, one a line")
      .option("--quiet", "do not tell how far it is")
      .action(async (files, flags) => (await import("./classify.js")).classifyFiles(files, flags)),
};
