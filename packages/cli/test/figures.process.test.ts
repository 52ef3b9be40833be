// One figure, one value, one interval, wherever the program tells it: terminal, card, report, adapter.json, comparison, `evaluate`; decisions are those of
// its predictions; what speaks against the figures travels with them; no folder of this machine gets into any of it. Runs the built program.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { seededRandom } from "@anymc3d/core/learn";
import { writeNifti } from "@anymc3d/io";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const bin = join(root, "packages/cli/bin/anymc3d.js");
const tiny = join(root, "packages/core/fixtures/tiny-dinov2");
const IDS = ["dark", "grey", "bright"];

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}
const anymc3d = (...args: string[]) =>
  new Promise<Ran>((resolve) => {
    execFile("node", [bin, ...args], { cwd: root, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, stdout, stderr }),
    );
  });

let folder: string;
let elsewhere: string;
let backbone: string;
let csv: string;
const VAL = 33;

/** 69 volumes of noise about a level; the class is its third of the range, in a few cases its neighbour's. `odd` is a label that nothing shows. */
async function makeData(): Promise<void> {
  await mkdir(join(folder, "images"));
  const lines = ["path,group,split,label,odd"];
  for (let i = 0; i < 69; i++) {
    const random = seededRandom(300 + i);
    const level = 220 * random();
    const third = Math.min(2, Math.floor(level / 73.4));
    const at = i % 7 === 3 ? (third + 1) % 3 : third;
    const data = Int16Array.from({ length: 32 * 32 * 2 }, () => level + 60 * (random() - 0.5));
    const name = `0${i}.nii`;
    // Half of the table's paths are absolute, a third of those outside of its folder.
    const place = i % 6 === 5 ? join(elsewhere, name) : join(folder, "images", name);
    await writeFile(place, writeNifti({ data, shape: [32, 32, 2], affine: [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1] }));
    const val = i >= 69 - VAL;
    const odd = val ? Number(i >= 65) : i % 2;
    lines.push(`${i % 2 ? place : `images/${name}`},p${Math.floor(i / 2)},${val ? "val" : "train"},${IDS[at]},${odd}`);
  }
  await writeFile(csv, `${lines.join("\n")}\n`);
}

const taskOf = (task: unknown) => ({
  name: "@example/adapter-level",
  title: "Level",
  description: "How bright it is.",
  dataset: "made levels",
  task,
  input: {
    views: [
      {
        source: "volume",
        plane: "axial",
        crop: "volume",
        spacing: 1,
        size: [32, 32],
        slices: { choice: "all" },
        pad: 0,
        intensity: { kind: "range", range: [0, 220] },
      },
    ],
  },
  modules: { lora: null, pooling: "mean" },
  training: { epochs: 12, batch: 6, seed: 5, learningRate: { lora: 1e-3, head: 3e-2 } },
});

async function train(out: string, task: unknown, ...more: string[]): Promise<Ran> {
  const config = join(folder, `${out}.json`);
  await writeFile(config, JSON.stringify(taskOf(task)));
  return anymc3d("train", csv, "--config", config, "--backbone", backbone, "--out", join(folder, out), ...more);
}

const json = async (...path: string[]) => JSON.parse(await readFile(join(folder, ...path), "utf8"));
const text = (...path: string[]) => readFile(join(folder, ...path), "utf8");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-figures-"));
  elsewhere = await mkdtemp(join(tmpdir(), "anymc3d-figures-"));
  [backbone, csv] = ["backbone", "labels.csv"].map((name) => join(folder, name));
  await makeData();
  await anymc3d("backbone", "import", tiny, "--out", backbone, "--name", "tiny");
});
afterAll(() => Promise.all([folder, elsewhere].map((each) => rm(each, { recursive: true, force: true }))));

type Figure = { value: number; interval: [number, number] };
const three = ({ value, interval }: Figure, between: string) => `${value.toFixed(3)} [${interval.map((edge) => edge.toFixed(3)).join(between)}]`;

