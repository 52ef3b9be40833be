// NRRD, MetaImage, NumPy, FreeSurfer and ANALYZE volumes: the values and affines that SimpleITK, pynrrd, nibabel and numpy read.
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ReadOptions, readVolume } from "../src/index.js";
import { near, refusal } from "./build.js";

interface Reference {
  files: Record<string, string>;
  shape: number[];
  affine: number[];
  values: number[];
  dtype: string;
}
const here = path.dirname(fileURLToPath(import.meta.url));
const { cases }: { cases: Record<string, Reference> } = JSON.parse(readFileSync(path.join(here, "reference/formats.json"), "utf8"));
const decode = (base64: string) => Uint8Array.from(Buffer.from(base64, "base64"));
const filesOf = (key: string) => Object.entries(cases[key].files).map(([name, base64]) => new File([decode(base64)], name));
const codes = (volume: { notes?: readonly { code: string }[] }) => volume.notes?.map(({ code }) => code) ?? [];

const OPTIONS: Record<string, ReadOptions> = {
  "nibabel frames.mgz": { frame: 1 },
  analyze: { orientation: "RAS" },
  "SimpleITK channels.mha": { channel: 1 },
  "SimpleITK channels.nrrd": { channel: 1 },
  "SimpleITK frames.mha": { frame: 1 },
  "SimpleITK frames.nrrd": { frame: 1 },
  "mnist.npz": { array: "train_images[4]" },
};
/** Cases that say something besides the volume. */
const NOTES: Record<string, string[]> = {
  "SimpleITK frames.nrrd": ["NRRD_NO_ORIENTATION"],
  "bare.mha": ["META_DEFAULTS"],
  "big.mha": ["META_DEFAULTS"],
  "tail.mha": ["META_DEFAULTS"],
  "text.mha": ["META_DEFAULTS"],
  "O22.mha": [],
  "no-object-type.mha": ["META_DEFAULTS"],
  "list.mhd": ["META_DEFAULTS"],
  "pattern.mhd": ["META_DEFAULTS"],
  "no orientation.mgh": ["MGH_NO_ORIENTATION"],
  "a.npy": ["NPY_NO_GEOMETRY"],
  "fortran.npz": ["NPY_NO_GEOMETRY"],
  "mnist.npz": ["NPY_NO_GEOMETRY"],
};
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "io-formats-"));
  for (const { files } of Object.values(cases)) for (const [name, base64] of Object.entries(files)) await writeFile(path.join(folder, name), decode(base64));
});
afterAll(() => rm(folder, { recursive: true }));

describe("as other programs read them, from a path and from files given together", () => {
  it.each(Object.keys(cases))("%s", async (key) => {
    const want = cases[key];
    // the reference of a case with frames holds them all, or the one that is compared
    const frame = want.shape.length > 3 ? OPTIONS[key]?.frame : undefined;
    const size = want.shape.slice(0, 3).reduce((a, b) => a * b, 1);
    const values = frame === undefined ? want.values : want.values.slice(frame * size, (frame + 1) * size);
    for (const source of [path.join(folder, Object.keys(want.files)[0]), filesOf(key)]) {
      const volume = await readVolume(source, OPTIONS[key]);
      expect(volume.shape).toEqual(want.shape.slice(0, 3));
      expect([...volume.data]).toEqual(values);
      const dtype = want.dtype.endsWith("int64") ? "float64" : want.dtype;
      expect(volume.data.constructor.name.toLowerCase()).toBe(`${dtype}array`);
      if (want.affine.length > 0) near(volume.affine, want.affine, 5);
      expect(codes(volume)).toEqual(NOTES[key] ?? []);
    }
  });
});

describe("what a converter from DICOM passed on", () => {
  it.each(["SimpleITK tagged.mha", "SimpleITK tagged.nrrd"])("the modality of %s, and nothing else", async (key) => {
    const volume = await readVolume(filesOf(key));
    expect(volume.modality).toBe("CT");
    expect(JSON.stringify({ ...volume, data: [] })).not.toContain("Nobody");
    expect((await readVolume(filesOf(key), { modality: "MR" })).modality).toBe("MR");
  });
});

describe("files that belong together", () => {
  it("are all needed", async () => {
    const [header] = filesOf("list.mhd");
    await refusal(() => readVolume(header), "FILE_NOT_FOUND", /list\.mhd/, /slice01\.raw/, /`companion`/);
    await refusal(() => readVolume(filesOf("list.mhd").slice(0, 3)), "FILE_NOT_FOUND", /slice03\.raw/);
    expect((await readVolume(header, { companion: filesOf("list.mhd").slice(1) })).data[59]).toBe(59);
  });

  it("a data file by another name, given alone", async () => {
    const [header, data] = filesOf("pynrrd apart.nhdr");
    const volume = await readVolume(header, { companion: new Uint8Array(await data.arrayBuffer()) });
    expect([...volume.data]).toEqual(cases["pynrrd apart.nhdr"].values);
  });

  it("a list without one header", async () => {
    const [, data] = filesOf("pynrrd apart.nhdr");
    await refusal(() => readVolume([data, data]), "OPTION_INVALID", /0 headers/);
    await refusal(() => readVolume([]), "OPTION_INVALID");
    expect((await readVolume([new File([decode(cases["a.npy"].files["a.npy"])], "a.npy")])).data[23]).toBe(23);
  });

  it("of the header's own folder, where several have the name", async () => {
    const [header, ...slices] = filesOf("list.mhd");
    const inFolder = (file: File, folder: string) => Object.defineProperty(file, "webkitRelativePath", { value: `${folder}/${file.name}` });
    const others = filesOf("list.mhd").slice(1).reverse();
    const own = [header, ...slices].map((file) => inFolder(file, "scans/a"));
    const dropped = [...others.map((file) => inFolder(file, "scans/b")), ...own];
    expect([...(await readVolume(dropped)).data]).toEqual(cases["list.mhd"].values);
    const elsewhere = [header, ...others.map((file) => inFolder(file, "scans/b")), ...filesOf("list.mhd").slice(1)];
    await refusal(() => readVolume(elsewhere), "FILE_NOT_FOUND", /slice01\.raw/);
  });

  it("in a folder below", async () => {
    const text = Buffer.from(cases["minus-one.nhdr"].files["minus-one.nhdr"], "base64").toString().replace("skipped.raw", "./data files/a#1.raw");
    const data = decode(cases["minus-one.nhdr"].files["skipped.raw"]);
    await mkdir(path.join(folder, "data files"));
    await writeFile(path.join(folder, "data files", "a#1.raw"), data);
    await writeFile(path.join(folder, "below.nhdr"), text);
    expect((await readVolume(path.join(folder, "below.nhdr"))).data[59]).toBe(59);
  });
});
