// The run folder on a disk that is full: what was stored stays, nothing half-written is left. On a real small file system where one may be mounted.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openRunFolder } from "../src/run-folder.js";

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
