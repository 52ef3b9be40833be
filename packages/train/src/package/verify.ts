// Whether an adapter's folder is fit to publish: schema, tensors, conformance, metrics, card and package.json, each with what is wrong.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  ADAPTER_KEYWORD,
  type Adapter,
  type AdapterFacts,
  type AdapterManifest,
  checkConformance,
  DISCLAIMER,
  type Engine,
  factsOf,
  loadAdapter,
  parseAdapterManifest,
} from "@anymc3d/core";
import { harmless, isHarmless } from "@anymc3d/core/errors";
import { bindAdapter, doubtFaults } from "@anymc3d/core/learn";
import { endingOf, sampleEndings } from "@anymc3d/io";
import { taskTraining } from "../tasks/index.js";
import { edges } from "./card.js";
import { isSample, moduleText } from "./package-folder.js";
import { versionOnCard } from "./version.js";

/** One of the checks of `verifyAdapter()`, and what came of it. */
export interface Check {
  readonly name: "manifest" | "tensors" | "conformance" | "metrics" | "card" | "package";
  readonly ok: boolean;
  /** What was found, or every fault. */
  readonly detail: string;
}

/**
 * Verifies an adapter's folder. A check that cannot run because an earlier one failed is left out.
 * @param engineFor gives the engine of the adapter's backbone
 */
export async function verifyAdapter(folder: string, engineFor: (manifest: AdapterManifest) => Promise<Engine>): Promise<Check[]> {
  const text = (name: string) =>
    readFile(join(folder, name), "utf8").catch((cause: Error) => {
      throw new Error(`${name} cannot be read: ${cause.message}; \`anymc3d train\` and \`anymc3d adapter import\` write it`, { cause });
    });
  const checks: Check[] = [];
  const check = async (name: Check["name"], work: () => Promise<string>): Promise<void> => {
    checks.push(await work().then((detail) => ({ name, ok: true, detail }), (error: Error) => ({ name, ok: false, detail: error.message }))); // biome-ignore format: one line
  };
  let manifest: AdapterManifest | undefined;
  await check("manifest", async () => {
    manifest = parseAdapterManifest(JSON.parse(await text("adapter.json")));
    const old = manifest.schemaVersion === 1 ? ": its weights are not pinned by their hash; `anymc3d adapter upgrade` writes version 2" : "";
    const files = ["adapter.json", "README.md", "package.json"];
    const faults = await Promise.all(files.map(async (file) => machineFaults(file, await text(file).catch(() => ""))));
    return orFaults(faults.flat(), `${manifest.name} ${manifest.version}, schema version ${manifest.schemaVersion}${old}`);
  });
  if (!manifest) return checks;
  const { metrics } = manifest;
  let adapter: Adapter | undefined;
  const engine = await engineFor(manifest);
  await check("tensors", async () => {
    const loaded = await loadAdapter(manifest, await readFile(join(folder, "weights.safetensors")));
    bindAdapter(loaded, engine.backbone);
    adapter = loaded;
    return `${loaded.tensors.size} tensors fit ${engine.backbone.name}; ${loaded.hash}`;
  });
  const loaded = adapter;
  if (loaded) await check("conformance", async () => `off by at most ${(await checkConformance(loaded, engine)).toExponential(1)} on ${engine.id}`);
  const { name, version, task, backbone } = manifest;
  await check("metrics", async () => orFaults(metricFaults(metrics, task), `${metrics.length} data set(s), every figure with n and interval`));
  await check("card", async () =>
    orFaults(cardFaults(await text("README.md"), manifest as AdapterManifest), "README.md states name, limits, licence, disclaimer and the manifest's figures"),
  );
  await check("package", async () => {
    const json = JSON.parse(await text("package.json"));
    const faults = packageFaults(json, { name, version, backbone: backbone.name, anymc3d: factsOf(manifest as AdapterManifest) });
    return orFaults([...faults, ...moduleFaults(await text("index.js"), name, json)], `${name}@${version}, ready to publish`);
  });
  return checks;
}

