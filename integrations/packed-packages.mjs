// Shared by the integrations: every package as npm would publish it, installed into an empty folder, and the values that must come out.
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packAll } from "../scripts/pack.mjs";

/** What programs run in: no tool tells its makers of it. */
export const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };

/** Runs a program to its end and returns what it printed. */
export const exec = (program, args, cwd) =>
  execFileSync(program, args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });

/** Packs everything and installs it, with `more` from the registry, into a new folder. @returns its path */
export function installPacked(more = []) {
  const folder = mkdtempSync(join(tmpdir(), "anymc3d-packed-"));
  const tarballs = packAll(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  exec("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", ...tarballs, ...more], folder);
  return folder;
}

/** Logits of the bundled sample as PyTorch computed them (float32, the shipped weights). */
const EXPECTED = [2.69495, 2.0404, 1.66451, -5.02184, -3.10637];

const sigmoid = (logit) => 1 / (1 + Math.exp(-logit));

/** Holds an answer's logits, and its probabilities where they are given, against the reference. */
export function check(what, logits, probabilities = EXPECTED.map(sigmoid)) {
  const off = Math.max(...EXPECTED.map((value, i) => Math.abs(value - logits[i])));
  const offProbability = Math.max(...EXPECTED.map((value, i) => Math.abs(sigmoid(value) - probabilities[i])));
  if (!(off < 0.02 && offProbability < 0.002)) throw new Error(`${what}: logits ${logits} are off by ${off}, probabilities ${probabilities}`);
  console.log(`ok ${what}: logits within ${off.toExponential(1)} of the reference`);
}
