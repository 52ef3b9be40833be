// The command as a user runs it: results, JSON, exit codes, bad input. Runs the built program.
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Tensor } from "@anymc3d/core";
import { readTensors, writeSafetensors } from "@anymc3d/core/engine";
import { writeNifti } from "@anymc3d/io";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const bin = join(root, "packages/cli/bin/anymc3d.js");
const sample = join(root, "packages/adapters-lung-nodule/sample.nii.gz");
/** PyTorch's logits of the sample. */
const LOGITS = [2.69495, 2.0404, 1.66451, -5.02184, -3.10637];

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

// Colours are on where CI is set; the texts are compared without.
process.env.NO_COLOR = "1";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const anymc3dIn = (cwd: string, ...args: string[]) =>
  new Promise<Outcome>((resolve) => {
    execFile("node", [bin, ...args], { cwd, encoding: "utf8" }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, stdout, stderr }),
    );
  });
const anymc3d = (...args: string[]) => anymc3dIn(root, ...args);

async function ct(name: string, change: (data: Int16Array) => void, shape: [number, number, number] = [44, 44, 4], spacing = 0.7): Promise<string> {
  const data = new Int16Array(shape[0] * shape[1] * shape[2]).map((_, i) => (i % 7) * 150 - 1000);
  change(data);
  const path = join(folder, name);
  await writeFile(path, writeNifti({ data, shape, affine: [-spacing, 0, 0, 0, 0, -spacing, 0, 0, 0, 0, 1.25, 0, 0, 0, 0, 1] }));
  return path;
}

