// anymc3d train as a user runs it: from a folder of files to a package that classifies; killed and resumed; bad data. Runs the built program.
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { seededRandom } from "@anymc3d/core/learn";
import { writeNifti } from "@anymc3d/io";
import { decode } from "fast-png";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const bin = join(root, "packages/cli/bin/anymc3d.js");
const tiny = join(root, "packages/core/fixtures/tiny-dinov2");
process.env.NO_COLOR = "1";

const anymc3d = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile("node", [bin, ...args], { cwd: root, encoding: "utf8" }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, stdout, stderr }),
    );
  });

let folder: string;
let backbone: string;
let csv: string;
let config: string;

/** 40 volumes of noise; half of them hold a bright ball, which is the label. */
async function makeData(): Promise<void> {
  await mkdir(join(folder, "images"));
  const lines = ["id,group,split,ball"];
  for (let i = 0; i < 40; i++) {
    const random = seededRandom(i + 1);
    const ball = i % 2;
    const [x0, y0, z0] = [8 + 16 * random(), 8 + 16 * random(), 1 + 2 * random()];
    const data = Int16Array.from({ length: 4096 }, (_, v) => {
      const [x, y, z] = [v % 32, Math.floor(v / 32) % 32, Math.floor(v / 1024)];
      return random() * 100 + (ball && (x - x0) ** 2 + (y - y0) ** 2 + 16 * (z - z0) ** 2 < 36 ? 120 : 0);
    });
    const affine = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1];
    await writeFile(join(folder, "images", `00${i}.nii`), writeNifti({ data, shape: [32, 32, 4], affine }));
    lines.push(`00${i},p${i},${i < 26 ? "train" : "val"},${ball}`);
  }
  await writeFile(csv, `${lines.join("\n")}\n`);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-train-"));
  [backbone, csv, config] = ["backbone", "labels.csv", "task.json"].map((name) => join(folder, name));
  await makeData();
  await anymc3d("backbone", "import", tiny, "--out", backbone, "--name", "tiny");
  const view = { source: "volume", plane: "axial", crop: "volume", spacing: 1, size: [32, 32], slices: { choice: "all" }, pad: 0 };
  const task = {
    name: "@example/adapter-ball",
    title: "Ball",
    description: "Whether there is a bright ball.",
    dataset: "made balls",
    task: { kind: "binary", labels: [{ id: "ball", name: "Ball" }] },
    input: { views: [{ ...view, intensity: { kind: "range", range: [0, 220] } }] },
    training: { epochs: 5, batch: 4, learningRate: { lora: 3e-3, head: 1e-2 }, augment: { zoom: { p: 0, low: 1, high: 1 } } },
  };
  await writeFile(config, JSON.stringify(task));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function writeFileChanged(path: string, from: string, to: string): Promise<void> {
  const text = await readFile(path, "utf8");
  expect(text).toContain(from);
  await writeFile(path, text.replace(from, to));
}

/** The validation volumes as MedMNIST would store them. */
async function asNpz(): Promise<Uint8Array> {
  const npy = (type: string, shape: number[], data: Uint8Array) => {
    const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
    const padded = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11);
    const size = new Uint8Array(Uint16Array.of(padded.length + 1).buffer);
    return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), size, Buffer.from(`${padded}\n`), data]);
  };
  const rows = (await readFile(csv, "utf8")).split("\n").filter((line) => line.includes(",val,"));
  const volumes = await Promise.all(rows.map(async (row) => (await readFile(join(folder, "images", `${row.split(",")[0]}.nii`))).subarray(352)));
  const labels = Uint8Array.from(rows, (row) => Number(row.at(-1)));
  return zipSync({ "val_images.npy": npy("<i2", [rows.length, 4, 32, 32], Buffer.concat(volumes)), "val_labels.npy": npy("|u1", [rows.length, 1], labels) });
}

const train = (out: string, ...more: string[]) => anymc3d("train", csv, "--config", config, "--backbone", backbone, "--out", out, ...more);

