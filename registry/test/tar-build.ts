// Builds tarballs for tests, good ones and hostile ones.
import { gzipSync } from "node:zlib";

export interface Entry {
  readonly path: string;
  readonly content?: Uint8Array | string;
  /** "0" a file, "1" and "2" links, "3" a device, "5" a folder. */
  readonly type?: string;
  /** Claimed instead of the content's length. */
  readonly size?: number;
}

export function tarball(entries: Iterable<Entry>): Uint8Array {
  const parts: Buffer[] = [];
  for (const { path, content = "", type = "0", size } of entries) {
    const data = Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(path, 0, 100);
    header.write("0000644\0", 100);
    header.write(`${(size ?? data.length).toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write(type, 156);
    header.write("ustar\0" + "00", 257);
    header.write("        ", 148);
    header.write(
      `${header
        .reduce((a, b) => a + b, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
    );
    parts.push(header, data, Buffer.alloc((512 - (data.length % 512)) % 512));
  }
  return new Uint8Array(gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)])));
}
