// What unpacks is bounded by what its header asks for: a little that becomes much is refused as soon as more comes out, and without the memory.
import { deflateSync, gzipSync } from "node:zlib";
import { dicomFile, slice } from "@anymc3d/testkit/dicom";
import { zipSync } from "fflate";
import { describe, expect, it, vi } from "vitest";
import { readNpz, readRegions, readVolume, type Source } from "../src/index.js";
import { concat, counting, nifti, npy, refusal } from "./build.js";

const MANY = 2 ** 23;
const ascii = (text: string) => new TextEncoder().encode(text);
const zeros = new Uint8Array(MANY);
const nrrd = (encoding: string, more = "") => ascii(`NRRD0004\ntype: short\ndimension: 3\nsizes: 4 3 2\nendian: little\nencoding: ${encoding}\n${more}\n`);
const mha = (lines: string, file = "LOCAL") => ascii(`NDims = 3\nDimSize = 4 3 2\n${lines}ElementType = MET_SHORT\nElementDataFile = ${file}\n`);
const followed = (head: Uint8Array) => concat(head, zeros);
const mgz = new Uint8Array(284 + 48);
[1, 4, 3, 2, 1, 4].forEach((value, i) => void new DataView(mgz.buffer).setInt32(4 * i, value));
/** A zip of one file whose content is not what its directory says. */
function lying(name: string, content: Uint8Array, says: number): Uint8Array {
  const zip = zipSync({ [name]: content });
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const directory = view.getUint32(zip.length - 6, true);
  view.setUint32(directory + 24, says, true);
  view.setUint32(22, says, true);
  return zip;
}

const packed = { deflated: deflateSync(zeros, { level: 9 }), gzipped: gzipSync(zeros, { level: 9 }) };
const file = (content: Uint8Array, name: string) => new File([content as Uint8Array<ArrayBuffer>], name);
const BOMBS: Record<string, () => Source | Source[]> = {
  "NIfTI, gzip": () => gzipSync(followed(nifti())),
  "NIfTI, gzip, its voxels far behind": () => gzipSync(concat(nifti({ offset: 100_000_000 }), zeros)),
  "NIfTI, the .img.gz of a pair": () => [file(nifti({ magic: "ni1\0", offset: 0 }), "a.hdr"), file(packed.gzipped, "a.img.gz")],
  "NIfTI, the .hdr.gz of a pair": () => [file(gzipSync(followed(nifti({ magic: "ni1\0", offset: 0 }))), "a.hdr.gz"), file(counting(64), "a.img")],
  "NRRD, gzip": () => concat(nrrd("gzip"), packed.gzipped),
  "NRRD, gzip with bytes to skip": () => concat(nrrd("gzip", "byte skip: 100000000\n"), packed.gzipped),
  "MetaImage, zlib": () => concat(mha("CompressedData = True\n"), packed.deflated),
  "FreeSurfer, gzip": () => gzipSync(followed(mgz)),
  "a zip of NIfTI": () => zipSync({ "a.nii": followed(nifti()) }),
  "a zip of NIfTI in gzip": () => zipSync({ "a.nii.gz": gzipSync(followed(nifti())) }),
  "a zip of gzip followed by much": () => zipSync({ "a.nii.gz": followed(gzipSync(nifti())) }),
  "a zip of NRRD": () => zipSync({ "a.nrrd": followed(nrrd("raw")) }),
  "a zip of NRRD in text": () => zipSync({ "a.nrrd": followed(nrrd("text")) }),
  "a zip of an NRRD header and its data": () => zipSync({ "a.nhdr": nrrd("raw", "data file: a.raw\n"), "a.raw": zeros }),
  "a zip of MetaImage": () => zipSync({ "a.mha": followed(mha("")) }),
  "a zip of a MetaImage header and its data": () => zipSync({ "a.mhd": mha("", "a.raw"), "a.raw": zeros }),
  "a zip of FreeSurfer": () => zipSync({ "a.mgh": followed(mgz) }),
  "a zip of a pair": () => zipSync({ "a.hdr": nifti({ magic: "ni1\0", offset: 0 }), "a.img": zeros }),
  "an .npz whose array is longer than its header says": () => zipSync({ "a.npy": followed(npy(2, 3, 4)) }),
  "a zip whose directory lies": () => lying("a.nii", followed(nifti()), nifti().length),
  "an .npz whose directory lies": () => lying("a.npy", followed(npy(2, 3, 4)), npy(2, 3, 4).length),
};

