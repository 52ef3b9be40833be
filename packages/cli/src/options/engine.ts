// Options of the commands that run an engine.

import { enginesIn } from "@anymc3d/sdk/engines";
import { type Command, Option } from "commander";
import { addReadFlags } from "./read.js";
import { wholeNumber } from "./values.js";

export interface EngineFlags {
  engine: string;
  precision: "fp32" | "int8";
  threads?: number;
  backbone?: string;
  checks: "refuse" | "warn" | "force";
  verbose?: boolean;
}

/** `anymc3d doctor` says which of them start here. */
export function engineOption(): Option {
  return new Option("--engine <engine>", `auto, ${enginesIn("node").join(", ")}`).default("auto");
}

export function addEngineFlags(command: Command): Command {
  return addReadFlags(command)
    .addOption(engineOption())
    .addOption(new Option("--precision <precision>", "int8 is about twice as fast; logits move by up to about 0.7").choices(["fp32", "int8"]).default("fp32"))
    .option("--threads <n>", "CPU threads", wholeNumber(1))
    .option("--backbone <folder>", "another backbone's folder or package; default: the one the adapter names")
    .addOption(
      new Option("--checks <mode>", "input outside what the adapter declares; force: another kind of image, too")
        .choices(["refuse", "warn", "force"])
        .default("refuse"),
    )
    .option("--verbose", "show where an error came from");
}
