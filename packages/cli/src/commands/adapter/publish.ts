// anymc3d adapter publish: all checks, a list of what would go out, and only then, if asked for, npm publish with the user's own configuration.

import { execFile, spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { AnyMC3DError, own, parseAdapterManifest } from "@anymc3d/core";
import { npmSettings } from "@anymc3d/registry/node";
import semver from "semver";
import { examine, npmPack, type PackedFile } from "../../adapters/contents.js";
import { EXIT, Reported } from "../../output/failure.js";
import { pc, print, printErr, printJson } from "../../output/terminal.js";
import type { VerifyFlags } from "./verify.js";

export interface PublishFlags extends VerifyFlags {
  registry?: string;
  tag?: string;
  access?: string;
  provenance?: boolean;
  yes?: boolean;
}

type Own = { readonly name: string; readonly version: string } & Record<string, unknown>;

/** What npm will do, as its settings here and the package's publishConfig say. */
interface Terms {
  readonly registry: string;
  readonly access: string;
  /** Who says so. */
  readonly accessBy: string;
  readonly tag: string;
  readonly provenance: boolean;
  /** The account that the registry knows; null where it knows none, or does not say. */
  readonly account: string | null;
}

export async function publish(folder: string, flags: PublishFlags): Promise<void> {
  const own = await packageOf(folder);
  const { name, version } = own;
  const registry = await destination(name, flags.registry);
  const { faults, packed } = await examine(folder, flags);
  if (await isPublished(`${name}@${version}`, registry))
    faults.push(`${name}@${version} is published already, and a version never changes: raise the version in task.json or adapter.json and package.json`);
  faults.push(...(await backboneFaults(folder, flags.registry)));
  const terms = await termsOf(own, registry, flags);
  faults.push(...termFaults(own, terms, flags));
  const report = { folder, name, version, ...terms, files: packed, faults, published: faults.length === 0 && Boolean(flags.yes) };
  if (!flags.json) printPlan(report, flags.yes);
  if (report.published) await npmPublish(folder, packed, name, terms, flags);
  if (flags.json) printJson(report);
  else if (report.published) print(`${pc.green("published")} ${name}@${version}`);
  if (faults.length) throw new Reported(EXIT.failed);
}

/** As npm decides: what the command says, then the package's publishConfig, then npm's settings in this folder, then its defaults. */
async function termsOf(own: Own, registry: string, flags: PublishFlags): Promise<Terms> {
  const config = (typeof own.publishConfig === "object" && own.publishConfig !== null ? own.publishConfig : {}) as Record<string, unknown>;
  const settings = await npmSettings(process.cwd());
  const choose = (...from: readonly (readonly [value: unknown, by: string])[]) =>
    from.find(([value]) => value !== undefined && value !== null) as [unknown, string];
  const scoped = own.name.startsWith("@");
  const [access, accessBy] = choose(
    [flags.access, "--access"],
    [config.access, "publishConfig"],
    [settings.access, "npm's settings"],
    [scoped ? "restricted" : "public", scoped ? "npm's default for a scope; a package that exists keeps its own" : "npm's default without a scope"],
  );
  const [tag] = choose([flags.tag, ""], [config.tag, ""], [settings.tag, ""]);
  const [provenance] = choose([flags.provenance, ""], [config.provenance, ""], [settings.provenance, ""], [false, ""]);
  return { registry, access: String(access), accessBy, tag: String(tag), provenance: Boolean(provenance), account: accountAt(own.name, registry) };
}

function termFaults({ name, version, license }: Own, { access, tag }: Terms, flags: PublishFlags): string[] {
  const isOpen = access === "public";
  return [
    ...(["public", "restricted"].includes(access) ? [] : [`access ${access}: expected public or restricted`]),
    ...(access === "restricted" && !name.startsWith("@") ? [`${name}: a package without a scope is public; name it @you/${name}, or say --access public`] : []),
    ...(isOpen && license === "UNLICENSED" && flags.access === undefined
      ? [
          'package.json: the license "UNLICENSED" lets nobody use it, and it would be public; say --access restricted (in a scope), or --access public if that is meant',
        ]
      : []),
    ...(semver.prerelease(version) && tag === "latest" && flags.tag === undefined
      ? [`${version} is a prerelease: say --tag next, or --tag latest if everybody shall get it`]
      : []),
    ...(semver.validRange(tag) === null ? [] : [`tag ${tag}: reads as a version or range; a tag is a word, as next`]),
  ];
}

async function packageOf(folder: string): Promise<Own> {
  const path = join(folder, "package.json");
  try {
    const found = JSON.parse(await readFile(path, "utf8"));
    if (typeof found?.name === "string" && typeof found.version === "string") return found;
  } catch (cause) {
    throw new AnyMC3DError("FILE_NOT_FOUND", `${path}: ${(cause as Error).message}. Give the folder of an adapter package, as \`anymc3d train\` writes it.`, {
      cause,
    });
  }
  throw new AnyMC3DError("MANIFEST_INVALID", `${path}: no name and version`);
}

/** A registry that does not answer is told of soon. */
const SOON = ["--fetch-retries", "1", "--fetch-retry-mintimeout", "500", "--fetch-retry-maxtimeout", "1000", "--fetch-timeout", "20000"];

/**
 * Where the package goes: the address that was asked for, or npm's own setting, a scope's before the default one. All of it is asked and done in
 * the working directory, whose .npmrc npm reads for \`npm publish FOLDER\`, too.
 */
async function destination(name: string, asked: string | undefined): Promise<string> {
  const { url, scopes } = await npmSettings(process.cwd(), asked);
  return own(scopes, name.split("/")[0]) ?? url;
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
  const registry = await destination(backbone.name, asked);
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
    access,
    accessBy,
    tag,
    provenance,
    account,
  }: Own & Terms & { files: readonly PackedFile[]; faults: readonly string[] },
  yes: boolean | undefined,
): void {
  print(`${pc.bold(`${name}@${version}`)} to ${registry}`);
  print(
    `  access ${access} (${accessBy}), tag ${tag}${provenance ? ", with provenance" : ""}, ${account === null ? "the registry does not say as whom" : `as ${account}`}`,
  );
  for (const { path, size } of files) print(`  ${String(size).padStart(10)}  ${path}`);
  for (const fault of faults) printErr(`${pc.red("refused")} ${fault}`);
  if (faults.length === 0 && !yes) print("Fit to publish. Nothing was published: add --yes to do it.");
}

