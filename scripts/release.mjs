// npm run release [-- --dry-run] [--no-build]: versions and CHANGELOGs from the changesets, one commit, a build, and what the registry lacks is published.
// The registry is the one that npm is set to. With --dry-run it shows what would happen and changes nothing.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import getReleasePlan from "@changesets/get-release-plan";
import semver from "semver";
import { publishedPackages } from "./pack.mjs";
import { root, run } from "./setup.mjs";

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));
const manifestOf = (folder) => readJson(join(folder, "package.json"));
const say = (program, args) => execFileSync(program, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();

/** The registry of our scope, else npm's. */
function registryOfNpm() {
  const scoped = say("npm", ["config", "get", "@anymc3d:registry"]);
  return scoped && scoped !== "undefined" ? scoped : say("npm", ["config", "get", "registry"]);
}

/** Ranges that a package of the workspace gives for another one and that its version does not satisfy; [] where all do. */
export function brokenRanges(manifests) {
  const versions = new Map(manifests.map(({ name, version }) => [name, version]));
  return manifests.flatMap((manifest) =>
    ["dependencies", "peerDependencies", "optionalDependencies"].flatMap((kind) =>
      Object.entries(manifest[kind] ?? {})
        .filter(([name, range]) => versions.has(name) && !semver.satisfies(versions.get(name), range))
        .map(([name, range]) => `${manifest.name} ${kind} ${name} ${range}, which is ${versions.get(name)}`),
    ),
  );
}

/** True where the registry has this version. */
function isPublished({ name, version }, registry) {
  try {
    return say("npm", ["view", `${name}@${version}`, "version", "--json", "--registry", registry]) !== "";
  } catch (error) {
    if (/E404/.test(error.stdout + error.stderr)) return false;
    throw error;
  }
}

const isAdapter = (folder) => (manifestOf(folder).keywords ?? []).includes("anymc3d-adapter");

/** Conformance vector, card and package are held against each other: what fails is not published. */
const verifyAdapter = (folder) => run("node", [join(root, "packages/cli/bin/anymc3d.js"), "adapter", "verify", folder]);

/** An adapter's version stands in adapter.json and on its card, too: the files with the new one, by path. Nothing is written. */
async function withVersion(folder, { oldVersion, newVersion }) {
  const { versionPlaces } = await import("@anymc3d/train/node").catch((cause) => {
    throw new Error("adapters' versions are written by @anymc3d/train, which is not built: npm run build", { cause });
  });
  const { places } = await versionPlaces(folder);
  const other = places.find(({ version }) => version !== oldVersion);
  if (other) throw new Error(`${join(folder, other.file)} says ${other.version ?? "no version"}, not ${oldVersion}; anymc3d adapter version sets all`);
  // package.json is the changesets' to write.
  return places.filter(({ file }) => file !== "package.json").map((place) => [join(folder, place.file), place.with(newVersion)]);
}

async function writeVersions(plan) {
  const released = publishedPackages().flatMap((folder) => {
    const release = plan.releases.find(({ name }) => name === manifestOf(folder).name);
    return release && isAdapter(folder) ? [{ folder, release }] : [];
  });
  const carried = (await Promise.all(released.map(({ folder, release }) => withVersion(folder, release)))).flat();
  run("npx", ["changeset", "version"]);
  for (const [path, text] of carried) writeFileSync(path, text);
  requireWholeRanges();
  run("npm", ["install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"], { quiet: true });
  const names = plan.releases.filter(({ type }) => type !== "none").map(({ name, newVersion }) => `${name} ${newVersion}`);
  say("git", ["add", "--all"]);
  say("git", ["commit", "--quiet", "-m", `Release: ${names.join(", ")}`]);
}

function requireWholeRanges() {
  const broken = brokenRanges(publishedPackages().map(manifestOf));
  if (broken.length > 0) throw new Error(`ranges that do not fit:\n${broken.join("\n")}`);
}

async function release({ dryRun, build }) {
  const registry = registryOfNpm();
  const plan = await getReleasePlan(root);
  const next = new Map(plan.releases.filter(({ type }) => type !== "none").map((one) => [one.name, one]));
  console.log(`${plan.changesets.length} changesets; registry ${registry}`);
  for (const { name, type, oldVersion, newVersion } of next.values()) console.log(`  ${name} ${oldVersion} -> ${newVersion} (${type})`);
  const wanted = publishedPackages().map(manifestOf).map(({ name, version }) => ({ name, version: next.get(name)?.newVersion ?? version })); // biome-ignore format: a line
  const missing = wanted.filter((one) => !isPublished(one, registry));
  console.log(missing.length > 0 ? "to be published:" : "nothing to be published");
  for (const { name, version } of missing) console.log(`  ${name}@${version}`);
  if (dryRun) return;
  if (say("git", ["status", "--porcelain"]) !== "")
    throw new Error("the work tree has changes that are not committed: commit them first, or undo what a release that broke off has left");
  if (plan.changesets.length > 0) await writeVersions(plan);
  else requireWholeRanges();
  if (build) run("npx", ["nx", "run-many", "-t", "build", "--outputStyle=static"], { quiet: true });
  for (const folder of publishedPackages()) {
    if (missing.some(({ name }) => name === manifestOf(folder).name) && isAdapter(folder)) verifyAdapter(folder);
  }
  if (missing.length > 0) run("npx", ["changeset", "publish"], { env: { "npm_config_@anymc3d:registry": registry } });
}

if (process.argv[1] === import.meta.filename) {
  const known = ["--dry-run", "--no-build"];
  const unknown = process.argv.slice(2).filter((word) => !known.includes(word));
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(" ")}; there are ${known.join(", ")}`);
  await release({ dryRun: process.argv.includes("--dry-run"), build: !process.argv.includes("--no-build") });
}
