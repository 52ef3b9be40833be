// Volumes out of NumPy files: which array, which index, which way round.
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { readVolume } from "../src/index.js";
import { npy, refusal } from "./build.js";

const { cases }: { cases: Record<string, { files: Record<string, string>; values: number[] }> } = JSON.parse(
  readFileSync(path.join(path.dirname(fileURLToPath(import.meta.url)), "reference/formats.json"), "utf8"),
);
const bytesOf = (name: string) => Uint8Array.from(Buffer.from(cases[name].files[name], "base64"));
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("zip64 sizes and Fortran order (O35)", () => {
  it("a[0, 0, 1] is 1 and a[1, 2, 3] is 23", async () => {
    const { data, shape } = await readVolume(bytesOf("fortran.npz"));
    const at = (z: number, y: number, x: number) => data[(z * shape[1] + y) * shape[0] + x];
    expect([at(0, 0, 1), at(1, 2, 3)]).toEqual([1, 23]);
  });
});

describe("which array, which volume", () => {
  const mnist = bytesOf("mnist.npz");
  it("by name and index, together or apart", async () => {
    for (const options of [{ array: "train_images[4]" }, { array: "train_images", index: 4 }]) {
      const volume = await readVolume(mnist, options);
      expect([...volume.data]).toEqual(cases["mnist.npz"].values);
      expect(volume.shape).toEqual([5, 4, 3]);
      // not a view that keeps the whole array
      expect(volume.data.buffer.byteLength).toBe(60);
    }
  });

  it("must be said, and be there", async () => {
    const name = "mnist.npz";
    await refusal(() => readVolume(mnist, { name }), "OPTION_INVALID", /4 arrays/, /train_images \(488 bytes\), train_labels/, /`array`/);
    await refusal(() => readVolume(mnist, { name, array: "test_images" }), "OPTION_INVALID", /no array "test_images"/);
    await refusal(() => readVolume(mnist, { name, array: "train_images" }), "FRAME_REQUIRED", /array of 6 volumes \(\[6, 3, 4, 5\]\)/, /`index`, 0 to 5/);
    await refusal(() => readVolume(mnist, { name, array: "train_images[6]" }), "OPTION_INVALID", /`index` is 6/);
    await refusal(() => readVolume(mnist, { name, array: "train_images", index: -1 }), "OPTION_INVALID", /`index` is -1/);
  });

  it("channels, scalars, empty and six-fold arrays are refused; a slice is one slice", async () => {
    await refusal(() => readVolume(npy(5, 4, 4, 3), { index: 0 }), "CHANNELS_UNSUPPORTED", /3 channels/);
    for (const shape of [[7], [0, 3, 4], [2, 2, 2, 2, 2, 2], [2, 2, 2, 2, 2]])
      await refusal(() => readVolume(npy(...shape), { index: 0 }), "FORMAT_INVALID", /two to four axes/);
    expect((await readVolume(npy(4, 5))).shape).toEqual([5, 4, 1]);
    expect([...(await readVolume(npy(2, 3, 4, 5, 1), { index: 1 })).data]).toEqual(upTo(60).map((i) => i + 60));
    await refusal(() => readVolume(zipSync({ "a.txt": new Uint8Array(1) })), "FORMAT_UNKNOWN", /no array and no volume/);
  });
});

describe("geometry", () => {
  it("is what the user says; an orientation needs the sizes", async () => {
    const volume = await readVolume(npy(2, 3, 4), { spacing: [0.5, 1, 2], orientation: "RPS" });
    expect(volume.affine).toEqual([0.5, 0, 0, -0.75, 0, -1, 0, 1, 0, 0, 2, -1, 0, 0, 0, 1]);
    expect(volume.notes).toBeUndefined();
    const sizes = await readVolume(npy(2, 3, 4), { spacing: [0.5, 1, 2] });
    expect(sizes.affine).toEqual([-0.5, 0, 0, 0.75, 0, -1, 0, 1, 0, 0, 2, -1, 0, 0, 0, 1]);
    expect(sizes.notes?.map(({ code }) => code)).toEqual(["NPY_NO_GEOMETRY"]);
    await refusal(() => readVolume(npy(2, 3, 4), { orientation: "RAS" }), "OPTION_INVALID", /Give `spacing`, too/);
    await refusal(() => readVolume(npy(2, 3, 4), { orientation: "RAS", spacing: [1, 0, 1] }), "OPTION_INVALID", /1,0,1/);
    await refusal(() => readVolume(npy(2, 3, 4), { maxBytes: 50 }), "FILE_TOO_LARGE", /50/);
  });
});
