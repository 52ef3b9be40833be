// anymc3d adapter publish: all checks, a list of what would go out, and only then, if asked for, npm publish with the user's own configuration.

import { execFile, spawn, spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { AnyMC3DError, parseAdapterManifest } from "@anymc3d/core";
import { npmSettings } from "@anymc3d/registry/node";
import { examine } from "../../adapters/contents.js";
import { EXIT, Reported } from "../../output/failure.js";
import { pc, print, printErr, printJson } from "../../output/terminal.js";
import type { VerifyFlags } from "./verify.js";

export interface PublishFlags extends VerifyFlags {
  registry?: string;
  tag?: string;
  provenance?: boolean;
  yes?: boolean;
}

export async function publish(folder: string, flags: PublishFlags): Promise<void> {
  const { name, version } = await packageOf(folder);
  const registry = await destination(folder, name, flags.registry);
  const { faults, packed } = await examine(folder, flags);
  if (await isPublished(`${name}@${version}`, registry))
    faults.push(`${name}@${version} is published already, and a version never changes: raise the version in task.json or adapter.json and package.json`);
  faults.push(...(await backboneFaults(folder, flags.registry)));
  const report = { folder, name, version, registry, files: packed, faults, published: faults.length === 0 && Boolean(flags.yes) };
  if (!flags.json) printPlan(report, flags.yes);
  if (report.published) await npmPublish(folder, name, registry, flags);
  if (flags.json) printJson(report);
  else if (report.published) print(`${pc.green("published")} ${name}@${version}`);
  if (faults.length) throw new Reported(EXIT.failed);
}

async function packageOf(folder: string): Promise<{ name: string; version: string }> {
  const path = join(folder, "package.json");
  try {
    const { name, version } = JSON.parse(await readFile(path, "utf8"));
    if (typeof name === "string" && typeof version === "string") return { name, version };
  } catch (cause) {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${path}: ${(cause as Error).message}. Give the folder of an adapter package, as \`anymc3d train\` writes it.`, {
      cause,
    });
  }
  throw new AnyMC3DError("MANIFEST_INVALID", `${path}: no name and version`);
}

/** A registry that does not answer is told of soon. */
const SOON = ["--fetch-retries", "1", "--fetch-retry-mintimeout", "500", "--fetch-retry-maxtimeout", "1000", "--fetch-timeout", "20000"];

/** Where the package goes: the address that was asked for, or npm's own setting in the folder, a scope's before the default one. */
async function destination(folder: string, name: string, asked: string | undefined): Promise<string> {
  const { url, scopes } = await npmSettings(folder, asked);
  return scopes[name.split("/")[0]] ?? url;
}

/** npm lets the setting of a scope win over --registry: both are given, so that it goes where the plan says. */
const registryFlags = (name: string, registry: string) => [
  "--registry",
  registry,
  ...(name.startsWith("@") ? [`--${name.split("/")[0]}:registry=${registry}`] : []),
];

/** What the package asks of its backbone must be there to be had, where the registry has the backbone at all. */
async function backboneFaults(folder: string, asked: string | undefined): Promise<string[]> {
  const read = async (name: string) => JSON.parse(await readFile(join(folder, name), "utf8"));
  // A manifest that cannot be read, or a range that is missing, is a fault that was found before.
  const backbone = await read("adapter.json")
    .then(parseAdapterManifest)
    .then(
      (manifest) => manifest.backbone,
      () => undefined,
    );
  const range = backbone && (await read("package.json")).peerDependencies?.[backbone.name];
  if (!backbone || typeof range !== "string") return [];
  const registry = await destination(folder, backbone.name, asked);
  if (await isPublished(`${backbone.name}@${range}`, registry)) return [];
  if (await isPublished(backbone.name, registry)) return [`package: peerDependencies asks for ${backbone.name}@${range}, of which ${registry} has no version`];
  printErr(`${pc.yellow("warning")} ${backbone.name} is not in ${registry}: who adds the adapter from there needs it there, too`);
  return [];
}

/** Whether the registry has a package, in the version or range. @throws AnyMC3DError `ACCESS_DENIED`, `REGISTRY_UNREACHABLE` */
async function isPublished(spec: string, registry: string): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)("npm", ["view", spec, "version", "--json", "--prefer-online", ...SOON, ...registryFlags(spec, registry)]);
    return stdout.trim() !== "";
  } catch (cause) {
    const said = String((cause as { stderr?: string }).stderr ?? cause);
    if (/E404/.test(said + String((cause as { stdout?: string }).stdout ?? ""))) return false;
    const message = `the registry could not be asked whether ${spec} exists: ${said.trim().split("\n")[0]}. Is ${registry} running, and the right one?`;
    if (/E401|E403|ENEEDAUTH/.test(said)) throw new AnyMC3DError("ACCESS_DENIED", message, { cause, details: {} });
    throw new AnyMC3DError("REGISTRY_UNREACHABLE", message, { cause, details: { reason: "network" } });
  }
}

function printPlan(
  {
    name,
    version,
    registry,
    files,
    faults,
  }: { name: string; version: string; registry: string; files: readonly { path: string; size: number }[]; faults: readonly string[] },
  yes: boolean | undefined,
): void {
  print(`${pc.bold(`${name}@${version}`)} to ${registry}`);
  for (const { path, size } of files) print(`  ${String(size).padStart(10)}  ${path}`);
  for (const fault of faults) printErr(`${pc.red("refused")} ${fault}`);
  if (faults.length === 0 && !yes) print("Fit to publish. Nothing was published: add --yes to do it.");
}

const STDERR = 2;

function npmPublish(folder: string, name: string, registry: string, { tag, provenance }: PublishFlags): Promise<void> {
  const args = [
    "publish",
    "--ignore-scripts",
    "--access",
    "public",
    ...registryFlags(name, registry),
    ...(tag ? ["--tag", tag] : []),
    ...(provenance ? ["--provenance"] : []),
  ];
  return new Promise((resolve, reject) => {
    // What npm says goes to stderr, so that --json's stdout stays JSON; what the registry made it say, line by line.
    const child = spawn("npm", args, { cwd: folder, stdio: ["inherit", STDERR, "pipe"] });
    createInterface(child.stderr as Readable).on("line", (line) => printErr(line));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(publishFailed(name, registry))));
  });
}

/** Its reason is npm's to say; whether npm knows who publishes is asked here, as npm's own words for it differ from registry to registry. */
function publishFailed(name: string, registry: string): AnyMC3DError {
  const { status } = spawnSync("npm", ["whoami", ...SOON, ...registryFlags(name, registry)], { stdio: "ignore" });
  if (status !== 0)
    return new AnyMC3DError("ACCESS_DENIED", `${registry} does not know who publishes: \`npm login --registry ${registry}\` first.`, { details: {} });
  return new AnyMC3DError("REGISTRY_UNREACHABLE", `${registry} did not take ${name}, as npm says above. May this account publish it?`, {
    details: { reason: "status" },
  });
}
