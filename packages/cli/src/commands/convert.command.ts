// anymc3d convert: its words and options.

import { Option } from "commander";
import { addReadFlags } from "../options/read.js";
import { addRegionFlags } from "../options/region.js";
import { number, triple } from "../options/values.js";
import type { CliCommand } from "./command.js";

export const convertCommand: CliCommand = {
  name: "convert",
  define: (command) =>
    addRegionFlags(
      addReadFlags(
        command
          .description("write a volume, or regions of it, in another format, order or grid")
          .argument("<input>")
          .argument("<output>", "its ending says the format, as out.nii.gz; with several regions put {region}, the region's number, into it"),
      ),
    )
      .option("--margin <mm>", "of --roi: what is added on either side of a region, as 10 or 10,10,5", triple)
      .option("--canonical", "order the voxels toward right, anterior, superior; nothing is interpolated")
      .option("--crop-above <value>", "crop to the voxels above a value", number)
      .option("--resample <mm>", "voxel size of the output, as 1 or 1,1,2", triple)
      .option("--like <file>", "put it on the grid of another volume")
      .addOption(new Option("--interpolation <method>", "default: linear, of a segmentation nearest").choices(["linear", "nearest"]))
      .option("--fill <value>", "value of places outside the input; default: a CT in HU -1000, else the smallest value", number)
      .option("--force", "replace an output that exists")
      .option("--verbose", "show where an error came from")
      .action(async (input, output, flags) => (await import("./convert.js")).convert(input, output, flags)),
};