describe("classify", () => {
  test("the sample: readable result, decisions, slices, disclaimer", async () => {
    const { code, stdout, stderr } = await anymc3d("classify", sample, "--adapter", "lung-nodule");
    expect(code).toBe(0);
    expect(stdout).toMatch(/Rated malignant.*93\.7 %.*yes/);
    expect(stdout).toMatch(/Calcified.*0\.7 %.*no/);
    expect(stdout).toContain("Research use only");
    expect(stdout).toContain("most relevant axial slices, of 6");
    expect(stderr).toBe("");
  });

  test("--json: one object a volume, the reference logits, and the heatmap file on the input's grid", async () => {
    const heatmap = join(folder, "heat.nii.gz");
    const { code, stdout } = await anymc3d("classify", sample, "--adapter", "lung-nodule", "--json", "--heatmap", heatmap);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(Object.keys(result).sort()).toEqual([
      "disclaimer",
      "file",
      "heatmap",
      "labels",
      "logits",
      "ok",
      "provenance",
      "schema",
      "task",
      "views",
      "warnings",
    ]);
    expect([result.schema, result.task]).toEqual(["anymc3d.classify/2", "multilabel"]);
    result.labels.forEach(({ logit }: { logit: number }, i: number) => expect(logit).toBeCloseTo(LOGITS[i], 3));
    expect(existsSync(heatmap)).toBe(true);
    const inspected = JSON.parse((await anymc3d("inspect", "--json", heatmap)).stdout);
    const original = JSON.parse((await anymc3d("inspect", "--json", sample)).stdout);
    expect([inspected.shape, inspected.spacing, inspected.orientation]).toEqual([original.shape, original.spacing, original.orientation]);
    expect(inspected.values.maximum).toBe(1);
    expect(inspected.values.minimum).toBeGreaterThanOrEqual(0);
    expect(original.adapters).toContainEqual({ name: "@anymc3d/adapter-lung-nodule", accepts: true });
  });

  test("int8 moves the logits by less than 1", async () => {
    const { stdout } = await anymc3d("classify", sample, "--adapter", "lung-nodule", "--json", "--precision", "int8");
    const result = JSON.parse(stdout);
    expect(result.provenance.precision).toBe("int8");
    result.labels.forEach(({ logit }: { logit: number }, i: number) => expect(Math.abs(logit - LOGITS[i])).toBeLessThan(1));
  });

  test("bad files among good ones are reported with their codes; the others still run; exit code 1", async () => {
    const bytes = await readFile(sample);
    const truncated = join(folder, "truncated.nii.gz");
    const empty = join(folder, "empty.nii");
    const text = join(folder, "text.nii");
    await writeFile(truncated, bytes.subarray(0, 9000));
    await writeFile(empty, "");
    await writeFile(text, "not a volume at all, ".repeat(40));
    const unscaled = await ct("unscaled.nii", (data) => data.forEach((v, i) => (data[i] = v > 0 ? 1 : 0)));
    const chest = await ct("chest.nii", () => {}, [300, 300, 3], 1);
    const single = await ct("single.nii", (data) => data.fill(-500), [1, 1, 1]);
    const { code, stdout } = await anymc3d(
      "classify",
      "missing.nii",
      truncated,
      empty,
      text,
      unscaled,
      chest,
      single,
      sample,
      "--adapter",
      "lung-nodule",
      "--json",
    );
    expect(code).toBe(1);
    const results = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(results.map(({ ok, error }) => (ok ? "ok" : error.code))).toEqual([
      "FILE_NOT_FOUND",
      "FILE_TRUNCATED",
      "FILE_EMPTY",
      "FORMAT_UNKNOWN",
      "INPUT_VALUES",
      "INPUT_SIZE",
      "INPUT_SIZE",
      "ok",
    ]);
    expect(results[5].error.details).toEqual({ source: "volume", measured: "extent", found: 300, expected: [15, 120], unit: "mm" });
    for (const { error, file } of results.slice(0, 4)) expect(error.message).toContain(file.split("/").at(-1));
  });

  test("wrong modality is refused, --checks force goes on, and the answer looks forced", async () => {
    const refused = await anymc3d("classify", sample, "--adapter", "lung-nodule", "--modality", "MR");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/INPUT_MODALITY.*MR.*CT/);
    const warned = await anymc3d("classify", sample, "--adapter", "lung-nodule", "--modality", "MR", "--checks", "warn");
    expect(warned).toMatchObject({ code: 1, stderr: expect.stringContaining("--checks force") });
    const forced = await anymc3d("classify", sample, "--adapter", "lung-nodule", "--modality", "MR", "--checks", "force");
    expect(forced.code, forced.stderr).toBe(0);
    const [, first, second, third] = forced.stdout.split("\n");
    expect(first).toContain("OUTSIDE what");
    expect(second).toContain("its modality is MR, expected CT");
    expect(third).toMatch(/^ {2}\S.* ▒*░* +[\d.]+ %$/);
    expect(forced.stdout).not.toMatch(/\byes\b|\bno\b|threshold|decided/);
    expect(forced.stderr).not.toContain("modality");
  });

  test("errors name what to do, without a stack unless --verbose", async () => {
    const plain = await anymc3d("classify", sample, "--adapter", "no-such-adapter");
    expect(plain.code).toBe(1);
    expect(plain.stderr).toMatch(/ADAPTER_NOT_FOUND.*npm install @anymc3d\/adapter-no-such-adapter/);
    expect(plain.stderr).not.toMatch(/\n\s+at /);
    const verbose = await anymc3d("classify", sample, "--adapter", "no-such-adapter", "--verbose");
    expect(verbose.stderr).toMatch(/\n\s+at /);
  });

  test("heatmap targets that cannot work are refused before anything is computed, and nothing is left", async () => {
    const missing = await anymc3d("classify", sample, "--adapter", "lung-nodule", "--heatmap", join(folder, "no/such/heat.nii"));
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("OUTPUT_NOT_WRITABLE")]);
    const clash = await anymc3d("classify", sample, sample, "--adapter", "lung-nodule", "--heatmap", join(folder, "one.nii"));
    expect([clash.code, clash.stderr]).toEqual([2, expect.stringContaining("{name}")]);
    const overwrite = await anymc3d("classify", sample, "--adapter", "lung-nodule", "--heatmap", sample);
    expect([overwrite.code, overwrite.stderr]).toEqual([2, expect.stringContaining("overwrite")]);
    expect((await readdir(folder)).filter((name) => name.includes("one.nii") || name.endsWith(".part"))).toEqual([]);
  });

  test("usage errors end with 2, help with 0", async () => {
    expect((await anymc3d("classify", sample)).code).toBe(2);
    expect((await anymc3d("classify", sample, "--adapter", "lung-nodule", "--precision", "int4")).code).toBe(2);
    expect((await anymc3d("classify", sample, "--adapter", "lung-nodule", "--engine", "abacus")).code).toBe(2);
    expect((await anymc3d("nonsense")).code).toBe(2);
    expect((await anymc3d("--help")).code).toBe(0);
  });

  test("Ctrl-C stops the work: exit code 130, what was done before is kept, of the rest there is nothing", async () => {
    const big = await ct("big.nii", () => {}, [64, 64, 400]);
    const heatmap = join(folder, "interrupted-{name}.nii");
    const child = spawn("node", [bin, "classify", sample, big, "--adapter", "lung-nodule", "--json", "--heatmap", heatmap], { cwd: root });
    let stderr = "";
    child.stderr.on("data", (chunk) => (stderr += chunk));
    const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
    // The first file's result: the second one, which takes much longer, is at work.
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(stderr).toContain("interrupted");
    expect((await readdir(folder)).filter((name) => name.startsWith("interrupted"))).toEqual(["interrupted-sample.nii"]);
  });
});