describe("from files to a package", () => {
  let out: string;
  beforeAll(async () => {
    out = join(folder, "adapter");
    const { code, stdout, stderr } = await train(out);
    expect(stderr).not.toContain("error");
    expect(code).toBe(0);
    expect(stdout).toMatch(/train +26 cases, 26 groups: ball: 13 of 26/);
    expect(stdout).toMatch(/epoch 5: loss [\d.]+, validation AUROC/);
    expect(stdout).toContain("Research use only");
  });

  test("evaluate on the same files gives the AUROC, interval and count that the package states", async () => {
    const evaluated = await anymc3d("evaluate", csv, "--adapter", out, "--backbone", backbone, "--split", "val", "--json");
    const [measured] = JSON.parse(evaluated.stdout).labels;
    const manifest = JSON.parse(await readFile(join(out, "adapter.json"), "utf8"));
    const [stated] = manifest.metrics[0].labels;
    expect(stated.auroc).toBeGreaterThan(0.9);
    expect(measured.auroc).toEqual({ value: stated.auroc, interval: stated.interval });
    expect([measured.n, measured.positives]).toEqual([stated.n, stated.positives]);
    const card = await readFile(join(out, "README.md"), "utf8");
    expect(card).toContain(stated.auroc.toFixed(3));
    expect(card).toContain("26 cases for training, 14 for validation");
  });

  test("the report is one file without script or request: curves, tables, and the most wrong cases with their slices", async () => {
    const html = await readFile(join(out, "run/report.html"), "utf8");
    expect(html).not.toMatch(/<script|https?:|src="(?!data:image\/png)|<link/i);
    expect(html).toContain("Research use only");
    // 5 epochs: five dots in either curve; 14 validation cases in the table.
    expect(html.match(/<svg[^>]*aria-label="Training loss by epoch".*?<\/svg>/)?.[0].match(/<circle/g)).toHaveLength(5);
    const manifest = JSON.parse(await readFile(join(out, "adapter.json"), "utf8"));
    expect(html).toContain(`${manifest.metrics[0].labels[0].n} (${manifest.metrics[0].labels[0].positives})`);
    const cases = [...html.matchAll(/<img src="data:image\/png;base64,([^"]+)" alt="([^"]+)"/g)];
    expect(cases).toHaveLength(3);
    // 4 slices of 32×32 side by side, heatmap below: 128×64 pixels, and not one colour.
    const { width, height, data } = decode(Buffer.from(cases[0][1], "base64"));
    expect([width, height]).toEqual([128, 64]);
    expect(new Set(data).size).toBeGreaterThan(20);
    expect(cases[0][2]).toMatch(/heatmap of 00\d+: (present|absent), probability [\d.]+ %, slices 0, 1, 2, 3/);
  });

  test("what a user wrote into ids and titles stays text in the report", async () => {
    const [hostileCsv, hostileTask] = ["hostile.csv", "hostile.json"].map((name) => join(folder, name));
    const rows = (await readFile(csv, "utf8")).split("\n").slice(1, -1);
    const withPaths = rows.map((row) => `<script>alert(${row.split(",")[0]})</script>,images/${row.split(",")[0]}.nii,${row.split(",").slice(1).join(",")}`);
    await writeFile(hostileCsv, `id,path,group,split,ball\n${withPaths.join("\n")}\n`);
    await writeFile(hostileTask, (await readFile(config, "utf8")).replace('"title":"Ball"', '"title":"<img src=x onerror=alert(1)>"'));
    const { code } = await anymc3d("train", hostileCsv, "--config", hostileTask, "--backbone", backbone, "--out", join(folder, "hostile"), "--epochs", "1");
    expect(code).toBe(0);
    const html = await readFile(join(folder, "hostile/run/report.html"), "utf8");
    expect(html).not.toMatch(/<script|<img src=x/);
    expect(html).toContain("&lt;script&gt;alert(");
  });

  test("evaluate on the same volumes in an .npz gives the same report; without a split it asks for one", async () => {
    const npz = join(folder, "balls.npz");
    await writeFile(npz, await asNpz());
    const measure = async (data: string) => JSON.parse((await evaluate(data, "--split", "val", "--json")).stdout);
    const evaluate = (data: string, ...more: string[]) => anymc3d("evaluate", data, "--adapter", out, "--backbone", backbone, ...more);
    const [fromCsv, fromNpz] = [await measure(csv), await measure(npz)];
    expect(fromNpz.volumes).toBe(14);
    // Warnings about the missing modality and spacing aside, what is measured is equal.
    expect(fromNpz.labels.map(({ auroc, brier }: { auroc: { value: number }; brier: { value: number } }) => [auroc.value, brier.value])).toEqual(
      fromCsv.labels.map(({ auroc, brier }: { auroc: { value: number }; brier: { value: number } }) => [auroc.value, brier.value]),
    );
    const asked = await evaluate(npz);
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain("--split train, val, test");
  });

  test("the package passes anymc3d adapter verify; a stale card does not", async () => {
    const fine = await anymc3d("adapter", "verify", out, "--backbone", backbone);
    expect(fine.stdout).not.toContain("FAIL");
    expect(fine.code).toBe(0);
    const stale = join(folder, "stale");
    await cp(out, stale, { recursive: true });
    await writeFile(join(stale, "README.md"), "# Ball\n");
    const { code, stdout } = await anymc3d("adapter", "verify", stale, "--backbone", backbone, "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout).checks.filter(({ ok }: { ok: boolean }) => !ok)).toMatchObject([{ name: "card", detail: expect.stringContaining("limits") }]);
  });

  test("a scan unlike the training data is warned about", async () => {
    const path = join(folder, "bright.nii");
    const data = new Int16Array(4096).fill(3000);
    await writeFile(path, writeNifti({ data, shape: [32, 32, 4], affine: [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1] }));
    const { stdout } = await anymc3d("classify", path, "--adapter", out, "--backbone", backbone, "--json");
    expect(
      JSON.parse(stdout)
        .warnings.map(({ message }: { message: string }) => message)
        .join(),
    ).toContain("3000");
  });

  test("a second run into the folder is refused; --resume of a finished run changes nothing", async () => {
    const before = await readFile(join(out, "weights.safetensors"));
    const again = await train(out);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("--resume");
    expect((await train(out, "--resume")).code).toBe(0);
    expect((await readFile(join(out, "weights.safetensors"))).equals(before)).toBe(true);
  });

  test("a sample volume put into the package is exported and published with it", async () => {
    const sampled = join(folder, "sampled");
    await cp(out, sampled, { recursive: true });
    await cp(join(folder, "images/001.nii"), join(sampled, "sample.nii"));
    expect((await train(sampled, "--resume")).code).toBe(0);
    const { sample } = await import(pathToFileURL(join(sampled, "index.js")).href);
    expect((await readFile(sample)).equals(await readFile(join(folder, "images/001.nii")))).toBe(true);
    const { files, exports } = JSON.parse(await readFile(join(sampled, "package.json"), "utf8"));
    expect(files).toContain("sample.nii");
    expect(exports["./sample.nii"]).toBe("./sample.nii");
    expect((await anymc3d("adapter", "verify", sampled, "--backbone", backbone)).code).toBe(0);
  });

  test("a folder that cannot be written, or that holds a run, is refused before anything is read or computed", async () => {
    const read = /cases, \d+ groups|epoch/;
    for (const [where, why] of [
      ["/proc/adapter", /cannot be written in \/proc: .*Choose a folder/],
      [join(csv, "out"), /not a folder/],
      [join(folder, "x".repeat(300)), /too long/],
      [out, /is there from an earlier run: go on with it by --resume/],
    ] as const) {
      const { code, stdout, stderr } = await train(where);
      expect([code, read.test(stdout)]).toEqual([1, false]);
      expect(stderr).toMatch(why);
    }
  });

  test("another run at work there is refused, one that is gone is not", async () => {
    const busy = join(folder, "busy");
    await cp(out, busy, { recursive: true });
    await writeFile(join(busy, "run/lock"), `${process.pid} ${hostname()}`);
    const refused = await train(busy, "--resume");
    expect(refused.stderr).toContain("RUN_LOCKED");
    await writeFile(join(busy, "run/lock"), `4194305 ${hostname()}`);
    expect((await train(busy, "--resume")).code).toBe(0);
  });

  test("killed in mid-run and resumed: the same weights as without", async () => {
    const killed = join(folder, "killed");
    const child = spawn("node", [bin, "train", csv, "--config", config, "--backbone", backbone, "--out", killed, "--json"], { cwd: root });
    let epochs = 0;
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (text: Buffer) => {
        epochs += text.toString().split('"type":"epoch"').length - 1;
        if (epochs >= 2) child.kill("SIGKILL");
      });
      child.on("exit", () => resolve());
    });
    expect(epochs).toBeLessThan(5);
    const { code, stdout } = await train(killed, "--resume", "--json");
    expect(code).toBe(0);
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.find(({ type }) => type === "step").epoch).toBeGreaterThan(1);
    expect(events.at(-1).type).toBe("done");
    for (const { type, epoch, epochs } of events) {
      if (type === "step") expect([epochs, epoch <= epochs]).toEqual([5, true]);
      if (type === "validate") expect(epoch).toBeLessThanOrEqual(5);
    }
    expect((await readFile(join(killed, "weights.safetensors"))).equals(await readFile(join(out, "weights.safetensors")))).toBe(true);
  });
});

