// A release as a maintainer makes it, tried on a copy of the repository: versions, CHANGELOGs, what is published, and that a second one has nothing to do.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { publishedPackages } from "../scripts/pack.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const readJson = (...path) => JSON.parse(readFileSync(join(...path), "utf8"));

function expectThat(holds, what) {
  if (!holds) throw new Error(`release: ${what}`);
}

/** What is committed, with the builds that are there, and one more change to release: of core, and of an adapter. */
function copyOfRepository(folder, git) {
  const copy = join(folder, "repository");
  execFileSync("git", ["clone", "--quiet", root, copy]);
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  for (const from of publishedPackages()) {
    const place = relative(root, from);
    if (existsSync(join(from, "node_modules"))) symlinkSync(join(from, "node_modules"), join(copy, place, "node_modules"));
    if (existsSync(join(from, "dist"))) cpSync(join(from, "dist"), join(copy, place, "dist"), { recursive: true });
  }
  writeFileSync(
    join(copy, ".changeset/tried-release.md"),
    '---\n"@anymc3d/core": minor\n"@anymc3d/adapter-lung-nodule": patch\n---\n\nTried by the integration.\n',
  );
  git(copy, "add", "--all");
  git(copy, "commit", "--quiet", "-m", "A change to release");
  return copy;
}

/**
 * Releases everything from a copy to the registry that `env` sets npm to.
 * @param folder an empty one
 * @returns names and versions that were published
 */
export function releaseFromCopy(folder, env) {
  const author = { GIT_AUTHOR_NAME: "Author", GIT_AUTHOR_EMAIL: "author@example.org", GIT_COMMITTER_NAME: "Author", GIT_COMMITTER_EMAIL: "author@example.org" };
  const exec = (program, args, cwd) => execFileSync(program, args, { cwd, env: { ...env, ...author }, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  const git = (cwd, ...args) => exec("git", args, cwd).trim();
  const copy = copyOfRepository(folder, git);
  const release = (...more) => exec("npm", ["run", "--silent", "release", "--", ...more], copy);
  const before = readJson(copy, "packages/core/package.json").version;

  const shown = release("--dry-run");
  expectThat(/@anymc3d\/core \S+ -> \S+ \(minor\)/.test(shown), `the dry run does not show core's next version:\n${shown}`);
  expectThat(git(copy, "status", "--porcelain") === "", "the dry run changed files");

  release("--no-build");
  const packages = publishedPackages().map((from) => relative(root, from));
  const versions = packages.map((place) => readJson(copy, place, "package.json")).map(({ name, version }) => ({ name, version }));
  const after = readJson(copy, "packages/core/package.json").version;
  expectThat(
    after !== before && readFileSync(join(copy, "packages/core/CHANGELOG.md"), "utf8").includes(`## ${after}`),
    `core stayed at ${before}, or its CHANGELOG does not say`,
  );
  for (const place of packages.filter((one) => existsSync(join(copy, one, "adapter.json")))) {
    const [inPackage, inManifest] = ["package.json", "adapter.json"].map((file) => readJson(copy, place, file).version);
    expectThat(inPackage === inManifest, `${place} is ${inPackage} in package.json, ${inManifest} in adapter.json`);
  }
  expectThat(git(copy, "status", "--porcelain") === "" && git(copy, "log", "-1", "--format=%s").startsWith("Release: "), "the release was not committed");
  expectThat(git(copy, "tag").includes(`@anymc3d/core@${after}`), "the release has no tag");
  for (const { name, version } of versions) {
    const found = exec("npm", ["view", `${name}@${version}`, "version"], copy).trim();
    expectThat(found === version, `${name}@${version} is not in the registry`);
  }
  expectThat(release("--dry-run").includes("nothing to be published"), "after the release there is still something to publish");
  return versions;
}