describe("what a shell does", () => {
  const inShell = (command: string, env: Record<string, string> = {}) =>
    new Promise<Outcome>((resolve) => {
      execFile("bash", ["-c", command], { cwd: folder, encoding: "utf8", maxBuffer: 2 ** 26, env: { ...process.env, ...env } }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
      );
    });

  test("a reader that goes away is no fault", async () => {
    const { stdout, stderr } = await inShell(`node ${bin} classify ${sample} ${sample} ${sample} --adapter lung-nodule --json | head -c 10`);
    expect(stdout).toHaveLength(10);
    expect(stderr).toBe("");
  });

  test("a command line of 60 kB works, and nothing is written to the user's home: the runtime's usage reports are off", async () => {
    const home = join(folder, "home");
    const long = Array.from({ length: 600 }, (_, i) => `missing-${String(i).padStart(90, "0")}.nii`).join(" ");
    const { stdout } = await inShell(`mkdir -p ${home}; node ${bin} classify ${long} ${sample} --adapter lung-nodule --json`, {
      HOME: home,
      XDG_CACHE_HOME: join(home, ".cache"),
      ANYMC3D_CACHE: join(folder, "cache"),
    });
    const lines = stdout.trim().split("\n");
    expect(lines).toHaveLength(601);
    expect(JSON.parse(lines[600]).ok).toBe(true);
    expect(await readdir(home, { recursive: true })).toEqual([]);
  });

  test("errors and warnings about files name them", async () => {
    const [one, two] = [await ct("one-slice.nii", () => {}, [44, 44, 1]), await ct("one-slice-too.nii", () => {}, [44, 44, 1])];
    const { stderr } = await anymc3d("classify", one, two, "--adapter", "lung-nodule");
    expect(stderr.match(/warning .*one-slice(-too)?\.nii: .*number of slices is 1/g)).toHaveLength(2);
    const refused = await anymc3d("classify", sample, "--adapter", "lung-nodule", "--modality", "mr");
    expect(refused.stderr).toContain(sample);
  });
});

describe("evaluate", () => {
  test("a small labels file: report, predictions; targets that cannot work are refused first", async () => {
    const csv = join(folder, "labels.csv");
    await writeFile(csv, `path,group,malignant,spiculated,lobulated,calcified,subsolid\n${sample},p1,1,1,0,0,0\n`);
    const out = join(folder, "predictions.csv");
    const { code, stdout } = await anymc3d("evaluate", csv, "--adapter", "lung-nodule", "--json", "--predictions", out);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect([report.schema, report.volumes, report.labels[0].n, report.labels[0].auroc.value]).toEqual(["anymc3d.evaluate/2", 1, 1, null]);
    const [header, row] = (await readFile(out, "utf8")).trim().split("\n");
    expect(header.split(",").slice(0, 3)).toEqual(["id", "group", "logit_malignant"]);
    expect(Number(row.split(",")[2])).toBeCloseTo(LOGITS[0], 3);
    expect((await anymc3d("evaluate", csv, "--adapter", "lung-nodule", "--predictions", csv)).code).toBe(2);
    expect(await readFile(csv, "utf8")).toContain("malignant");
    const nowhere = await anymc3d("evaluate", csv, "--adapter", "lung-nodule", "--predictions", join(folder, "no/such/p.csv"));
    expect([nowhere.code, nowhere.stdout]).toEqual([1, ""]);
  });
});

