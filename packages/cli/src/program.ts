// The commands and their options. Each command's work is imported when it runs, so that help and completion answer at once.

import { HEATMAPS } from "@anymc3d/core";
import tab from "@bomb.sh/tab/commander";
import { Command, Option } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { addEngineFlags, engineOption } from "./options/engine.js";
import { addReadFlags } from "./options/read.js";
import { addRegistryFlags } from "./options/registry.js";
import { positiveNumber, triple, upperCase, wholeNumber } from "./options/values.js";

export function createProgram(): Command {
  const program = new Command("anymc3d")
    .description("Classify 3D medical volumes with one frozen backbone and small adapters. Research use only; not a medical device.")
    .version(packageJson.version)
    .exitOverride()
    .showHelpAfterError("(anymc3d --help shows the commands)")
    .addHelpText("after", "\nExit codes: 0 done, 1 something failed, 2 wrong usage, 130 interrupted.");

  addRegistryFlags(addEngineFlags(program.command("classify").description("classify volumes: NIfTI, DICOM, NRRD, MetaImage, NumPy, …").argument("<files...>")))
    .requiredOption("--adapter <adapter>", "a folder, a name (lung-nodule), a name with a range (lung-nodule@^1), a .tgz or its address")
    .option("--heatmap <file>", "write where the model looked, as NIfTI or NRRD on the input's grid; with several files put {name} into it")
    .addOption(
      new Option("--heatmap-method <method>", HEATMAPS.map(({ id, text }) => `${id}: ${text}`).join("; "))
        .choices(HEATMAPS.map(({ id }) => id))
        .default(HEATMAPS[0].id),
    )
    .option("--heatmap-label <id>", "gradcam's label; default: the one with the largest logit")
    .option("--json", "one JSON object a volume, one a line")
    .action(async (files, flags) => (await import("./commands/classify.js")).classifyFiles(files, flags));

  addRegistryFlags(
    addEngineFlags(
      program.command("evaluate").description("measure an adapter on labelled volumes").argument("<data>", "labels.csv, or an .npz in MedMNIST's layout"),
    ),
  )
    .requiredOption("--adapter <adapter>", "a folder, a name (lung-nodule), a name with a range (lung-nodule@^1), a .tgz or its address")
    .option("--split <split>", "only this split; an .npz needs one: train, val or test")
    .option("--splits <file>", "a table of id and split instead of the split column, such as run/splits.csv of a training")
    .option("--predictions <file>", "write logits and probabilities of every volume as CSV")
    .option("--samples <n>", "bootstrap resamples for the 95 % intervals", wholeNumber(100), 1000)
    .option("--seed <n>", "of the bootstrap", wholeNumber(0), 0)
    .option("--json", "print one JSON object")
    .action(async (csv, flags) => (await import("./commands/evaluate.js")).evaluate(csv, flags));

  addReadFlags(
    program
      .command("train")
      .description("train an adapter on labelled volumes and write its package")
      .argument("<data>", "labels.csv, or an .npz in MedMNIST's layout"),
  )
    .requiredOption("--config <file>", "task.json: task, labels, input, training; see docs/train-an-adapter.md")
    .requiredOption("--out <folder>", "where the package goes; checkpoints and the log go to its folder run/")
    .option("--resume", "go on with the run in --out")
    .option("--skip-bad", "leave out cases that cannot be used, instead of stopping")
    .option("--resample-masks", "bring masks on another grid onto their image's, by nearest neighbour")
    .option("--epochs <n>", "instead of training.epochs", wholeNumber(1))
    .option("--seed <n>", "instead of training.seed", wholeNumber(0))
    .option("--compare [variants]", "also train head-only, mean-pooling, last-K, rank-R, no-masks, … (a,b+c) and hold all against size-only baselines")
    .addOption(engineOption())
    .option("--threads <n>", "CPU threads", wholeNumber(1))
    .option("--backbone <folder>", "another backbone's folder or package; default: DINOv2 ViT-S/14")
    .option("--json", "one JSON object a line: data, features, step, validate, epoch, done, compared")
    .option("--verbose", "show where an error came from")
    .action(async (data, flags) => (await import("./commands/train.js")).trainAdapter(data, flags));

  addReadFlags(program.command("inspect").description("what a file holds, and which installed adapters accept it").argument("<files...>"))
    .option("--adapter <adapter...>", "adapters to ask besides the installed ones")
    .option("--png <file>", "write a strip of axial slices, as a radiologist would see them")
    .option("--json", "one JSON object a file, one a line")
    .option("--verbose", "show where an error came from")
    .action(async (files, flags) => (await import("./commands/inspect.js")).inspectFiles(files, flags));

  addReadFlags(
    program
      .command("convert")
      .description("write a volume in another format, order or grid")
      .argument("<input>")
      .argument("<output>", "its ending says the format, as out.nii.gz"),
  )
    .option("--canonical", "order the voxels toward right, anterior, superior; nothing is interpolated")
    .option("--crop-above <value>", "crop to the voxels above a value", Number)
    .option("--resample <mm>", "voxel size of the output, as 1 or 1,1,2", triple)
    .option("--like <file>", "put it on the grid of another volume")
    .addOption(new Option("--interpolation <method>", "nearest for masks").choices(["linear", "nearest"]).default("linear"))
    .option("--fill <value>", "value of places outside the input", Number, 0)
    .option("--force", "replace an output that exists")
    .option("--verbose", "show where an error came from")
    .action(async (input, output, flags) => (await import("./commands/convert.js")).convert(input, output, flags));

  program
    .command("doctor")
    .description("which engines run here, whether they compute rightly, and how fast")
    .option("--json", "print one JSON object")
    .option("--verbose", "show where an error came from")
    .action(async (flags) => (await import("./commands/doctor.js")).doctor(flags));

  const adapter = program.command("adapter").description("adapters");
  adapter
    .command("import")
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
    .action(async (flags) => (await import("./commands/adapter/import.js")).importAdapter(flags));

  adapter
    .command("verify")
    .description("check an adapter's folder before publishing: schema, tensors, conformance, metrics, card, package.json")
    .argument("<folder>")
    .addOption(engineOption())
    .option("--backbone <folder>", "the backbone's folder or package; default: the one the adapter names")
    .option("--json", "print one JSON object")
    .option("--verbose", "show where an error came from")
    .action(async (folder, flags) => (await import("./commands/adapter/verify.js")).verify(folder, flags));

  adapter
    .command("upgrade")
    .description("write adapter.json anew in today's version, the weights beside it pinned by their hash")
    .argument("<folder>")
    .option("--verbose", "show where an error came from")
    .action(async (folder) => (await import("./commands/adapter/upgrade.js")).upgradeAdapter(folder));

  adapter
    .command("new")
    .description("start a task: a folder with task.json and labels.csv to fill")
    .argument("<folder>")
    .option("--name <name>", "npm name of the package; default: adapter-FOLDER")
    .option("--modality <code>", "CT, MR, …", upperCase, "CT")
    .option("--labels <ids>", "of labels, of classes (ordered ones from the lowest), or of the quantity; separated by commas", "finding")
    .option("--kind <kind>", "of the task: binary, multilabel, multiclass, ordinal, …; default: binary, multilabel of several labels")
    .option("--verbose", "show where an error came from")
    .action(async (folder, flags) => (await import("./commands/adapter/new.js")).newAdapter(folder, flags));

  adapter
    .command("publish")
    .description("check an adapter's folder, show what would be published, and with --yes publish it by npm")
    .argument("<folder>")
    .option("--registry <url>", "default: npm's own setting")
    .option("--tag <tag>", "default: latest")
    .option("--provenance", "state where it was built, where the CI offers it")
    .option("--yes", "publish; without it nothing leaves the machine")
    .addOption(engineOption())
    .option("--backbone <folder>", "the backbone's folder or package; default: the one the adapter names")
    .option("--json", "print one JSON object")
    .option("--verbose", "show where an error came from")
    .action(async (folder, flags) => (await import("./commands/adapter/publish.js")).publish(folder, flags));

  addRegistryFlags(adapter.command("search").description("find adapters in the registry").argument("[words...]", "that name, title, labels or body parts hold"))
    .option("--modality <code>", "CT, MR, …", upperCase)
    .option("--body-part <part>")
    .option("--backbone <name>", "as dinov2-small")
    .option("--json", "print one JSON list")
    .option("--verbose", "show where an error came from")
    .action(async (words, flags) => (await import("./commands/adapter/search.js")).searchAdapters(words, flags));

  addRegistryFlags(adapter.command("info").description("show an adapter's card: data, figures, limits, versions").argument("<adapter>"))
    .option("--json", "the manifest and the versions, as one JSON object")
    .option("--verbose", "show where an error came from")
    .action(async (spec, flags) => (await import("./commands/adapter/search.js")).adapterInfo(spec, flags));

  addRegistryFlags(
    adapter
      .command("add")
      .description("fetch adapters and their backbones, check them on this machine, and write them into anymc3d.lock.json")
      .argument("<adapters...>", "name, name@range, a .tgz or its address, a bundle (.zip)"),
  )
    .option("--json", "print one JSON object an adapter")
    .option("--verbose", "show where an error came from")
    .action(async (specs, flags) => (await import("./commands/adapter/add.js")).addAdapters(specs, flags));

  adapter
    .command("remove")
    .description("take adapters out of anymc3d.lock.json")
    .argument("<adapters...>")
    .option("--verbose", "show where an error came from")
    .action(async (names) => (await import("./commands/adapter/add.js")).removeAdapters(names));

  adapter
    .command("list")
    .description("the adapters of this project: locked and installed")
    .option("--json", "print one JSON object")
    .option("--verbose", "show where an error came from")
    .action(async (flags) => (await import("./commands/adapter/list.js")).listAdapters(flags));

  addRegistryFlags(adapter.command("outdated").description("locked adapters of which the registry has another version"))
    .option("--json", "print one JSON list")
    .option("--verbose", "show where an error came from")
    .action(async (flags) => (await import("./commands/adapter/list.js")).outdatedAdapters(flags));

  addRegistryFlags(adapter.command("bundle").description("adapters and their backbones as one file, for a machine without a network").argument("<adapters...>"))
    .requiredOption("--out <file>", "a .zip")
    .option("--force", "replace a file that exists")
    .option("--verbose", "show where an error came from")
    .action(async (specs, flags) => (await import("./commands/adapter/bundle.js")).bundleAdapters(specs, flags));

  adapter
    .command("pack")
    .description("check an adapter's folder and make a .tgz of it, as publish would send it")
    .argument("<folder>")
    .option("--out <folder>", "where the file goes", ".")
    .addOption(engineOption())
    .option("--backbone <folder>", "the backbone's folder or package; default: the one the adapter names")
    .option("--json", "print one JSON object")
    .option("--verbose", "show where an error came from")
    .action(async (folder, flags) => (await import("./commands/adapter/bundle.js")).packAdapter(folder, flags));

  const cache = program.command("cache").description("the packages that are kept on this machine (folder: ANYMC3D_CACHE)");
  cache
    .command("ls")
    .description("list them")
    .option("--json", "print one JSON object")
    .action(async (flags) => (await import("./commands/cache/cache.js")).listCache(flags));
  cache
    .command("verify")
    .description("remove what is damaged")
    .option("--json", "print one JSON object")
    .action(async (flags) => (await import("./commands/cache/cache.js")).verifyCache(flags));
  cache
    .command("prune")
    .description("remove what was not used for longest")
    .option("--max-size <MB>", "what may stay", wholeNumber(0), 0)
    .option("--json", "print one JSON object")
    .action(async (flags) => (await import("./commands/cache/cache.js")).pruneCache(flags));

  const registry = program.command("registry").description("a private marketplace");
  registry
    .command("start")
    .description("run an npm registry for adapters on this machine (needs verdaccio installed)")
    .option("--storage <folder>", "packages and accounts are kept here", "anymc3d-registry")
    .option("--port <n>", "0: a free one", wholeNumber(0), 4873)
    .option("--host <address>", "interface to listen on; 0.0.0.0 for all", "127.0.0.1")
    .option("--no-sign-up", "nobody may make an account any more")
    .option("--no-public-read", "reading needs an account, too")
    .option("--json", "print one JSON object")
    .option("--verbose", "show where an error came from")
    .action(async (flags) => (await import("./commands/registry/start.js")).serveRegistry(flags));

  addRegistryFlags(registry.command("site").description("write the marketplace page of a registry as static files: search, cards, figures, versions"))
    .requiredOption("--out <folder>", "where index.html goes")
    .option("--title <text>")
    .option("--public-url <url>", "the registry's address as readers reach it; default: --registry")
    .option("--try <url>", "the browser app; {adapter} becomes name@version")
    .option("--verbose", "show where an error came from")
    .action(async (flags) => (await import("./commands/registry/site.js")).registrySite(flags));

  const backbone = program.command("backbone").description("backbones");
  backbone
    .command("import")
    .description("import a Hugging Face folder (DINOv2, with registers, DINOv3 ViT, ViT) as a backbone")
    .argument("<folder>", "with config.json and model.safetensors (sharded too)")
    .requiredOption("--out <folder>", "a new folder for backbone.json and weights.safetensors")
    .option("--name <name>", "default: the folder's name")
    .option("--license <text>", "licence of the weights", "unknown")
    .option("--verbose", "show where an error came from")
    .action(async (folder, flags) => (await import("./commands/backbone/import.js")).importBackbone(folder, flags));

  for (const command of [...program.commands, ...adapter.commands, ...registry.commands, ...cache.commands, ...backbone.commands]) command.exitOverride();
  tab(program);
  return program;
}