const STDERR = 2;

/** Packs the folder once more and publishes that very file, if it holds what was shown. */
async function npmPublish(folder: string, shown: readonly PackedFile[], name: string, { registry, tag }: Terms, flags: PublishFlags): Promise<void> {
  const packing = await mkdtemp(join(tmpdir(), "anymc3d-publish-"));
  try {
    const { filename, files } = await npmPack(folder, ["--pack-destination", packing]);
    const listed = (of: readonly PackedFile[]) => of.map(({ path, size }) => `${path} ${size}`).sort().join("\n"); // biome-ignore format: one line
    if (listed(files) !== listed(shown)) throw new AnyMC3DError("DATA_INVALID", `${folder} was changed meanwhile; nothing was published. Start again.`);
    const access = flags.access ? ["--access", flags.access] : [];
    const provenance = flags.provenance ? ["--provenance"] : [];
    await npmSays(["publish", join(packing, filename), "--ignore-scripts", ...registryFlags(name, registry), "--tag", tag, ...access, ...provenance], () =>
      publishFailed(name, registry),
    );
  } finally {
    await rm(packing, { recursive: true, force: true });
  }
}

function npmSays(args: readonly string[], failed: () => AnyMC3DError): Promise<void> {
  return new Promise((resolve, reject) => {
    // What npm says goes to stderr, so that --json's stdout stays JSON; what the registry made it say, line by line.
    const child = spawn("npm", args, { stdio: ["inherit", STDERR, "pipe"] });
    createInterface(child.stderr as Readable).on("line", (line) => printErr(line));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(failed())));
  });
}

/** The account that a registry knows the user as; null where it knows none, or cannot be asked for it. */
function accountAt(name: string, registry: string): string | null {
  const { status, stdout } = spawnSync("npm", ["whoami", ...SOON, ...registryFlags(name, registry)], { encoding: "utf8" });
  return status === 0 ? stdout.trim() || null : null;
}

/** Its reason is npm's to say; whether npm knows who publishes is asked here, as npm's own words for it differ from registry to registry. */
function publishFailed(name: string, registry: string): AnyMC3DError {
  if (accountAt(name, registry) === null)
    return new AnyMC3DError("ACCESS_DENIED", `${registry} does not know who publishes: \`npm login --registry ${registry}\` first.`, { details: {} });
  return new AnyMC3DError("REGISTRY_UNREACHABLE", `${registry} did not take ${name}, as npm says above. May this account publish it?`, {
    details: { reason: "status" },
  });
}
