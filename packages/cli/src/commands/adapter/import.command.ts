// anymc3d adapter import: its words and options.

import { positiveNumber } from "../../options/values.js";
import type { CliCommand } from "../command.js";

export const adapterImportCommand: CliCommand = {
  name: "adapter import",
  define: (command) =>
    command
      .description("make an adapter package from what PEFT saved in Python, see docs/import-from-python.md")
      .requiredOption("--config <file>", "task.json: task, labels, input")
      .option("--lora <folders...>", "with adapter_config.json and adapter_model.safetensors; one a view, in their order")
      .option("--head <file>", "safetensors with pool.query, head.weight, head.bias; with several views views.0.pool.query, …, fusion.query")
      .requiredOption("--out <folder>", "a new folder for the package")
      .option("--backbone <folder>", "the backbone it was trained on; default: DINOv2 ViT-S/14")
      .option("--expect <file>", "safetensors with pixels and PyTorch's logits of them; other logits are refused")
      .option("--tolerance <logit>", "what --expect allows", positiveNumber, 0.001)
      .option("--metrics <file>", "JSON, for metrics in adapter.json")
      .option("--verbose", "show where an error came from")
      .action(async (flags) => (await import("./import.js")).importAdapter(flags)),
};
