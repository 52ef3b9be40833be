// anymc3d adapter search, info: what registries have, and the card of one.

import type { Warning } from "@anymc3d/core";
import { warningWords } from "@anymc3d/core/errors";
import { interruptSignal } from "../../interrupt.js";
import { openFor, type RegistryFlags } from "../../options/registry.js";
import { printTable } from "../../output/table.js";
import { pc, print, printErr, printJson, printQuoted } from "../../output/terminal.js";

export interface SearchFlags extends RegistryFlags {
  modality?: string;
  bodyPart?: string;
  backbone?: string;
  json?: boolean;
}

const onWarning = ({ message }: Warning) => void printErr(`${pc.yellow("warning")} ${message}`);

export async function searchAdapters(words: readonly string[], flags: SearchFlags): Promise<void> {
  const registry = await openFor(flags);
  const { modality, bodyPart, backbone } = flags;
  const found = await registry.search({ text: words.join(" "), modality, bodyPart, backbone, signal: interruptSignal(), onWarning });
  if (flags.json) return void printJson(found);
  if (found.length === 0) return void print("Nothing found. Fewer words may find more.");
  printTable(
    ["adapter", "version", "", "labels", "modality", "body part", "doubts"],
    found.map(({ name, version, title, labels, modalities, bodyParts, deprecated, doubts = [] }) => [
      name,
      deprecated ? `${version} (deprecated)` : version,
      title,
      labels.length > 6 ? `${labels.slice(0, 6).join(", ")}, …` : labels.join(", "),
      modalities.join(", ") || "any",
      bodyParts.join(", "),
      doubts.map(warningWords).join(", "),
    ]),
    // Title, labels, body part.
    [2, 3, 5],
  );
  print("Research use only; `anymc3d adapter info NAME` shows data, figures and limits.");
}

export async function adapterInfo(spec: string, flags: RegistryFlags & { json?: boolean }): Promise<void> {
  const signal = interruptSignal();
  const registry = await openFor(flags);
  const { manifest, hash, warnings = [] } = await registry.load(spec, { signal, onWarning });
  const isName = !/^https?:|^[./\\]|\.tgz$/.test(spec);
  const versions = isName
    ? (await registry.info(manifest.name, { signal, onWarning })).versions.map(({ version, published, deprecated }) => ({ version, published, deprecated }))
    : [];
  if (flags.json) return void printJson({ hash, manifest, versions, warnings });
  print(`The card of ${manifest.name}@${manifest.version}, as its author wrote it:`);
  printQuoted((await registry.card(spec, { signal })).trim());
  for (const warning of warnings) onWarning(warning);
  if (versions.length)
    print("", `Versions: ${versions.map(({ version, deprecated }) => (deprecated ? `${version} (deprecated: ${deprecated})` : version)).join(", ")}`);
}