describe("an automatic split", () => {
  test("is drawn by patient and label, and kept for evaluate", async () => {
    const [plain, out] = [join(folder, "plain.csv"), join(folder, "drawn")];
    const rows = (await readFile(csv, "utf8")).trim().split("\n").map((row) => row.split(",").filter((_, i) => i !== 2).join(",")); // biome-ignore format: a line
    await writeFile(plain, `${rows.join("\n")}\n`);
    const trained = await anymc3d("train", plain, "--config", config, "--backbone", backbone, "--out", out, "--epochs", "1");
    // 20 balls and 20 without: a fifth of either validates.
    expect(trained.stdout).toMatch(/val +8 cases, 8 groups: ball: 4 of 8/);
    const splits = join(out, "run/splits.csv");
    const evaluate = (...more: string[]) => anymc3d("evaluate", plain, "--adapter", out, "--backbone", backbone, "--split", "validation", ...more);
    const [measured] = JSON.parse((await evaluate("--splits", splits, "--json")).stdout).labels;
    const [stated] = JSON.parse(await readFile(join(out, "adapter.json"), "utf8")).metrics[0].labels;
    expect([measured.n, measured.auroc.value]).toEqual([8, stated.auroc]);
    const without = await evaluate();
    expect(without.code).not.toBe(0);
    expect(without.stderr).toContain("run/splits.csv");
  });
});