/** Folders of somebody's machine, which say more of their owner than of the adapter. */
function machineFaults(file: string, text: string): string[] {
  const found = /(?<![\w.:/-])(?:\/(?:home|Users|root|mnt|tmp|var|private)\/[^\s"'`()|\\]+|[A-Za-z]:\\[^\s"'`()|]+)/.exec(text);
  return found ? [`${file} names a folder of your machine, ${found[0]}; say it without`] : [];
}

function orFaults(faults: readonly string[], fine: string): string {
  if (faults.length) throw new Error(faults.join("; "));
  return fine;
}

function metricFaults(metrics: AdapterManifest["metrics"], task: AdapterManifest["task"]): string[] {
  if (metrics.length === 0) return ["adapter.json states no metrics: measure it with `anymc3d evaluate`"];
  const needed = taskTraining(task).stated;
  const faults = needed.length ? (entry: Metrics) => figureFaults(entry, needed) : (entry: Metrics) => labelFaults(entry, task);
  return metrics.flatMap((entry) => [...faults(entry), ...doubtFaults(entry)].map((fault) => `${entry.dataset}, ${entry.split}: ${fault}`));
}

type Metrics = AdapterManifest["metrics"][number];

function labelFaults({ labels: measured }: Metrics, task: AdapterManifest["task"]): string[] {
  const labels = task.labels.map(({ id }) => id);
  return [
    ...labels.filter((id) => !measured.some((label) => label.id === id)).map((id) => `no figure for label ${id}`),
    ...measured.filter(({ id }) => !labels.includes(id)).map(({ id }) => `figure for ${id}, which is no label`),
    ...measured.filter(({ auroc, interval }) => auroc !== null && interval === null).map(({ id }) => `AUROC of ${id} without an interval`),
    ...measured.flatMap(({ id, auroc, interval }) => intervalFaults("AUROC", auroc, interval).map((fault) => `${id}: ${fault}`)),
    ...measured.filter(({ n, positives }) => positives > n).map(({ id }) => `${id} has more positives than cases`),
  ];
}

function figureFaults({ figures = [] }: Metrics, needed: readonly string[]): string[] {
  return [
    ...needed.filter((wanted) => !figures.some(({ id }) => id === wanted)).map((name) => `no figure ${name}`),
    ...figures.filter(({ value, interval }) => value !== null && interval === null).map(({ name }) => `${name} without an interval`),
    ...figures.flatMap(({ name, value, interval }) => intervalFaults(name, value, interval)),
  ];
}

function intervalFaults(name: string, value: number | null, interval: readonly [number, number] | null): string[] {
  if (!interval) return [];
  const [low, high] = interval;
  if (low > high) return [`the interval [${low}, ${high}] is the wrong way round`];
  return value !== null && (value < low || value > high) ? [`the ${name} ${value} lies outside its interval [${low}, ${high}]`] : [];
}

function cardFaults(card: string, { name, version, license, metrics }: AdapterManifest): string[] {
  const needed: [string, string][] = [
    [name, "the package's name"],
    [versionOnCard(name, version), `the version of adapter.json, as ${versionOnCard(name, version)}; \`anymc3d adapter version\` writes it in all places`],
    ...metrics.flatMap(({ warnings = [] }) => warnings.map(({ message, code }): [string, string] => [message, `the warning ${code}: ${message}`])),
    [license, "the licence"],
    [DISCLAIMER, `the sentence "${DISCLAIMER}"`],
  ];
  const stated = metrics.flatMap(({ split, labels, figures = [] }) => [
    ...labels.map(({ id, auroc, interval }) => ({ what: `AUROC of ${id} on ${split}`, value: auroc, interval })),
    ...figures.map(({ name: figure, value, interval }) => ({ what: `${figure} on ${split}`, value, interval })),
  ]);
  const figures = stated.flatMap(({ what, value }): [string, string][] => (value === null ? [] : [[value.toFixed(3), `the ${what}, ${value.toFixed(3)}`]]));
  // However the card writes it: 0.787–0.965, 0.787 to 0.965, [0.787, 0.965].
  const intervals = stated.flatMap(({ what, interval }) => {
    if (!interval || new RegExp(interval.map((edge) => edge.toFixed(3).replace(".", "\\.")).join("\\D{1,5}?-?")).test(card)) return [];
    return [`README.md lacks the interval of the ${what}, ${edges(interval)}`];
  });
  const unfilled = /\bTODO\b.*/.exec(card);
  const missing = [
    ...[...needed, ...figures].filter(([text]) => !card.includes(text)).map(([, what]) => `README.md lacks ${what}`),
    ...intervals,
    ...(unfilled ? [`README.md still says "${unfilled[0].slice(0, 60)}"; write it in task.json or adapter.json`] : []),
  ];
  const limits = sectionsOn(/limits/i, card);
  if (limits.length === 0) return [...missing, "README.md has no section on limits"];
  return limits.some((section) => /\p{L}{2}/u.test(section)) ? missing : [...missing, "README.md: the section on limits is empty"];
}

/** What stands below the headings (# …), and behind the bold beginnings of list items (- **…**), that name a subject. */
function sectionsOn(subject: RegExp, card: string): string[] {
  const beginnings = [...card.matchAll(/^(?:(#+) .*|- \*\*[^*]*\*\*)/gm)].filter(([text]) => subject.test(text));
  return beginnings.map(({ 0: text, 1: level, index }) => {
    const rest = card.slice(index + text.length);
    const end = rest.search(level ? new RegExp(`^#{1,${level.length}} `, "m") : /^(?:#|- )/m);
    return end < 0 ? rest : rest.slice(0, end);
  });
}

/** npm runs these on the machine of whoever installs, packs or publishes. */
const LIFECYCLE = /^(?:(?:pre|post)?(?:install|uninstall|pack|publish|prepare|version)|prepublishOnly|dependencies)$/;

/** An adapter is data: nothing of its package may run, pull in other packages, or choose where it is published. */
function codeFaults(found: Record<string, unknown>): string[] {
  const scripts = Object.keys((found.scripts ?? {}) as object).filter((script) => LIFECYCLE.test(script));
  const fields = ["bin", "dependencies", "optionalDependencies", "bundleDependencies", "bundledDependencies", "gypfile"].filter((field) => field in found);
  const config = Object.keys((found.publishConfig ?? {}) as object).filter((key) => /registry$/.test(key));
  return [
    ...scripts.map((script) => `package.json: the script "${script}" would run on other machines; an adapter is data`),
    ...fields.map((field) => `package.json: "${field}" has no place in an adapter, which is data`),
    ...config.map((key) => `package.json: publishConfig names a registry (${key}); say it with --registry`),
    ...(found.private ? ["package.json: private is true; npm would not publish it"] : []),
  ];
}

/** The one module of an adapter says where its files are, and does nothing else. */
function moduleFaults(text: string, name: string, json: Record<string, unknown>): string[] {
  const sample = Object.keys((json.exports ?? {}) as object).find((path) => isSample(path.slice(2)));
  const plain = (code: string) => code.replace(/\s+/g, " ").trim();
  const isThat = (own: string) => plain(text) === plain(moduleText(own, sample?.slice(2)));
  if (isThat(name)) return [];
  const [, other] = /\bname: "([^"\\]*)"/.exec(text) ?? [];
  if (other !== undefined && isThat(other)) return [`index.js: exports the name "${other}", and the package is ${name}`];
  return ["index.js: other code than that which says where the files are; `anymc3d train` and `anymc3d adapter import` write it"];
}

/** Texts of a value, with the fields that lead to them; names of fields, too. */
function* textsIn(value: unknown, field = ""): Generator<readonly [field: string, text: string]> {
  if (typeof value === "string") yield [field, value];
  else if (typeof value === "object" && value !== null)
    for (const [key, each] of Object.entries(value)) {
      yield [`a name of a field${field && ` in ${field}`}`, key];
      yield* textsIn(each, field ? `${field}.${key}` : key);
    }
}

/** What registries and their pages show as it comes must hold nothing that is not seen, as adapter.json must not. */
const hiddenFaults = (found: Record<string, unknown>): string[] =>
  [...textsIn(found)].flatMap(([field, text]) =>
    isHarmless(text)
      ? []
      : [`package.json: ${harmless(field)} holds ${harmless([...text].find((character) => !isHarmless(character)) ?? "")}, which is not seen`],
  );

/** Where each way into the package leads, on any condition but that of types. */
function exportFaults(ways: unknown): string[] {
  const leaves = (target: unknown, condition: string): (readonly [condition: string, target: unknown])[] =>
    typeof target === "object" && target !== null
      ? Object.entries(target).flatMap(([key, each]) => (key === "types" ? [] : leaves(each, Array.isArray(target) ? condition : key)))
      : [[condition, target]];
  return Object.entries((ways ?? {}) as object).flatMap(([path, target]) => {
    const wanted = path === "." ? "./index.js" : path;
    const found = leaves(target, "default");
    if (found.length === 0) return [`package.json: exports ${path} leads nowhere; expected ${wanted}`];
    return found.flatMap(([condition, to]) =>
      to === wanted ? [] : [`package.json: exports ${path} leads to ${to}${condition === "default" ? "" : ` (${condition})`}; expected ${wanted}`],
    );
  });
}

/** Older ways into a package, which some programs prefer. */
const mainFaults = (found: Record<string, unknown>): string[] =>
  ["main", "module", "browser", "jsnext:main", "unpkg", "jsdelivr"].flatMap((field) =>
    field in found && !["index.js", "./index.js"].includes(found[field] as string)
      ? [`package.json: ${field} leads to ${JSON.stringify(found[field])}; expected index.js, or leave it out`]
      : [],
  );

/** By its name: a volume in any format, or a part of one. */
const isScan = (file: string): boolean => endingOf(file) !== undefined;

function packageFaults(found: Record<string, unknown>, expected: { name: string; version: string; backbone: string; anymc3d: AdapterFacts }): string[] {
  const files = Array.isArray(found.files) ? (found.files as string[]) : [];
  const keywords = Array.isArray(found.keywords) ? (found.keywords as string[]) : [];
  const paths = Object.keys((found.exports ?? {}) as object);
  const scans = files.filter((file) => (isScan(file) || /^(\.\/)?sample\./i.test(file)) && !isSample(file.replace(/^\.\//, "")));
  return [
    ...(["name", "version"] as const)
      .filter((field) => found[field] !== expected[field])
      .map((field) => `package.json: ${field} is ${found[field]}, adapter.json says ${expected[field]}`),
    ...["index.js", "adapter.json", "weights.safetensors"].filter((file) => !files.includes(file)).map((file) => `package.json: files lacks ${file}`),
    ...[".", "./adapter.json", "./weights.safetensors"].filter((path) => !paths.includes(path)).map((path) => `package.json: exports lacks ${path}`),
    ...exportFaults(found.exports),
    ...mainFaults(found),
    ...hiddenFaults(found),
    ...(keywords.includes(ADAPTER_KEYWORD) ? [] : [`package.json: keywords lacks "${ADAPTER_KEYWORD}"`]),
    ...(Object.hasOwn((found.peerDependencies ?? {}) as object, expected.backbone) ? [] : [`package.json: peerDependencies lacks ${expected.backbone}`]),
    ...(JSON.stringify(found.anymc3d) === JSON.stringify(expected.anymc3d)
      ? []
      : [`package.json: "anymc3d", which searches look at, must be ${JSON.stringify(expected.anymc3d)}`]),
    ...codeFaults(found),
    ...(found.license ? [] : ["package.json: no license"]),
    ...scans.map((file) => `package.json: files would publish the scan ${file}; only sample${sampleEndings().join(", sample")} may go in`),
  ];
}
