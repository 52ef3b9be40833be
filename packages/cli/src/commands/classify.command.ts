// anymc3d classify: its words and options.

import { HEATMAPS } from "@anymc3d/core";
import { Option } from "commander";
import { addEngineFlags } from "../options/engine.js";
import { addRegionFlags } from "../options/region.js";
import { addRegistryFlags } from "../options/registry.js";
import type { CliCommand } from "./command.js";

export const classifyCommand: CliCommand = {
  name: "classify",
  define: (command) =>
    addRegistryFlags(addRegionFlags(addEngineFlags(command.description("classify volumes: NIfTI, DICOM, NRRD, MetaImage, NumPy, …").argument("<files...>"))))
      .requiredOption("--adapter <adapter>", "a folder, a name (lung-nodule), a name with a range (lung-nodule@^1), a .tgz or its address")
      .option(
        "--heatmap <file>",
        "write where the model looked, as NIfTI or NRRD on the input's grid; with several files put {name} into it, with several regions {region}",
      )
      .addOption(
        new Option("--heatmap-method <method>", `${HEATMAPS.map(({ id, text }) => `${id}: ${text}`).join("; ")}; default: ${HEATMAPS[0].id}`).choices(
          HEATMAPS.map(({ id }) => id),
        ),
      )
      .option("--heatmap-label <id>", "the label that gradcam explains; default: the one with the largest logit (of ordered classes there is none to name)")
      .option("--json", "one JSON object a volume, one a line")
      .option("--quiet", "do not tell how far it is")
      .action(async (files, flags) => (await import("./classify.js")).classifyFiles(files, flags)),
};
