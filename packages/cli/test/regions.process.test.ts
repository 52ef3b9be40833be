// Regions of a whole scan, as a user asks for them: the answer of the crop alone, in its place. Runs the built program.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Volume } from "@anymc3d/core";
import { readVolume, writeVolume } from "@anymc3d/io";
import { slice } from "@anymc3d/testkit/dicom";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sample } from "../../adapters-lung-nodule/index.js";

const bin = fileURLToPath(new URL("../bin/anymc3d.js", import.meta.url));
process.env.NO_COLOR = "1";
const anymc3d = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile("node", [bin, ...args], { encoding: "utf8", maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
const classify = async (...args: string[]) => {
  const { code, stdout, stderr } = await anymc3d("classify", ...args, "--adapter", "lung-nodule", "--modality", "CT", "--json");
  return { code, stderr, answers: stdout.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line)) }; // biome-ignore format: a line
};

let folder: string;
let path: (name: string) => string;
let crop: Volume;
/** Where the sample's first voxel lies in the scan. */
const start = [90, 60, 20] as const;
const shape = [220, 200, 60] as const;
let middle: readonly number[];
let logits: number[];

/** A scan of noise-free lung and chest wall with the sample's voxels in it, in the patient space of the sample. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-regions-"));
  path = (name) => join(folder, name);
  crop = await readVolume(fileURLToPath(sample));
  const [nx, ny, nz] = crop.shape;
  const inCrop = (i: number, j: number, k: number) => i >= 0 && j >= 0 && k >= 0 && i < nx && j < ny && k < nz;
  const voxel = (i: number, j: number, k: number) =>
    inCrop(i - start[0], j - start[1], k - start[2])
      ? crop.data[((k - start[2]) * ny + j - start[1]) * nx + i - start[0]]
      : Math.hypot(i - 110, j - 100) < 80
        ? -850
        : 40;
  const each = (value: (i: number, j: number, k: number) => number) => (_: unknown, n: number) =>
    value(n % shape[0], Math.floor(n / shape[0]) % shape[1], Math.floor(n / (shape[0] * shape[1])));
  const count = shape[0] * shape[1] * shape[2];
  const m = crop.affine as number[];
  const affine = m.map((v, at) => (at < 12 && at % 4 === 3 ? v - m[at - 3] * start[0] - m[at - 2] * start[1] - m[at - 1] * start[2] : v));
  await writeVolume(path("chest.nii.gz"), { shape, affine, data: Int16Array.from({ length: count }, each(voxel)) });
  const mask = each((i, j, k) => (inCrop(i - start[0], j - start[1], k - start[2]) ? 3 : k === 0 && i < 5 ? 9 : 0));
  await writeVolume(path("mask.nii.gz"), { shape, affine, data: Uint8Array.from({ length: count }, mask) });
  const centre = start.map((first, axis) => first + (crop.shape[axis] - 1) / 2);
  middle = [0, 1, 2].map((row) => affine[4 * row + 3] + [0, 1, 2].reduce((sum, axis) => sum + affine[4 * row + axis] * centre[axis], 0));
  logits = (await classify(fileURLToPath(sample))).answers[0].logits;
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const isNear = (found: readonly number[]) => found.forEach((logit, i) => void expect(logit).toBeCloseTo(logits[i], 3));

test("a whole scan is refused with the way on; point, box and label give the answer of the crop", async () => {
  const [refused] = (await classify(path("chest.nii.gz"))).answers;
  expect(refused).toMatchObject({ ok: false, error: { code: "INPUT_SIZE", message: expect.stringContaining("--at x,y,z") } });
  expect(refused.error.message).not.toContain("--checks");

  const m = crop.affine as number[];
  const size = [0, 1, 2].map((axis) => crop.shape[axis] * Math.hypot(m[axis], m[4 + axis], m[8 + axis])).join(",");
  const last = start.map((first, axis) => first + crop.shape[axis] - 1);
  const lps = [-middle[0], -middle[1], middle[2]];
  for (const flags of [
    ["--at", middle.join(","), "--size", size],
    ["--at", lps.join(","), "--size", size, "--space", "lps"],
    ["--box", `${start.join(",")}:${last.join(",")}`, "--space", "voxel"],
  ]) {
    const { code, answers, stderr } = await classify(path("chest.nii.gz"), ...flags);
    expect(code, stderr).toBe(0);
    isNear(answers[0].logits);
    expect(answers[0].region).toMatchObject({ start, shape: crop.shape });
  }
  const text = await anymc3d("classify", path("chest.nii.gz"), "--adapter", "lung-nodule", "--modality", "CT", "--at", middle.join(","));
  expect(text.stdout).toMatch(/chest\.nii\.gz, at .* RAS/);
  expect(text.stdout).toMatch(/region: .* mm RAS; \d+ × \d+ × \d+ voxels from/);
});

test("several regions: what fails is told by name, and the others are answered; heatmaps lie in the scan", async () => {
  const [x, y, z] = middle;
  const run = [path("chest.nii.gz"), "--at", `${x},${y},${z}`, "--at", `${-x - 999},${y},${z}`, "--roi", path("mask.nii.gz"), "--label", "3", "--label", "4"];
  const { code, answers } = await classify(...run, "--heatmap", path("heat-{region}.nii.gz"));
  expect(code).toBe(1);
  expect(answers.map(({ ok, asked, error }) => [ok, asked.replace(path("mask.nii.gz"), "mask.nii.gz"), error?.code])).toEqual([
    [true, `at ${x}, ${y}, ${z} RAS`, undefined],
    [false, `at ${-x - 999}, ${y}, ${z} RAS`, "REGION_ELSEWHERE"],
    [true, "mask.nii.gz, label 3", undefined],
    [false, "mask.nii.gz, label 4", "REGION_NOT_FOUND"],
  ]);
  // The label's own bounds and 10 mm on either side.
  expect(answers[2].region.shape[0]).toBeGreaterThan(crop.shape[0]);
  expect(answers[3].error.message).toContain("there are 3, 9");
  const heat = await readVolume(path("heat-1.nii.gz"));
  expect(heat.shape).toEqual(shape);
  const { start: from, shape: size } = answers[0].region;
  const inside = (n: number) =>
    [n % shape[0], Math.floor(n / shape[0]) % shape[1], Math.floor(n / (shape[0] * shape[1]))].every(
      (v, axis) => v >= from[axis] && v < from[axis] + size[axis],
    );
  expect(heat.data.every((v, n) => v === 0 || inside(n))).toBe(true);
  expect(heat.data.some((v) => v === 1)).toBe(true);
});

test("a DICOM slice takes LPS unless told otherwise, and a point given in the other space is named so", async () => {
  const pixels = Array.from({ length: 64 * 64 }, (_, i) => (i % 64 > 30 ? 40 : -850));
  const more = { "00200032": ["DS", [-50, 20, 5]], "00180050": ["DS", 2] } as const;
  await writeFile(path("one.dcm"), slice(5, pixels, more));
  // In LPS x runs from -50 to 13, y from 20 to 83.
  const inside = await classify(path("one.dcm"), "--at=-20,50,5", "--size", "30,30,2");
  expect(inside.answers[0]).toMatchObject({ ok: true, asked: "at -20, 50, 5 LPS", region: { start: [15, 15, 0], shape: [30, 30, 1] } });
  const other = await classify(path("one.dcm"), "--at", "20,-50,5");
  expect(other.answers[0].error).toMatchObject({ code: "REGION_ELSEWHERE", message: expect.stringContaining("--space ras") });
});

test("options that say nothing, or nothing that can be read, are wrong usage", async () => {
  for (const [flags, says] of [
    [["--size", "30"], "--size says nothing without --at"],
    [["--space", "lps"], "--space says nothing without"],
    [["--label-names", "3"], "--label-names says nothing without --roi"],
    [["--roi", path("mask.nii.gz"), "--heatmap", "heat.nii.gz"], "put {region}"],
    [["--at", "1,2"], "three numbers"],
    [["--at", "1,2,x"], "three numbers"],
    [["--box", "1,2,3"], "two corners"],
    [["--at", "1,2,3", "--at", "4,5,6", "--heatmap", "heat.nii.gz"], "put {region}"],
    [["--roi", path("mask.nii.gz"), "--heatmap", path("mask.nii.gz"), "--force"], ""],
  ] as const) {
    const { code, stderr } = await anymc3d("classify", path("chest.nii.gz"), "--adapter", "lung-nodule", ...flags);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain(says);
  }
});

test("a file of regions is inspected, classified region by region, and cut out", async () => {
  const [x, y, z] = middle;
  const m = crop.affine as number[];
  const size = [0, 1, 2].map((axis) => crop.shape[axis] * Math.hypot(m[axis], m[4 + axis], m[8 + axis]));
  // 3D Slicer's file format of markups, its coordinates in LPS.
  const controlPoints = [
    { id: "1", label: "here", position: [-x, -y, z] },
    { id: "2", label: "nowhere", position: [-x, -y - 9999, z] },
  ];
  const markups = { "@schema": "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/markups-schema-v1.0.3.json#" };
  await writeFile(
    path("points.mrk.json"),
    JSON.stringify({ ...markups, markups: [{ type: "Fiducial", coordinateSystem: "LPS", coordinateUnits: "mm", controlPoints }] }),
  );
  await writeFile(path("points.csv"), `name,space,x,y,z,size\nleft one,RAS,${x},${y},${z},\n`);
  await writeFile(path("names.txt"), "3 nodule\n9 table\n");

  const listed = await anymc3d("inspect", path("points.mrk.json"), path("mask.nii.gz"), "--json");
  const [points, mask] = listed.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(points).toMatchObject({ ok: true, kind: "markups" });
  expect(points.regions.map(({ name }: { name: string }) => name)).toEqual(["here", "nowhere"]);
  points.regions[0].point.forEach((mm: number, axis: number) => void expect(mm).toBeCloseTo(middle[axis], 4));
  expect(mask.regions.map(({ number }: { number: number }) => number)).toEqual([3, 9]);
  const text = await anymc3d("inspect", path("points.csv"));
  expect(text.stdout).toMatch(/holds +table of points, 1 region/);
  expect(text.stdout).toMatch(/1 \(left one\): -?[\d.]+, -?[\d.]+, -?[\d.]+ mm RAS/);

  const { code, answers } = await classify(path("chest.nii.gz"), "--roi", path("points.mrk.json"));
  expect(code).toBe(1);
  expect(answers.map(({ ok, asked, error }) => [ok, asked.split(", ").at(-1), error?.code])).toEqual([
    [true, "here", undefined],
    [false, "nowhere", "REGION_ELSEWHERE"],
  ]);
  const named = await classify(path("chest.nii.gz"), "--roi", path("mask.nii.gz"), "--label-names", path("names.txt"), "--label", "nodule");
  expect(named.answers).toMatchObject([{ ok: true, region: {} }]);

  const cut = await anymc3d("convert", path("chest.nii.gz"), path("cut.nii.gz"), "--at", middle.join(","), "--size", size.join(","));
  expect(cut.code, cut.stderr).toBe(0);
  const written = await readVolume(path("cut.nii.gz"));
  expect([...written.data]).toEqual([...crop.data]);
  written.affine?.forEach((value, at) => void expect(value).toBeCloseTo((crop.affine as number[])[at], 3));
  const label = await anymc3d("convert", path("chest.nii.gz"), path("label.nii.gz"), "--roi", path("mask.nii.gz"), "--label", "3", "--margin", "5");
  expect(label.code, label.stderr).toBe(0);
  expect((await readVolume(path("label.nii.gz"))).shape[0]).toBeGreaterThan(crop.shape[0]);
  const both = await anymc3d("convert", path("chest.nii.gz"), path("both.nii.gz"), "--roi", path("mask.nii.gz"));
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining("put {region}") });
  const nowhere = await anymc3d(
    "convert",
    path("chest.nii.gz"),
    path("none-{region}.nii.gz"),
    "--roi",
    path("points.mrk.json"),
    "--size",
    "30",
    "--at",
    "0,0,0",
  );
  expect(nowhere.code).not.toBe(0);
  await expect(readVolume(path("none-1.nii.gz"))).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
});

test("evaluate takes rows about regions of one study", async () => {
  const [x, y, z] = middle;
  const finding = "malignant,spiculated,lobulated,calcified,subsolid";
  const rows = [`a,chest.nii.gz,RAS,${x},${y},${z},,,1,0,0,0,0`, "b,chest.nii.gz,,,,,mask.nii.gz,3,0,1,0,0,1", "c,chest.nii.gz,,,,,mask.nii.gz,4,0,1,0,0,1"];
  await writeFile(path("labels.csv"), [`id,path,space,x,y,z,roi,roi_label,${finding}`, ...rows].join("\n"));
  const run = await anymc3d(
    "evaluate",
    path("labels.csv"),
    "--adapter",
    "lung-nodule",
    "--modality",
    "CT",
    "--json",
    "--no-keep",
    "--samples",
    "100",
    "--predictions",
    path("out.csv"),
  );
  const report = JSON.parse(run.stdout);
  expect(report.volumes, run.stderr).toBe(2);
  expect(report.failures).toMatchObject([{ id: "c", code: "REGION_NOT_FOUND" }]);
  const direct = await classify(path("chest.nii.gz"), "--at", middle.join(","));
  const [, first] = (await readFile(path("out.csv"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => line.split(","));
  expect(first.map(Number)).toContainEqual(expect.closeTo(direct.answers[0].labels[0].probability, 4));
});
