// A bundle is taken apart within its own size, and a cache folder that cannot be made is told: both are what others hand over or set.

import { strToU8, zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { memoryStore } from "../src/index.js";
import { folderStore, readBundle } from "../src/node.js";

const refusal = (bytes: Uint8Array) =>
  readBundle(bytes, "b.zip", memoryStore()).then(
    () => undefined,
    (error) => error,
  );

/** A directory of `count` entries that all lead to the one file at the start, by APPNOTE.TXT 4.3.12 and, above 65,535, 4.3.14. */
function entries(count: number, { size = 0, original = 0, method = 0, listed = count }): Uint8Array {
  const local = new Uint8Array(30 + 1 + size);
  const head = new DataView(local.buffer);
  head.setUint32(0, 0x04034b50, true);
  head.setUint16(26, 1, true);
  const directory = new Uint8Array(47 * listed);
  const one = new DataView(directory.buffer);
  for (let i = 0; i < listed; i++) {
    one.setUint32(47 * i, 0x02014b50, true);
    one.setUint16(47 * i + 10, method, true);
    one.setUint32(47 * i + 20, size, true);
    one.setUint32(47 * i + 24, original, true);
    one.setUint16(47 * i + 28, 1, true);
    directory[47 * i + 46] = 0x61 + (i % 26);
  }
  const at = local.length + directory.length;
  const end = new DataView(new ArrayBuffer(56 + 20 + 22));
  end.setUint32(0, 0x06064b50, true);
  end.setUint32(32, count, true);
  end.setUint32(48, local.length, true);
  end.setUint32(56, 0x07064b50, true);
  end.setUint32(56 + 8, at, true);
  end.setUint32(76, 0x06054b50, true);
  end.setUint16(76 + 8, Math.min(count, 65_535), true);
  end.setUint32(76 + 16, local.length, true);
  return Buffer.concat([local, directory, new Uint8Array(end.buffer)]);
}

describe("a zip that asks for more than it has", () => {
  test.each([
    ["one compressed file of 64 MiB of zeros", () => zipSync({ a: new Uint8Array(2 ** 26) }), /a in it is compressed/],
    ["a compressed file that claims 2 GiB", () => entries(1, { size: 10, original: 2 ** 31 - 1, method: 8 }), /a in it is compressed/],
    ["a stored file that claims 2 GiB", () => entries(1, { size: 10, original: 2 ** 31 - 1 }), /a in it is compressed/],
    ["5,000 entries of one megabyte", () => entries(5_000, { size: 1e6, original: 1e6 }), /more than it has room for/],
    ["5,000 entries of one megabyte that claim to be empty", () => entries(5_000, { size: 1e6 }), /a in it is compressed/],
    ["four thousand million entries, of which one is there", () => entries(2 ** 32 - 2, { listed: 1 }), /more than it has room for/],
  ])("%s", async (_, make, message) => {
    expect(await refusal(make())).toMatchObject({ code: "PACKAGE_INVALID", message: expect.stringMatching(message) });
  });

  test("files that are stored pass, and are looked at", async () => {
    expect(await refusal(zipSync({ "other.txt": strToU8("other") }, { level: 0 }))).toMatchObject({
      message: expect.stringContaining("anymc3d.lock.json is not in it"),
    });
  });
});

test.skipIf(process.platform !== "linux")("a cache below /proc is refused, where Node's own way never ends", async () => {
  await expect(folderStore("/proc/anymc3d/cache").write("metadata-a", strToU8("{}"))).rejects.toMatchObject({ code: "OUTPUT_NOT_WRITABLE" });
});
