// Where volumes come from: paths, files, bytes; and what goes wrong there.
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readVolume } from "../src/index.js";
import { nifti, refusal } from "./build.js";

const upTo63 = Array.from({ length: 64 }, (_, i) => i);
const bytes = nifti() as Uint8Array<ArrayBuffer>;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "io-source-"));
  await writeFile(path.join(folder, "a b.nii"), bytes);
  await writeFile(path.join(folder, "empty.nii"), "");
  await mkdir(path.join(folder, "series"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a path", () => {
  it("as string or file URL", async () => {
    const file = path.join(folder, "a b.nii");
    for (const source of [file, pathToFileURL(file), String(pathToFileURL(file)), path.relative(process.cwd(), file)]) {
      const volume = await readVolume(source, { modality: "CT" });
      expect([...volume.data]).toEqual(upTo63);
      expect(volume.modality).toBe("CT");
    }
  });

  it("that is not there", async () => {
    await refusal(() => readVolume("no/such.nii"), "FILE_NOT_FOUND", /^no\/such\.nii: no such file/, path.resolve("no/such.nii"));
    await refusal(() => readVolume(path.join(folder, "a b.nii", "x.nii")), "FILE_NOT_FOUND");
  });

  it("of a folder, an empty file, a file over the limit", async () => {
    await refusal(() => readVolume(path.join(folder, "series")), "FORMAT_UNKNOWN", /no DICOM image in 0 file/);
    await refusal(() => readVolume(path.join(folder, "empty.nii")), "FILE_EMPTY", /empty\.nii/);
    await refusal(() => readVolume(path.join(folder, "a b.nii"), { maxBytes: 100 }), "FILE_TOO_LARGE", /480 bytes/);
  });

  it.skipIf(process.getuid?.() === 0)("of a file without permission", async () => {
    const file = path.join(folder, "secret.nii");
    await writeFile(file, bytes);
    await chmod(file, 0);
    await refusal(() => readVolume(file), "FILE_UNREADABLE", /no permission/);
  });

  it("a data URL, in base64 and percent-encoded, without a request", async () => {
    const base64 = `data:application/octet-stream;base64,${Buffer.from(bytes).toString("base64")}`;
    const percent = `data:,${[...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")}`;
    const mixed = `data:,${[...bytes].map((byte) => (byte >= 0x30 && byte < 0x7b ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, "0")}`)).join("")}`;
    const expected = [...(await readVolume(bytes)).data];
    for (const url of [base64, percent, mixed]) expect([...(await readVolume(url)).data]).toEqual(expected);
    await refusal(() => readVolume(base64, { maxBytes: 100 }), "FILE_TOO_LARGE");
  });

  it("that makes no sense", async () => {
    await refusal(() => readVolume("a\0b.nii"), "FILE_UNREADABLE");
    await refusal(() => readVolume(""), "OPTION_INVALID", /empty string/);
    await refusal(() => readVolume("file://elsewhere/a.nii"), "FILE_UNREADABLE", /file URL/);
    await refusal(() => readVolume(undefined as never), "OPTION_INVALID", /undefined/);
    await refusal(() => readVolume({ data: 1 } as never), "OPTION_INVALID", /Object/);
    await refusal(() => readVolume("data:nothing"), "FILE_UNREADABLE", /no comma/);
    await refusal(() => readVolume("data:;base64,%%%"), "FILE_UNREADABLE", /cannot be decoded/);
  });
});

describe("bytes", () => {
  it("of every kind", async () => {
    for (const source of [bytes, bytes.buffer, Buffer.from(bytes), new Blob([bytes]), new File([bytes], "a.nii")]) {
      expect([...(await readVolume(source)).data]).toEqual(upTo63);
    }
  });

  it("named after their File, or as told", async () => {
    const bad = bytes.slice(0, 400);
    await refusal(() => readVolume(new File([bad], "mine.nii")), "FILE_TRUNCATED", /^mine\.nii/);
    await refusal(() => readVolume(bad, { name: "theirs.nii" }), "FILE_TRUNCATED", /^theirs\.nii/);
    await refusal(() => readVolume(new Blob([bytes]), { maxBytes: 10 }), "FILE_TOO_LARGE");
  });
});
