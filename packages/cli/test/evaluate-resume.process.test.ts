// anymc3d evaluate keeps what it has: killed at any moment or interrupted, and gone on with, it says what it says without a stop. Runs the built program.
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readVolume, writeNifti } from "@anymc3d/io";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const bin = join(root, "packages/cli/bin/anymc3d.js");
const sample = join(root, "packages/adapters-lung-nodule/sample.nii.gz");
const N = 8;

let folder: string;
let csv: string;
const env = () => ({ ...process.env, NO_COLOR: "1", ANYMC3D_CACHE: join(folder, "cache") });
const words = (...more: string[]) => [bin, "evaluate", csv, "--adapter", "lung-nodule", "--threads", "1", "--samples", "100", ...more];

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

const evaluate = (...more: string[]) =>
  new Promise<Outcome>((resolve) => {
    execFile("node", words(...more), { cwd: folder, env: env() }, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code as unknown as number) : 0, stdout, stderr }),
    );
  });

const answersIn = async (file: string) => (await readFile(file, "utf8").catch(() => "")).split("\n").filter((line) => line.includes('"answer"')).length;

/** Sends a signal as soon as so many answers are kept. */
async function stoppedAfter(n: number, signal: NodeJS.Signals, answers: () => Promise<number>, ...more: string[]): Promise<Outcome> {
  const child = spawn("node", words(...more), { cwd: folder, env: env() });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const ended = new Promise<Outcome>((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
  while (child.exitCode === null && (await answers()) < n) await new Promise((next) => setTimeout(next, 10));
  child.kill(signal);
  return ended;
}

/** A report without what differs between two runs of the same: how long they took, and how much was there. */
function figures(stdout: string): unknown {
  const { seconds: _, resumed: __, ...report } = JSON.parse(stdout);
  return report;
}

let whole: { report: unknown; predictions: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-resume-"));
  csv = join(folder, "labels.csv");
  const { data, shape, affine } = await readVolume(sample);
  const lines = ["path,group,malignant,spiculated,lobulated,calcified,subsolid"];
  for (let i = 0; i < N; i++) {
    const values = Int16Array.from(data, (value) => value + (value > -500 ? 20 * i : 0));
    await writeFile(join(folder, `v${i}.nii`), writeNifti({ data: values, shape, affine }));
    lines.push(`v${i}.nii,p${i},${i % 2},1,0,0,${i % 3 ? 0 : 1}`);
  }
  await writeFile(csv, `${lines.join("\n")}\n`);
  const { code, stdout } = await evaluate("--json", "--predictions", "whole.csv");
  expect(code).toBe(0);
  whole = { report: figures(stdout), predictions: await readFile(join(folder, "whole.csv"), "utf8") };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("nothing stays of an evaluation that went through but what was asked for", async () => {
  expect((await readdir(folder)).filter((name) => name.startsWith("whole"))).toEqual(["whole.csv"]);
});

test("killed twice, the last line torn: gone on with, the figures and predictions of an evaluation that was never stopped", async () => {
  const kept = join(folder, "killed.csv.kept.jsonl");
  const more = ["--json", "--predictions", "killed.csv"];
  await stoppedAfter(2, "SIGKILL", () => answersIn(kept), ...more);
  const first = await answersIn(kept);
  await stoppedAfter(first + 2, "SIGKILL", () => answersIn(kept), ...more, "--resume");
  const text = await readFile(kept, "utf8");
  const there = await answersIn(kept);
  await writeFile(kept, text.slice(0, -5));
  const { code, stdout, stderr } = await evaluate(...more, "--resume");
  expect(code).toBe(0);
  expect(JSON.parse(stdout).resumed).toBe(there - 1);
  expect(stderr).toContain(`going on: ${there - 1} answer(s)`);
  expect(figures(stdout)).toEqual(whole.report);
  expect(await readFile(join(folder, "killed.csv"), "utf8")).toBe(whole.predictions);
  expect(existsSync(kept)).toBe(false);
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "%s: what there is stays, in the cache where no file was named, and the command that goes on is told",
  async (signal) => {
    const cached = join(folder, "cache/evaluations");
    await rm(cached, { recursive: true, force: true });
    const answers = async () => {
      const names = (await readdir(cached).catch(() => [])).filter((name) => name.endsWith(".jsonl"));
      return names.length ? answersIn(join(cached, names[0])) : 0;
    };
    const stopped = await stoppedAfter(2, signal, answers, "--json");
    expect([stopped.code, stopped.stdout]).toEqual([130, ""]);
    const [, n, command] = /stopped after (\d+) of 8 volumes, kept in \S+; go on with: (.*)\n/.exec(stopped.stderr) ?? [];
    expect(command).toBe(`anymc3d evaluate ${csv} --adapter lung-nodule --threads 1 --samples 100 --json --resume`);
    expect(await answers()).toBe(Number(n));
    const { stdout } = await evaluate("--json", "--resume");
    expect([figures(stdout), JSON.parse(stdout).resumed]).toEqual([whole.report, Number(n)]);
    expect(await readdir(cached)).toEqual([]);
  },
);

test("what no longer fits is computed anew: a volume with other bytes, other checks", async () => {
  const kept = join(folder, "fit.jsonl");
  const first = await evaluate("--json", "--keep", kept);
  expect(figures(first.stdout)).toEqual(whole.report);
  const bytes = await readFile(join(folder, "v3.nii"));
  await writeFile(join(folder, "v3.nii"), await readFile(join(folder, "v5.nii")));
  const changed = await evaluate("--json", "--keep", kept, "--resume", "--predictions", "changed.csv");
  expect(JSON.parse(changed.stdout).resumed).toBe(N - 1);
  const rows = (await readFile(join(folder, "changed.csv"), "utf8")).split("\n").map((row) => row.split(",").slice(2, 7).join());
  expect(rows[4]).toBe(rows[6]);
  expect(rows[4]).not.toBe(whole.predictions.split("\n")[4].split(",").slice(2, 7).join());
  await writeFile(join(folder, "v3.nii"), bytes);
  const otherwise = await evaluate("--json", "--keep", kept, "--resume", "--checks", "warn");
  expect([JSON.parse(otherwise.stdout).resumed, otherwise.stderr]).toEqual([0, expect.stringContaining("made with another checks")]);
});

test("volumes that failed are the only ones computed once they are mended", async () => {
  const bytes = await readFile(join(folder, "v2.nii"));
  await writeFile(join(folder, "v2.nii"), bytes.subarray(0, 2000));
  const broken = await evaluate("--json", "--predictions", "mend.csv");
  expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining("the other answers stay in mend.csv.kept.jsonl")]);
  await writeFile(join(folder, "v2.nii"), bytes);
  const { code, stdout } = await evaluate("--json", "--predictions", "mend.csv", "--resume");
  expect([code, JSON.parse(stdout).resumed, figures(stdout)]).toEqual([0, N - 1, whole.report]);
});

test("two at once: the second is refused", async () => {
  const kept = join(folder, "twice.jsonl");
  let second: Promise<Outcome> | undefined;
  const answers = async () => {
    if (existsSync(`${kept}.lock`)) second ??= evaluate("--json", "--keep", kept);
    await second;
    return second ? N : 0;
  };
  await stoppedAfter(1, "SIGKILL", answers, "--json", "--keep", kept);
  expect(await second).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("RUN_LOCKED") });
});

test("targets that cannot work are refused before anything is computed", async () => {
  for (const [flags, code] of [
    [["--predictions", folder], 1],
    [["--predictions", join(csv, "p.csv")], 1],
    [["--keep", `${"x".repeat(300)}`], 1],
    [["--keep", csv], 2],
    [["--keep", "same", "--predictions", "same"], 2],
  ] as const)
    expect(await evaluate(...flags)).toMatchObject({ code, stdout: "" });
});

test("a reader that went away: the predictions are there, and so are the answers", async () => {
  const more = words("--json", "--predictions", "unread.csv")
    .map((word) => `'${word}'`)
    .join(" ");
  const { code } = await new Promise<{ code: number | null }>((resolve) => {
    const child = spawn("bash", ["-c", `node ${more} | true; exit \${PIPESTATUS[0]}`], { cwd: folder, env: env() });
    child.on("close", (code) => resolve({ code }));
  });
  expect(code).toBe(0);
  expect(await readFile(join(folder, "unread.csv"), "utf8")).toBe(whole.predictions);
  expect(await answersIn(join(folder, "unread.csv.kept.jsonl"))).toBe(N);
});
