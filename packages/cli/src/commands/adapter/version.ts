// anymc3d adapter version: one version for package.json, adapter.json and the card.

import { AnyMC3DError } from "@anymc3d/core";
import { versionPlaces, writeVersion } from "@anymc3d/train/node";
import semver from "semver";
import { print, printJson } from "../../output/terminal.js";

const STEPS = ["patch", "minor", "major"] as const;

export async function setVersion(folder: string, asked: string, { json }: { json?: boolean }): Promise<void> {
  const { name, places } = await versionPlaces(folder);
  const said = places.map(({ file, version }) => ({ file, version: version ?? "none" }));
  const before = nextOf(asked, said);
  await writeVersion(folder, before.to);
  if (json) printJson({ name, ...before, files: places.map(({ file }) => file) });
  else print(`${name} ${before.from === before.to ? "" : `${before.from} -> `}${before.to} in ${places.map(({ file }) => file).join(", ")}`);
}

/** @throws AnyMC3DError `OPTION_INVALID` for what is no step and no version, for one that is not above the present one, and for a step from several versions */
function nextOf(asked: string, said: readonly { readonly file: string; readonly version: string }[]): { from: string; to: string } {
  const versions = [...new Set(said.map(({ version }) => version))];
  const from = versions.filter((version) => semver.valid(version)).sort(semver.rcompare)[0] ?? "0.0.0";
  const differ = `the places differ (${said.map(({ file, version }) => `${file} ${version}`).join(", ")})`;
  const step = STEPS.find((each) => each === asked);
  if (step && versions.length > 1) throw new AnyMC3DError("OPTION_INVALID", `${asked}: ${differ}; say the version itself`);
  const to = step ? semver.inc(from, step) : semver.valid(asked) === asked && !asked.includes("+") ? asked : null;
  if (!to) throw new AnyMC3DError("OPTION_INVALID", `"${asked}" is neither ${STEPS.join(", ")} nor a version such as 1.2.0`);
  if (semver.lt(to, from) || (to === from && versions.length === 1))
    throw new AnyMC3DError("OPTION_INVALID", `${to} is not above ${from}, which ${versions.length > 1 ? differ : "it has"}; a version is used once`);
  return { from, to };
}
