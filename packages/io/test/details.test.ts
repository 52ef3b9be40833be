// What the reader's refusals say as data, from real inputs: which option is missing, what it may be, and why.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAnyMC3DError } from "@anymc3d/core";
import { dicomFile, slice, words } from "@anymc3d/testkit/dicom";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ReadOptions, readVolume } from "../src/index.js";
import { concat, nifti } from "./build.js";

const four = (value: number) => [value, value, value, value];
const stack = (places: readonly number[], more: Parameters<typeof slice>[2] = {}) => places.map((z) => slice(z, four(z), more));

/** The code and details of a refusal, which JSON must keep as they are. */
async function refused(source: Parameters<typeof readVolume>[0], options: ReadOptions = {}) {
  const error: unknown = await readVolume(source, options).catch((reason) => reason);
  if (!isAnyMC3DError(error)) throw error;
  expect(JSON.parse(JSON.stringify(error.details))).toEqual(error.details);
  return { code: error.code, details: error.details };
}

/** A NumPy array of small whole numbers, as numpy.save writes it. */
function npy(...shape: number[]): Uint8Array {
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const text = new TextEncoder().encode(`${header}${" ".repeat(63 - ((10 + header.length) % 64))}\n`);
  const size = shape.reduce((a, b) => a * b, 1);
  return concat(Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 255, text.length >> 8), text, new Uint8Array(size));
}

describe("which option is missing, and its choices", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "anymc3d-details-"));
    const series = { "1.2.3": [0, 1, 2], "1.2.4": [0, 1] };
    for (const [uid, places] of Object.entries(series))
      for (const [i, bytes] of stack(places, { "0020000e": ["UI", uid], "0008103e": ["LO", `part ${uid}`] }).entries())
        await writeFile(join(folder, `${uid}-${i}.dcm`), bytes);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("a 4-D NIfTI: frame, 0 to 4; also where a wrong one was given", async () => {
    const bytes = nifti({ dims: [2, 2, 2, 5] });
    expect(await refused(bytes, { name: "bold.nii" })).toEqual({
      code: "FRAME_REQUIRED",
      details: { option: "frame", file: "bold.nii", holds: "a 4-D file of 5 frames (2 × 2 × 2 × 5)", range: [0, 4] },
    });
    expect(await refused(bytes, { name: "bold.nii", frame: 5 })).toEqual({
      code: "OPTION_INVALID",
      details: { option: "frame", file: "bold.nii", holds: "the file has 5 frames", found: "5", range: [0, 4] },
    });
  });

  it("channels: channel, 0 to 2", async () => {
    const bytes = nifti({ dims: [2, 2, 2, 1, 3] });
    expect(await refused(bytes, { name: "field.nii" })).toMatchObject({ code: "CHANNELS_UNSUPPORTED", details: { option: "channel", range: [0, 2] } });
  });

  it("a folder of two series: series, by UID, with what each is", async () => {
    const { code, details } = await refused(folder);
    expect(code).toBe("SERIES_REQUIRED");
    expect(details).toEqual({
      option: "series",
      file: expect.stringContaining("anymc3d-details-"),
      holds: "2 series",
      choices: [
        { value: "1.2.3", text: "1.2.3 (CT, part 1.2.3, 3 image(s) of 2×2)" },
        { value: "1.2.4", text: "1.2.4 (CT, part 1.2.4, 2 image(s) of 2×2)" },
      ],
    });
  });

  it("one series of two sizes: stack, 0 or 1", async () => {
    const files = [...stack([0, 1]), slice(2, Array(9).fill(1))];
    const { code, details } = await refused(files, { name: "mixed" });
    expect(code).toBe("SERIES_REQUIRED");
    expect(details).toMatchObject({ option: "stack", file: "mixed", choices: [{ value: 0 }, { value: 1 }] });
    expect(await refused(files, { stack: 7 })).toMatchObject({ code: "SERIES_REQUIRED", details: { option: "stack" } });
  });

  it("images of two patients under one UID: no option, but the files", async () => {
    const files = [slice(0, four(0), { "00100020": ["LO", "one"] }), slice(1, four(1), { "00100020": ["LO", "two"] })];
    const named = files.map((bytes, i) => new File([bytes as Uint8Array<ArrayBuffer>], `${i}.dcm`));
    expect(await refused(named)).toEqual({ code: "SERIES_REQUIRED", details: { files: ["0.dcm", "1.dcm"] } });
  });

  it("time points: frame, each with its time", async () => {
    const files = [0, 1].flatMap((t) => stack([0, 1, 2], { "00200100": ["IS", t + 1], "7fe00010": ["OW", words(four(t))] }));
    expect(await refused(files, { name: "perfusion" })).toEqual({
      code: "FRAME_REQUIRED",
      details: {
        option: "frame",
        file: "perfusion",
        holds: "2 volumes in one series, which differ in temporal position",
        choices: [
          { value: 0, text: "temporal position 1" },
          { value: 1, text: "temporal position 2" },
        ],
      },
    });
  });

  it("slices with a gap: uneven, with its one answer", async () => {
    expect(await refused(stack([0, 2, 6, 8]), { name: "gap" })).toMatchObject({
      code: "GEOMETRY_INVALID",
      details: {
        option: "uneven",
        file: "gap",
        holds: expect.stringMatching(/^slices are missing, at a distance of 2\.000 mm: 1 between /),
        choices: [{ value: "resample", text: "Interpolate onto even slices" }],
      },
    });
  });

  it("an archive of arrays: array, then index", async () => {
    const bytes = zipSync({ "train_images.npy": npy(6, 3, 4, 5), "train_labels.npy": npy(6, 1) });
    expect(await refused(bytes, { name: "mnist.npz" })).toEqual({
      code: "OPTION_INVALID",
      details: {
        option: "array",
        file: "mnist.npz",
        holds: "an archive with 2 arrays",
        choices: [
          { value: "train_images", text: "train_images (488 bytes)" },
          { value: "train_labels", text: "train_labels (134 bytes)" },
        ],
      },
    });
    expect(await refused(bytes, { name: "mnist.npz", array: "train_images" })).toEqual({
      code: "FRAME_REQUIRED",
      details: { option: "index", file: "mnist.npz: train_images", holds: "an array of 6 volumes ([6, 3, 4, 5])", range: [0, 5] },
    });
  });

  it("an ANALYZE header: orientation", async () => {
    const bytes = nifti({ magic: "\0\0\0\0", sform: 0, offset: 0, pixdim: [0, 2, 3, 4] });
    expect(await refused(bytes, { name: "old.hdr", companion: new Uint8Array(128) })).toMatchObject({
      code: "GEOMETRY_INVALID",
      details: { option: "orientation", file: "old.hdr" },
    });
  });
});

describe("files that are not there, or do not come", () => {
  it("an address that nobody serves: the network; without its query and password", async () => {
    const { code, details } = await refused("http://127.0.0.1:1/scan.nii?token=secret");
    expect([code, details]).toEqual(["FILE_UNREADABLE", { file: "http://127.0.0.1:1/scan.nii", reason: "network" }]);
  });

  it("more bytes than are allowed: the limit", async () => {
    expect(await refused(nifti({ dims: [2, 3, 4] }), { name: "large.nii", maxBytes: 100 })).toEqual({
      code: "FILE_TOO_LARGE",
      details: { file: "large.nii", limit: 100 },
    });
  });
});

it("an option that does not exist is named", async () => {
  expect(await refused(dicomFile({}), { series_uid: "1.2" } as ReadOptions)).toEqual({ code: "OPTION_INVALID", details: { option: "series_uid" } });
});
