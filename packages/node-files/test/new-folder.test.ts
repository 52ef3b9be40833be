// A new folder is there whole or not at all.

import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AnyMC3DError } from "@anymc3d/core";
import { expect, onTestFinished, test } from "vitest";
import { newFolder } from "../src/new-folder.js";

test("what fails while it is filled leaves nothing; what does not appears at once", async () => {
  const place = await mkdtemp(join(tmpdir(), "anymc3d-folder-"));
  onTestFinished(() => rm(place, { recursive: true, force: true }));
  const out = join(place, "deep/out");
  const own = new AnyMC3DError("DATA_INVALID", "no");
  const half = newFolder(out, async (folder) => {
    await writeFile(join(folder, "a"), "");
    throw own;
  });
  await expect(half).rejects.toBe(own);
  expect(await readdir(join(place, "deep"))).toEqual([]);
  await newFolder(out, async (folder) => {
    await writeFile(join(folder, "a"), "");
    expect((await readdir(join(place, "deep"))).includes("out")).toBe(false);
    await writeFile(join(folder, "b"), "");
  });
  expect([await readdir(join(place, "deep")), await readdir(out)]).toEqual([["out"], ["a", "b"]]);
  await writeFile(join(place, "file"), "");
  await expect(newFolder(join(place, "file/out"), async () => {})).rejects.toMatchObject({ code: "OUTPUT_NOT_WRITABLE" });
});