describe("refused", () => {
  it.each(Object.keys(BOMBS))("%s", async (name) => {
    const source = BOMBS[name]();
    const before = process.memoryUsage().arrayBuffers;
    await refusal(() => readVolume(source), "FORMAT_INVALID", /more than|asks for|at most|longer/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MANY / 2);
  });

  it("by readNpz(), too", async () => {
    await refusal(() => readNpz(zipSync({ "a.npy": followed(npy(2, 3, 4)) })), "FORMAT_INVALID", /its own header asks for/);
    await refusal(() => readNpz(lying("a.npy", followed(npy(2, 3, 4)), npy(2, 3, 4).length)), "FORMAT_INVALID", /more than/);
  });

  it("files of a zip that share their bytes; ones that are not there", async () => {
    const zip = zipSync({ "a.nii": nifti(), "b.nii": nifti() });
    const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
    const directory = view.getUint32(zip.length - 6, true);
    const second = directory + 46 + 5;
    const shared = zip.slice();
    new DataView(shared.buffer).setUint32(second + 42, 0, true);
    await refusal(() => readVolume(shared), "FORMAT_INVALID", /overlaps/);
    const away = zip.slice();
    new DataView(away.buffer).setUint32(second + 42, zip.length, true);
    await refusal(() => readVolume(away), "FORMAT_INVALID", /not where its directory says/);
  });

  it("a file of zeros in a zip, which is no volume, is not unpacked", () =>
    refusal(() => readVolume(zipSync({ "a.nii": zeros })), "FORMAT_UNKNOWN", /zeros only/));

  it("thousands of small files in a zip: no stream is begun for any", async () => {
    const zlib = process.getBuiltinModule("node:zlib");
    const begun = vi.spyOn(zlib, "createInflateRaw");
    const small = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`${i}.dcm`, new Uint8Array(i % 3)]));
    for (const level of [0, 9] as const) {
      const zip = zipSync(small, { level });
      await refusal(() => readVolume(zip), "FORMAT_UNKNOWN", /no DICOM image/);
      await refusal(() => readRegions(zip), "FORMAT_UNKNOWN", /no DICOM image/);
    }
    expect(begun).not.toHaveBeenCalled();
    begun.mockRestore();
  });

  it("a DICOM sequence of items without end", async () => {
    const items = new Uint8Array(8 * 600_000);
    for (let at = 0; at < items.length; at += 8) items.set([0xfe, 0xff, 0, 0xe0], at);
    for (const more of [{ "00081140": ["SQ", items] }, { "00091140": ["UN", items] }] as const) {
      const bytes = slice(0, [1, 2, 3, 4], { "00180050": ["DS", 1], ...more });
      // An element that is not known is not looked into.
      if ("00091140" in more) expect([...(await readVolume(bytes)).data]).toEqual([1, 2, 3, 4]);
      else await refusal(() => readVolume(bytes), "FORMAT_INVALID", /more than 500000 elements/);
    }
    const structures = dicomFile({ "00080016": ["UI", "1.2.840.10008.5.1.4.1.1.481.3"], "00080060": ["CS", "RTSTRUCT"], "30060039": ["SQ", items] });
    await refusal(() => readRegions(structures), "FORMAT_INVALID", /more than 500000 elements/);
  });

  it("a zip in a zip is no volume", () => refusal(() => readVolume(zipSync({ "a.zip": zipSync({ "a.nii": nifti() }) })), "FORMAT_UNKNOWN", /no volume/));
});

it("what a header asks for is read out of a zip, with a little behind it", async () => {
  for (const [name, content] of Object.entries({
    "a.nii": concat(nifti(), new Uint8Array(1000)),
    "a.nii.gz": gzipSync(nifti()),
    "a.nrrd": concat(nrrd("gzip"), gzipSync(counting(24))),
    "a.mha": concat(mha("CompressedData = True\n"), deflateSync(counting(24))),
    "a.npy": npy(2, 3, 4),
  }))
    expect((await readVolume(zipSync({ [name]: content }))).data[1]).toBe(1);
});