describe("classes", () => {
  let trained: Ran;
  let stated: {
    labels: { id: string; auroc: number; interval: [number, number]; n: number; positives: number }[];
    figures: ({ id: string; name: string } & Figure)[];
  };
  const whole = (id: string) => stated.figures.find((figure) => figure.id === id) as (typeof stated.figures)[number];
  beforeAll(async () => {
    const labels = IDS.map((id) => ({ id, name: id }));
    trained = await train("classes", { kind: "multiclass", labels }, "--compare", "head-only+mean-pooling");
    expect([trained.code, trained.stderr.match(/error.*/)]).toEqual([0, null]);
    [stated] = (await json("classes", "adapter.json")).metrics;
  });

  test("the card, its comparison, the report and the terminal say what adapter.json says", async () => {
    const [card, html, compared] = [
      await text("classes", "README.md"),
      await text("classes", "run", "report.html"),
      await json("classes", "compare", "comparison.json"),
    ];
    for (const { id, n, positives, auroc, interval } of stated.labels) {
      const figure = { value: auroc, interval };
      expect(card).toContain(`| ${id} | ${n} | ${positives} | ${auroc.toFixed(3)} | ${interval.map((edge) => edge.toFixed(3)).join("–")} |`);
      expect(compared[0].figures[id]).toEqual(figure);
      expect(html).toContain(`<td>${id}</td><td>${n} (${positives})</td><td>${three(figure, "–")}</td>`);
      expect(trained.stdout).toMatch(new RegExp(`${id} +AUROC ${three(figure, "–").replace(/[[\].]/g, "\\$&")}`));
    }
    expect(stated.figures.map(({ id }) => id)).toEqual(["topOneAccuracy", "macroF1", "meanAuroc"]);
    for (const figure of stated.figures) {
      expect(card).toContain(`| ${figure.name} | ${VAL} | ${figure.value.toFixed(3)} | ${figure.interval.map((edge) => edge.toFixed(3)).join("–")} |`);
      expect(html).toContain(`<td>${figure.name}</td><td>${VAL}</td><td>${three(figure, "–")}</td>`);
      expect(trained.stdout).toContain(`${figure.name} ${three(figure, "–")}`);
    }
    const { value, interval } = whole("meanAuroc");
    expect(compared[0].score).toEqual({ value, interval });
    const row = card.split("\n").find((line) => line.startsWith("| as configured |")) as string;
    for (const each of [...stated.labels.map(({ auroc, interval: own }) => ({ value: auroc, interval: own })), { value, interval }])
      expect(row).toContain(three(each, " to "));
  });

  test("the kept epoch's line has the AUROC that the package states", () => {
    const [, kept] = /adapter package, epoch (\d+)/.exec(trained.stdout) as RegExpExecArray;
    const line = new RegExp(`^epoch ${kept}: .*validation AUROC ([\\d.]+) \\((.*?)\\)`, "m").exec(trained.stdout) as RegExpExecArray;
    expect(line[1]).toBe(whole("meanAuroc").value.toFixed(3));
    expect(line[2]).toBe(stated.labels.map(({ id, auroc }) => `${id} ${auroc.toFixed(3)}`).join(", "));
  });

  test("evaluate on the same cases, in any order, gives the same, and its decisions are those of the predictions", async () => {
    const [head, ...rows] = (await text("labels.csv")).trim().split("\n");
    const turned = join(folder, "turned.csv");
    await writeFile(turned, `${[head, ...rows.toReversed()].join("\n")}\n`);
    const table = join(folder, "predictions.csv");
    const { code, stdout } = await anymc3d(
      "evaluate",
      turned,
      "--adapter",
      join(folder, "classes"),
      "--backbone",
      backbone,
      "--split",
      "val",
      "--json",
      "--predictions",
      table,
    );
    expect(code).toBe(0);
    const found = JSON.parse(stdout);
    for (const { id, auroc, interval } of stated.labels) {
      const own = found.labels.find((label: { id: string }) => label.id === id).auroc;
      expect([own.value, ...own.interval]).toEqual([auroc, ...interval].map((value) => expect.closeTo(value, 6)));
    }
    for (const { id, value, interval } of stated.figures)
      expect([found.whole[id].value, ...found.whole[id].interval]).toEqual([value, ...interval].map((each) => expect.closeTo(each, 6)));
    const [columns, ...lines] = (await readFile(table, "utf8"))
      .trim()
      .split("\n")
      .map((line) => line.split(","));
    const cells = lines.map((line) => Object.fromEntries(columns.map((column, i) => [column, line[i]])));
    const count = IDS.map((truth) => IDS.map((decided) => cells.filter((row) => row.truth === truth && row.decided === decided).length));
    expect([found.classes, found.confusion]).toEqual([IDS, count]);
    expect(found.whole.topOneAccuracy.value).toBeCloseTo(cells.filter((row) => row.truth === row.decided).length / VAL, 12);
    for (const row of cells) expect(Number(row[`probability_${row.decided}`])).toBe(Math.max(...IDS.map((id) => Number(row[`probability_${id}`]))));
    expect(stdout).not.toMatch(/threshold/);
  });

  test("for people: the share of right ones, macro F1, and which class was taken for which; no threshold", async () => {
    const { stdout } = await anymc3d("evaluate", csv, "--adapter", join(folder, "classes"), "--backbone", backbone, "--split", "val");
    for (const { name, ...figure } of stated.figures) expect(stdout).toContain(`${name} ${three(figure, "–")}, of ${VAL} cases`);
    expect(stdout).toMatch(/true class \\ decided +dark +grey +bright\ndark +\d+ +\d+ +\d+\ngrey/);
    expect(stdout + trained.stdout + (await text("classes", "README.md")) + (await text("classes", "run", "report.html"))).not.toMatch(/threshold/i);
  });

  test("no folder of this machine is in what was written, though the table's paths are absolute", async () => {
    for (const entry of await readdir(join(folder, "classes"), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.name.endsWith(".safetensors")) continue;
      const content = await readFile(join(entry.parentPath, entry.name), "utf8");
      expect([entry.name, content.includes(folder), content.includes(elsewhere)]).toEqual([entry.name, false, false]);
    }
    const predictions = await text("predictions.csv");
    expect([predictions.includes(tmpdir()), predictions.includes("images/01.nii") || predictions.includes("images/037.nii")]).toEqual([false, true]);
  });
});