describe("one bad package spoils nothing but itself", () => {
  const shipped = ["@anymc3d/adapter-adrenal-shape", "@anymc3d/adapter-lung-nodule", "@anymc3d/adapter-vessel-aneurysm"];
  let project: string;
  beforeAll(async () => {
    project = join(folder, "project");
    const broken: Record<string, Record<string, string>> = {
      "adapter-cut": { "adapter.json": '{"schemaVersion": 2, "na' },
      "@x/adapter-empty": { "adapter.json": "{}" },
      "@x/adapter-weightless": { "adapter.json": await readFile(join(root, "packages/adapters-lung-nodule/adapter.json"), "utf8") },
      "@x/adapter-nested": { "adapter.json/file": "" },
    };
    for (const [name, files] of Object.entries(broken))
      for (const [file, text] of Object.entries(files)) {
        const path = join(project, "node_modules", name, file);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, text);
      }
    await writeFile(join(project, "node_modules/@nobody"), "no folder");
  });

  test("inspect: the file and the sound adapters as ever, and a line on each broken one", async () => {
    const { code, stdout, stderr } = await anymc3dIn(project, "inspect", sample, "--json");
    expect(code).toBe(0);
    const { ok, shape, adapters } = JSON.parse(stdout);
    expect([ok, shape.length]).toEqual([true, 3]);
    expect(adapters.map(({ name }: { name: string }) => name).sort()).toEqual(shipped);
    const lines = stderr.trimEnd().split("\n");
    for (const name of ["adapter-cut", "@x/adapter-empty", "@x/adapter-weightless", "@x/adapter-nested"])
      expect(lines.filter((line) => line.includes(join("node_modules", name)) && line.startsWith("warning") && line.includes("is left out"))).toHaveLength(1);
    expect(lines).toHaveLength(4);
  });

  test("adapter list and classify by a sound one's name", async () => {
    const list = await anymc3dIn(project, "adapter", "list");
    expect(list.code).toBe(0);
    for (const name of shipped) expect(list.stdout).toContain(name);
    const { code, stdout } = await anymc3dIn(project, "classify", sample, "--adapter", join(root, "packages/adapters-lung-nodule"), "--json");
    expect([code, JSON.parse(stdout).ok]).toEqual([0, true]);
  });
});

test("a target that is the scan under another name is refused, and the scan is as it was", async () => {
  const [scan, hard, soft] = ["kept.nii.gz", "hard.png", "soft.nii.gz"].map((name) => join(folder, name));
  const before = await readFile(sample);
  await writeFile(scan, before);
  await link(scan, hard);
  await symlink(scan, soft);
  const labels = join(folder, "targets.csv");
  await writeFile(labels, "path,group,malignant,spiculated,lobulated,calcified,subsolid\nkept.nii.gz,a,1,1,1,0,0\n");
  for (const args of [
    ["inspect", scan, "--png", hard],
    ["classify", scan, "--adapter", "lung-nodule", "--heatmap", soft],
    ["convert", scan, soft, "--force"],
    ["evaluate", labels, "--adapter", "lung-nodule", "--predictions", hard],
    ["evaluate", labels, "--adapter", "lung-nodule", "--keep", scan],
  ]) {
    const { code, stderr } = await anymc3d(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining("would overwrite the input")]);
  }
  expect(before.equals(await readFile(scan))).toBe(true);
});

describe("backbone import", () => {
  test("weights beyond float16 are refused by name, and nothing is left", async () => {
    const from = join(folder, "large");
    await cp(join(root, "packages/core/fixtures/tiny-dinov3"), from, { recursive: true });
    const file = join(from, "model.safetensors");
    const tensors = readTensors(await readFile(file));
    const [name, { data }] = [...tensors].find(([each]) => each.endsWith("mlp.up_proj.weight")) as [string, Tensor];
    data[1] = 65504;
    await writeFile(file, writeSafetensors(tensors));
    expect((await anymc3d("backbone", "import", from, "--out", join(folder, "fits"))).code).toBe(0);
    data[1] = -70000;
    await writeFile(file, writeSafetensors(tensors));
    const out = join(folder, "beyond");
    const { code, stdout, stderr } = await anymc3d("backbone", "import", from, "--out", out);
    expect([code, stdout, stderr]).toEqual([1, "", expect.stringMatching(/TENSORS_MISMATCH.*float16.*\(7\.00e\+4\)/s)]);
    expect(stderr).toContain(`blocks.${/\.(\d+)\./.exec(name)?.[1]}.fc1.weight`);
    expect((await readdir(folder)).filter((each) => each.includes("beyond") || each.endsWith(".part"))).toEqual([]);
  });

  test("a tiny DINOv3 folder becomes a backbone that loads again; an existing folder is refused", async () => {
    const from = join(root, "packages/core/fixtures/tiny-dinov3");
    const out = join(folder, "tiny-backbone");
    const { code, stdout } = await anymc3d("backbone", "import", from, "--out", out);
    expect([code, stdout]).toEqual([0, expect.stringContaining("dinov3")]);
    const manifest = JSON.parse(await readFile(join(out, "backbone.json"), "utf8"));
    expect([manifest.spec.registers, manifest.spec.position.kind, manifest.selfTest.plain.length]).toEqual([4, "rope", 32]);
    const again = await anymc3d("backbone", "import", from, "--out", out);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("exists already")]);
    const other = await anymc3d("classify", sample, "--adapter", "lung-nodule", "--backbone", out);
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("BACKBONE_MISMATCH")]);
  });
});