describe("--out", () => {
  test.each([
    ["another package", "package.json", '{"name":"my-site"}', /holds the package my-site/],
    ["someone's files", "README.md", "# mine\n", /holds README\.md/],
    ["a broken package.json", "package.json", "{", /not JSON/],
  ])("with %s in it is refused before anything is read, and stays as it is", async (_, name, content, message) => {
    const out = await mkdtemp(join(folder, "taken-"));
    await writeFile(join(out, name), content);
    const { code, stdout, stderr } = await train(out, "--json");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
    expect(await readdir(out)).toEqual([name]);
    expect(await readFile(join(out, name), "utf8")).toBe(content);
  });
});

describe("--compare", () => {
  test("trains the named variants beside the package, holds them against size, and goes on where it was", async () => {
    const out = join(folder, "compared");
    const run = () => train(out, "--resume", "--compare", "head-only,last-1+mean-pooling", "--epochs", "2", "--json");
    const { code, stdout, stderr } = await run();
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const { models } = JSON.parse(stdout.trim().split("\n").at(-1) as string);
    const names = models.map(({ name }: { name: string }) => name);
    expect(names).toEqual(["as configured", "head-only", "last-1+mean-pooling", "slice count", "volume extent", "foreground"]);
    // Every volume has 4 slices: a count that cannot tell anything is at chance exactly.
    expect(models[3].score.value).toBe(0.5);
    const manifest = JSON.parse(await readFile(join(out, "adapter.json"), "utf8"));
    expect(models[0].score.value).toBe(manifest.metrics[0].labels[0].auroc);
    expect(await readFile(join(out, "README.md"), "utf8")).toContain("| head-only |");
    expect(JSON.parse(await readFile(join(out, "compare/head-only/adapter.json"), "utf8")).modules.lora).toBeNull();
    const again = await run();
    expect(again.stdout).not.toContain('"step"');
    expect(JSON.parse(again.stdout.trim().split("\n").at(-1) as string).models).toEqual(models);
    const card = await readFile(join(out, "README.md"), "utf8");
    expect(card).toMatch(/head-only: on frozen features, at least 60 epochs/);
    expect((await train(out, "--resume", "--epochs", "2")).code).toBe(0);
    expect(await readFile(join(out, "README.md"), "utf8")).toBe(card);
  });

  test("an unknown variant is refused before anything is read", async () => {
    const { code, stderr } = await train(join(folder, "never"), "--compare", "heads-only");
    expect(code).toBe(2);
    expect(stderr).toContain("head-only");
  });
});