describe("a label that nothing shows", () => {
  let trained: Ran;
  beforeAll(async () => {
    await writeFile(join(folder, "images", "bad.nii"), "no image");
    await writeFile(csv, `${await text("labels.csv")}${join(folder, "images", "bad.nii")},pbad,train,dark,0\n`);
    trained = await train("odd", { kind: "binary", labels: [{ id: "odd", name: "Odd" }] }, "--skip-bad");
    expect(trained.code).toBe(0);
  });

  test("what speaks against its figures stands in adapter.json, on the card, in search facts, and comes with every result", async () => {
    const { metrics } = await json("odd", "adapter.json");
    const codes = metrics[0].warnings.map(({ code }: { code: string }) => code);
    expect(codes).toContain("FEW_CASES");
    for (const { code, message } of metrics[0].warnings) {
      expect(trained.stderr).toContain(message);
      expect(await text("odd", "README.md")).toContain(`**${code}** ${message}`);
    }
    const { anymc3d: facts } = await json("odd", "package.json");
    expect(facts.doubts).toContain("FEW_CASES");
    const classified = await anymc3d(
      "classify",
      join(folder, "images", "00.nii"),
      "--adapter",
      join(folder, "odd"),
      "--backbone",
      backbone,
      "--checks",
      "warn",
      "--json",
    );
    expect(JSON.parse(classified.stdout).warnings.map(({ code }: { code: string }) => code)).toEqual(expect.arrayContaining(facts.doubts));
  });

  test("adapter verify holds them to the figures", async () => {
    const other = join(folder, "silent");
    await cp(join(folder, "odd"), other, { recursive: true });
    const manifest = await json("odd", "adapter.json");
    const [{ warnings: _, ...entry }] = manifest.metrics;
    await writeFile(join(other, "adapter.json"), JSON.stringify({ ...manifest, metrics: [entry] }));
    const { code, stdout } = await anymc3d("adapter", "verify", other, "--backbone", backbone);
    expect([code, stdout]).toEqual([1, expect.stringMatching(/FAIL.* metrics .*"warnings" lacks \{"code":"FEW_CASES","about":"odd"/)]);
  });

  test("the report says what was left out, and names no folder", async () => {
    const html = await text("odd", "run", "report.html");
    expect(html).toContain("images/bad.nii");
    expect(html).not.toContain(folder);
    const evaluated = await anymc3d(
      "evaluate",
      csv,
      "--adapter",
      join(folder, "odd"),
      "--backbone",
      backbone,
      "--split",
      "train",
      "--json",
      "--predictions",
      join(folder, "odd.csv"),
    );
    const { failures, volumes, labels } = JSON.parse(evaluated.stdout);
    expect(failures).toEqual([expect.objectContaining({ id: "images/bad.nii", code: expect.any(String) })]);
    expect(JSON.stringify(failures)).not.toContain(folder);
    const lines = (await text("odd.csv")).trim().split("\n").slice(1);
    expect([lines.length, lines.filter((line) => line.endsWith(",")).length, labels[0].n]).toEqual([volumes + 1, volumes, volumes]);
    expect(lines.find((line) => line.startsWith("images/bad.nii"))).toBe(`images/bad.nii,pbad,,,,0,${failures[0].code}`);
  });

  test("adapter version sets all three places, which adapter verify holds against each other", async () => {
    const other = join(folder, "versioned");
    await cp(join(folder, "odd"), other, { recursive: true });
    const bump = (version: string) => anymc3d("adapter", "version", other, version);
    expect(await bump("minor")).toMatchObject({ code: 0, stdout: "@example/adapter-level 0.1.0 -> 0.2.0 in package.json, adapter.json, README.md\n" });
    expect([(await json("versioned", "package.json")).version, (await json("versioned", "adapter.json")).version]).toEqual(["0.2.0", "0.2.0"]);
    expect(await text("versioned", "README.md")).toContain("`@example/adapter-level` 0.2.0. How bright");
    for (const wrong of ["0.2.0", "0.1.9", "big", "1.2", "v1.0.0", "1.0.0+build"]) expect([wrong, (await bump(wrong)).code]).toEqual([wrong, 2]);
    expect(await bump("1.0.0")).toMatchObject({ code: 0 });
    const card = await text("versioned", "README.md");
    await writeFile(join(other, "README.md"), card.replace("1.0.0", "0.9.0"));
    const { stdout } = await anymc3d("adapter", "verify", other, "--backbone", backbone);
    expect(stdout).toMatch(/FAIL.* card .*the version of adapter\.json, as `@example\/adapter-level` 1\.0\.0; `anymc3d adapter version`/);
    expect((await bump("patch")).stderr).toMatch(/the places differ \(package\.json 1\.0\.0, adapter\.json 1\.0\.0, README\.md 0\.9\.0\)/);
    expect(await bump("1.0.0")).toMatchObject({ code: 0 });
    expect(await text("versioned", "README.md")).toBe(card);
  });
});
