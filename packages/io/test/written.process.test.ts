// What is written as NRRD and NIfTI, read back here and, where python has them, by SimpleITK, pynrrd and nibabel; and pinned, so that it stays so.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Volume, VoxelArray } from "@anymc3d/core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { readVolume, writeNrrd, writeVolume } from "../src/index.js";
import { near, refusal } from "./build.js";

const python = process.env.PYTHON ?? "python3";
const script = path.join(path.dirname(fileURLToPath(import.meta.url)), "reference/check_written.py");
const hasPython = (() => {
  try {
    execFileSync(python, ["-c", "import SimpleITK, nrrd, nibabel"], { stdio: "ignore" });
    return true;
  } catch {
    console.warn(`SKIPPED: ${python} has no SimpleITK, pynrrd and nibabel (set PYTHON)`);
    return false;
  }
})();

const shape = [3, 4, 5] as const;
const [c, s] = [0.8, 0.6];
const affine = [-0.7 * c, 0.8 * s, 0, 31.5, -0.7 * s, -0.8 * c, 0, 12.25, 0, 0, 2.5, 101.125, 0, 0, 0, 1];
const of = (data: VoxelArray): Volume => ({ data, shape, affine });
const counting = { length: 60 };
const VOLUMES: Record<string, Volume> = {
  mask: of(Uint8Array.from(counting, (_, i) => (i % 3 === 0 ? 255 : 0))),
  heatmap: of(Float32Array.from(counting, (_, i) => i / 59)),
  ct: of(Int16Array.from(counting, (_, i) => i * 50 - 1024)),
  doubles: of(Float64Array.from(counting, (_, i) => Math.sqrt(i) - 2)),
  uint32: of(Uint32Array.from(counting, (_, i) => i * 70_000_000)),
};
/** SHA-256, first half, of files that SimpleITK, pynrrd and nibabel read rightly; compressed ones depend on the compressor. */
const PINNED = { "mask.nii": "b697f38749e1ac8659e483cdb415a1e0", "raw.nrrd": "2096d886cf802165fdc637335cbb5672" };
const cases = Object.keys(VOLUMES).flatMap((name) => [".nrrd", ".nii.gz", ".nii"].map((ending) => [name, ending] as const));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "io-written-"));
  for (const [name, ending] of cases) await writeVolume(path.join(folder, name + ending), VOLUMES[name]);
  await writeFile(path.join(folder, "raw.nrrd"), await writeNrrd(VOLUMES.mask, { encoding: "raw" }));
});
afterAll(() => rm(folder, { recursive: true }));

function same(found: { data: ArrayLike<number>; shape: readonly number[]; affine?: readonly number[] }, want: Volume, digits: number): void {
  expect(found.shape).toEqual(want.shape);
  expect(Array.from(found.data)).toEqual(Array.from(want.data));
  near(found.affine, want.affine as readonly number[], digits);
}

describe("read back", () => {
  it.each(cases)("%s%s", async (name, ending) => {
    const volume = await readVolume(path.join(folder, name + ending));
    same(volume, VOLUMES[name], ending === ".nrrd" ? 15 : 5);
    expect(volume.data.constructor).toBe(VOLUMES[name].data.constructor);
    expect(volume.notes).toBeUndefined();
  });

  it.skipIf(!hasPython)("by SimpleITK, pynrrd and nibabel", () => {
    const files = [...cases.map(([name, ending]) => [name, name + ending]), ["mask", "raw.nrrd"]].map(([name, file]) => [name, path.join(folder, file)]);
    const found = JSON.parse(execFileSync(python, [script, ...files.map(([, file]) => file)], { encoding: "utf8" }));
    for (const [name, file] of files) {
      expect(Object.keys(found[file]).length).toBe(2);
      for (const { values, dtype, ...rest } of Object.values(found[file]) as { values: number[]; dtype: string; shape: number[]; affine: number[] }[]) {
        same({ data: values, ...rest }, VOLUMES[name], 5);
        expect(`${dtype}array`).toBe(VOLUMES[name].data.constructor.name.toLowerCase());
      }
    }
  });

  it("as the files that these programs read: the same bytes", async () => {
    for (const [file, hash] of Object.entries(PINNED)) {
      expect(
        createHash("sha256")
          .update(await readFile(path.join(folder, file)))
          .digest("hex")
          .slice(0, 32),
        file,
      ).toBe(hash);
    }
  });
});

describe("NRRD", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("without affine, with shear, uncompressed, from a view, in a browser", async () => {
    const bare = await readVolume(await writeNrrd({ data: VOLUMES.ct.data, shape }));
    expect(bare.affine).toBeUndefined();
    expect(bare.notes?.map(({ code }) => code)).toEqual(["NRRD_NO_ORIENTATION"]);
    const sheared: Volume = { ...VOLUMES.ct, affine: [1, 0, 0.9, 1e-7, 0, 1, 0, 0, 0, 0, 3, 1 / 3, 0, 0, 0, 1] };
    same(await readVolume(await writeNrrd(sheared, { encoding: "raw" })), sheared, 16);
    const view = new Int16Array(Int16Array.from({ length: 100 }, (_, i) => i).buffer, 20, 60);
    same(await readVolume(await writeNrrd(of(view))), of(view), 15);
    vi.stubGlobal("process", Object.create(process, { getBuiltinModule: { value: undefined } }));
    same(await readVolume(await writeNrrd(VOLUMES.heatmap)), VOLUMES.heatmap, 15);
  });

  it("refuses what is no volume", async () => {
    await refusal(() => writeNrrd({ data: new Uint8Array(59), shape }), "VOLUME_INVALID", /59/);
    await refusal(() => writeNrrd({ ...VOLUMES.ct, affine: Array(16).fill(0) }), "GEOMETRY_INVALID");
    await refusal(() => writeNrrd({ data: Array(60).fill(0) as never, shape }), "VOLUME_INVALID", /Array/);
  });
});
