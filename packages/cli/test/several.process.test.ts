// One scan and several adapters; one study of several volumes. Runs the built program.
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { conformanceLogits } from "@anymc3d/core/learn";
import { createClassifier, openAdapter, readVolume, writeVolume } from "@anymc3d/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sample } from "../../adapters-lung-nodule/index.js";

const bin = fileURLToPath(new URL("../bin/anymc3d.js", import.meta.url));
const scan = fileURLToPath(sample);
process.env.NO_COLOR = "1";
const anymc3d = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile("node", [bin, ...args], { encoding: "utf8", maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
const answersOf = (stdout: string) => stdout.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line)); // biome-ignore format: a line

let folder: string;
const path = (name: string) => join(folder, name);

/** The adrenal adapter with its sagittal view on a second volume, and two shapes for it. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-several-"));
  await cp(fileURLToPath(new URL("../../adapters-adrenal-shape", import.meta.url)), path("pair"), { recursive: true });
  const manifest = JSON.parse(await readFile(path("pair/adapter.json"), "utf8"));
  manifest.name = "@example/adapter-pair";
  manifest.input.views[2].source = "es";
  for (const view of manifest.input.views.slice(0, 2)) view.source = "ed";
  await writeFile(path("pair/adapter.json"), JSON.stringify(manifest));
  const classifier = await createClassifier({ threads: 1 });
  manifest.conformance.logits = await conformanceLogits(await openAdapter(path("pair")), classifier.engine);
  await classifier.dispose();
  await writeFile(path("pair/adapter.json"), JSON.stringify(manifest));
  for (const [name, reach] of [
    ["ed", 14],
    ["es", 9],
  ] as const) {
    const data = new Uint8Array(64 ** 3);
    for (let n = 0; n < data.length; n++) {
      const [i, j, k] = [n % 64, Math.floor(n / 64) % 64, Math.floor(n / 4096)];
      if (Math.hypot(i - 32, (j - 30) * 1.4, k - 33) < reach) data[n] = 255;
    }
    await writeVolume(path(`${name}.nii.gz`), { data, shape: [64, 64, 64] });
  }
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a study of two volumes: the SDK's answer; a source that is missing, unknown, or given twice", async () => {
  const both = ["--source", `ed=${path("ed.nii.gz")}`, "--source", `es=${path("es.nii.gz")}`, "--adapter", path("pair"), "--json"];
  const { code, stdout, stderr } = await anymc3d("classify", ...both);
  expect(code, stderr).toBe(0);
  const [answer] = answersOf(stdout);
  expect(answer).toMatchObject({ ok: true, sources: { ed: path("ed.nii.gz"), es: path("es.nii.gz") } });
  const classifier = await createClassifier({ threads: 1 });
  const wanted = await classifier.classify({ ed: path("ed.nii.gz"), es: path("es.nii.gz") }, path("pair"));
  const swapped = await classifier.classify({ ed: path("es.nii.gz"), es: path("ed.nii.gz") }, path("pair"));
  await classifier.dispose();
  expect(answer.logits[0]).toBeCloseTo(wanted.logits[0], 3);
  expect(Math.abs(swapped.logits[0] - wanted.logits[0])).toBeGreaterThan(0.01);

  for (const [flags, exit, says] of [
    [["--source", `ed=${path("ed.nii.gz")}`, "--adapter", path("pair")], 1, /INPUT_MISSING.*reads 2 source\(s\), \{ ed, es \}; given was \{ ed \}/],
    [["--source", `ed=${path("ed.nii.gz")}`, "--source", `t2=${path("es.nii.gz")}`, "--adapter", path("pair")], 1, /given was \{ ed, t2 \}/],
    [[path("ed.nii.gz"), "--adapter", path("pair")], 1, /given was one volume/],
    [["--source", "ed=a", "--source", "ed=b", "--adapter", path("pair")], 2, /"ed" is given twice/],
    [["--source", "ed", "--adapter", path("pair")], 2, /as ed=a\.nii\.gz/],
    [[path("es.nii.gz"), "--source", `ed=${path("ed.nii.gz")}`, "--adapter", path("pair")], 2, /give that file a source, too/],
  ] as const) {
    const run = await anymc3d("classify", ...flags);
    expect([run.code, run.stderr]).toEqual([exit, expect.stringMatching(says)]);
  }
}, 120_000);

test("several adapters on one scan; --all asks those that are installed, and none of them failing is a failure", async () => {
  const two = await anymc3d("classify", scan, "--modality", "CT", "--adapter", "lung-nodule", "--adapter", "adrenal-shape", "--json");
  expect(two.code).toBe(1);
  const [nodule, gland] = answersOf(two.stdout);
  expect(nodule).toMatchObject({ ok: true, file: scan, provenance: { adapter: { name: "@anymc3d/adapter-lung-nodule" } } });
  expect(gland).toMatchObject({ ok: false, file: scan, adapter: { name: "@anymc3d/adapter-adrenal-shape" }, error: { code: "INPUT_VALUES" } });
  const all = await anymc3d("classify", scan, "--modality", "CT", "--all", "--json");
  expect(all.code, all.stderr).toBe(0);
  const answers = answersOf(all.stdout);
  expect(answers.filter(({ ok }) => ok).map(({ provenance }) => provenance.adapter.name)).toEqual(["@anymc3d/adapter-lung-nodule"]);
  expect(answers.find(({ ok }) => ok).logits[0]).toBeCloseTo(nodule.logits[0], 3);
  expect(answers.length).toBeGreaterThanOrEqual(3);
  for (const [flags, says] of [
    [["--all", "--adapter", "lung-nodule"], "leave --adapter out"],
    [[], "name one by --adapter"],
    [["--adapter", "lung-nodule", "--adapter", "adrenal-shape", "--heatmap", path("heat.nii.gz")], "put {adapter}"],
  ] as const) {
    const run = await anymc3d("classify", scan, ...flags);
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining(says)]);
  }
  expect(await anymc3d("classify", "--adapter", "lung-nodule")).toMatchObject({ code: 2, stderr: expect.stringContaining("no file to classify") });
}, 120_000);

test("classifyAll(): an answer an adapter, in their order; what cannot be read fails all", async () => {
  const classifier = await createClassifier({ threads: 1 });
  try {
    const volume = { ...(await readVolume(scan)), modality: "CT" };
    const adapters = ["adrenal-shape", "lung-nodule", path("pair")];
    const stages: string[] = [];
    const answers = await classifier.classifyAll(volume, adapters, { onProgress: ({ stage, done, total }) => void stages.push(`${stage} ${done <= total}`) });
    expect(answers.map((answer) => [answer.adapter.name, "error" in answer ? answer.error.code : "answered"])).toEqual([
      ["@anymc3d/adapter-adrenal-shape", "INPUT_VALUES"],
      ["@anymc3d/adapter-lung-nodule", "answered"],
      ["@example/adapter-pair", "INPUT_MISSING"],
    ]);
    expect(stages).toContain("encode true");
    const alone = await classifier.classify(volume, "lung-nodule");
    const [, own] = answers;
    expect("result" in own && own.result.logits).toEqual(alone.logits.map((logit) => expect.closeTo(logit, 4)));
    await expect(classifier.classifyAll(volume, [])).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(classifier.classifyAll(path("gone.nii.gz"), adapters)).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
    const aborted = AbortSignal.abort(new Error("enough"));
    await expect(classifier.classifyAll(volume, adapters, { signal: aborted })).rejects.toThrow("enough");
  } finally {
    await classifier.dispose();
  }
}, 120_000);
