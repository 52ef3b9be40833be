// The table of commands, in the order in which --help shows them: a new command is one file and one line here.

import { adapterAddCommand } from "./adapter/add.command.js";
import { adapterBundleCommand } from "./adapter/bundle.command.js";
import { adapterImportCommand } from "./adapter/import.command.js";
import { adapterInfoCommand } from "./adapter/info.command.js";
import { adapterListCommand } from "./adapter/list.command.js";
import { adapterNewCommand } from "./adapter/new.command.js";
import { adapterOutdatedCommand } from "./adapter/outdated.command.js";
import { adapterPackCommand } from "./adapter/pack.command.js";
import { adapterPublishCommand } from "./adapter/publish.command.js";
import { adapterRemoveCommand } from "./adapter/remove.command.js";
import { adapterSearchCommand } from "./adapter/search.command.js";
import { adapterUpgradeCommand } from "./adapter/upgrade.command.js";
import { adapterVerifyCommand } from "./adapter/verify.command.js";
import { adapterVersionCommand } from "./adapter/version.command.js";
import { backboneImportCommand } from "./backbone/import.command.js";
import { cacheLsCommand } from "./cache/ls.command.js";
import { cachePruneCommand } from "./cache/prune.command.js";
import { cacheVerifyCommand } from "./cache/verify.command.js";
import { classifyCommand } from "./classify.command.js";
import type { CliCommand } from "./command.js";
import { convertCommand } from "./convert.command.js";
import { doctorCommand } from "./doctor.command.js";
import { evaluateCommand } from "./evaluate.command.js";
import { inspectCommand } from "./inspect.command.js";
import { registryAllowCommand } from "./registry/allow.command.js";
import { registrySiteCommand } from "./registry/site.command.js";
import { registryStartCommand } from "./registry/start.command.js";
import { trainCommand } from "./train.command.js";

/** All commands. */
export const COMMANDS: readonly CliCommand[] = [
  classifyCommand,
  evaluateCommand,
  trainCommand,
  inspectCommand,
  convertCommand,
  doctorCommand,
  adapterImportCommand,
  adapterVerifyCommand,
  adapterVersionCommand,
  adapterUpgradeCommand,
  adapterNewCommand,
  adapterPublishCommand,
  adapterSearchCommand,
  adapterInfoCommand,
  adapterAddCommand,
  adapterRemoveCommand,
  adapterListCommand,
  adapterOutdatedCommand,
  adapterBundleCommand,
  adapterPackCommand,
  cacheLsCommand,
  cacheVerifyCommand,
  cachePruneCommand,
  registryStartCommand,
  registryAllowCommand,
  registrySiteCommand,
  backboneImportCommand,
];

/** What a command's first word is about, where it has two. */
export const GROUPS: Readonly<Record<string, string>> = {
  adapter: "adapters",
  cache: "the packages that are kept on this machine (folder: ANYMC3D_CACHE)",
  registry: "a private marketplace",
  backbone: "backbones",
};
