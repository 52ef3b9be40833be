// anymc3d adapter new: its words and options.

import { TASK_KINDS } from "@anymc3d/core";
import { upperCase } from "../../options/values.js";
import type { CliCommand } from "../command.js";

export const adapterNewCommand: CliCommand = {
  name: "adapter new",
  define: (command) =>
    command
      .description("start a task: a folder with task.json and labels.csv to fill")
      .argument("<folder>")
      .option("--name <name>", "npm name of the package; default: adapter-FOLDER")
      .option("--modality <code>", "CT, MR, …", upperCase, "CT")
      .option("--labels <ids>", "of labels, of classes (ordered ones from the lowest), or of the quantity; separated by commas; default: finding")
      .option("--kind <kind>", `of the task. ${TASK_KINDS.map(({ id, text }) => `${id}: ${text}`).join("; ")}. Default: binary, multilabel of several labels`)
      .option("--verbose", "show where an error came from")
      .action(async (folder, flags) => (await import("./new.js")).newAdapter(folder, flags)),
};
