// The run folder on a disk that is full: what was stored stays, nothing half-written is left. On a real small file system where one may be mounted.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseSplits } from "../src/data/labels.js";
import { openRunFolder } from "../src/run/run-folder.js";

/** A file system of 256 KiB, or undefined where this user may not mount one. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(path.join(tmpdir(), "anymc3d-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync("umount", [folder]));
  return folder;
}

test("a checkpoint that does not fit is refused; the one before is still whole", async (context) => {
  const disk = smallDisk();
  if (!disk) return context.skip("no file system may be mounted here: a full disk is not tested");
  const folder = await openRunFolder(disk);
  const first = new Uint8Array(100_000).fill(7);
  await folder.writeCheckpoint(first);
  const refused = await folder.writeCheckpoint(new Uint8Array(400_000)).catch((error) => error);
  expect(refused.code).toBe("OUTPUT_NOT_WRITABLE");
  expect(refused.message).toMatch(/no space left/i);
  expect(await folder.readCheckpoint()).toEqual(Buffer.from(first));
  expect(readdirSync(path.join(disk, "run")).sort()).toEqual(["checkpoint.safetensors", "lock"]);
  await folder.release();
});

test("a lock with this process's own id, as after a kill in a container, is taken over; one that is held is not", async () => {
  const out = mkdtempSync(path.join(tmpdir(), "anymc3d-lock-"));
  mkdirSync(path.join(out, "run"));
  writeFileSync(path.join(out, "run/lock"), `${process.pid} ${hostname()}`);
  const folder = await openRunFolder(out);
  await expect(openRunFolder(out)).rejects.toMatchObject({ code: "RUN_LOCKED" });
  await folder.release();
  await (await openRunFolder(out)).release();
});

test("splits are a table that a spreadsheet reads, whatever the ids are", async () => {
  const out = mkdtempSync(path.join(tmpdir(), "anymc3d-splits-"));
  const folder = await openRunFolder(out);
  await folder.writeSplits([
    { id: 'a "b", c', group: "p", split: "train" },
    { id: "002", group: "q", split: "val" },
  ]);
  await folder.release();
  const text = readFileSync(path.join(out, "run/splits.csv"), "utf8");
  expect(text).toBe('id,group,split\n"a ""b"", c",p,train\n002,q,val\n');
  expect([...parseSplits(text, "splits.csv")]).toEqual([['a "b", c', "train"], ["002", "val"]]); // biome-ignore format: a line
});