describe("bad input", () => {
  test("unreadable cases are listed all at once; --skip-bad goes on", async () => {
    const bad = join(folder, "bad.csv");
    const text = await readFile(csv, "utf8");
    await writeFile(join(folder, "images/empty.nii"), "");
    await writeFile(bad, `${text}empty,e,train,1\nmissing,m,train,0\n`);
    const out = join(folder, "skipped");
    const refused = await anymc3d("train", bad, "--config", config, "--backbone", backbone, "--out", out);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/empty.*\n.*missing/);
    expect(refused.stderr).toContain("--skip-bad");
    const skipped = await anymc3d("train", bad, "--config", config, "--backbone", backbone, "--out", out, "--skip-bad", "--epochs", "1");
    expect(skipped.code).toBe(0);
    expect(skipped.stdout).toContain("26 cases");
    expect(await readFile(join(out, "README.md"), "utf8")).toContain("left out because they could not be used: empty (FILE_EMPTY), missing (FILE_NOT_FOUND)");
    expect(await readFile(join(out, "run/report.html"), "utf8")).toMatch(/Left out<\/h3>.*<td>empty<\/td>/);
  });

  test.each([
    ["no validation set", (text: string) => text.replaceAll(",val,", ",train,"), "validation"],
    ["one patient in two splits", (text: string) => text.replace("p39,val", "p0,val"), "p0"],
    ["labels of one class only", (text: string) => text.replace(/,train,0/g, ",train,1"), "one class"],
    ["a label that is no label", (text: string) => text.replace("p0,train,0", "p0,train,maybe"), "line 2"],
  ])("%s", async (_, change, said) => {
    const path = join(folder, "changed.csv");
    await writeFile(path, change(await readFile(csv, "utf8")));
    const { code, stderr } = await anymc3d("train", path, "--config", config, "--backbone", backbone, "--out", join(folder, "never"));
    expect(code).not.toBe(0);
    expect(stderr).toContain(said);
  });

  test("one scan in training and in validation is refused; what is left out by --skip-bad is the later one", async () => {
    const twice = join(folder, "twice.csv");
    await writeFile(twice, (await readFile(csv, "utf8")).replace(/\n$/, "\ncopy,q,val,0\n"));
    await cp(join(folder, "images/000.nii"), join(folder, "images/copy.nii"));
    const { code, stderr } = await anymc3d("train", twice, "--config", config, "--backbone", backbone, "--out", join(folder, "never"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/copy DATA_INVALID .*same voxels as case 000 of the train split/);
    expect(stderr).toContain("1 case(s)");
  });

  test.each([
    ["an image", (copy: string) => cp(join(folder, "images/001.nii"), join(copy, "images/003.nii")), [], /differs in images or masks/],
    ["a label", (copy: string) => writeFileChanged(join(copy, "labels.csv"), "002,p2,train,0", "002,p2,train,1"), [], /differs in cases, splits or labels/],
    ["a setting", async () => {}, ["--epochs", "3"], /differs in training\./],
  ])("--resume with %s changed is refused, and says so", async (_, change, more, message) => {
    const copy = await mkdtemp(join(folder, "moved-"));
    for (const name of ["images", "labels.csv"]) await cp(join(folder, name), join(copy, name), { recursive: true });
    const run = (...args: string[]) =>
      anymc3d("train", join(copy, "labels.csv"), "--config", config, "--backbone", backbone, "--out", join(copy, "out"), ...args);
    expect((await run("--epochs", "1")).code).toBe(0);
    expect((await run("--epochs", "1", "--resume")).code).toBe(0);
    await change(copy);
    const { code, stderr } = await run("--resume", ...(more.length ? more : ["--epochs", "1"]));
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
  });

  test("a package that could not be published, and figures that say little, are told at once", async () => {
    const few = join(folder, "few.csv");
    const rows = (await readFile(csv, "utf8")).split("\n").filter((row) => !/^00(2[89]|3\d),/.test(row));
    await writeFile(few, `${rows.join("\n")}\n`);
    const { code, stderr } = await anymc3d("train", few, "--config", config, "--backbone", backbone, "--out", join(folder, "few"), "--epochs", "1");
    expect(code).toBe(0);
    expect(stderr).toMatch(/FEW_CASES ball: val has 1 positive and 1 negative/);
    expect(stderr).toMatch(/not ready to publish metrics .*without an interval/);
  });

  test("a misspelt setting is named", async () => {
    const path = join(folder, "wrong.json");
    await writeFile(path, (await readFile(config, "utf8")).replace('"epochs"', '"epoch"'));
    const { code, stderr } = await anymc3d("train", csv, "--config", path, "--out", join(folder, "never"));
    expect(code).toBe(2);
    expect(stderr).toContain("epoch");
  });
});
