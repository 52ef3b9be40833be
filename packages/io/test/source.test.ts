// Where volumes come from: paths, URLs, files, bytes; and what goes wrong there.
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { readVolume } from "../src/index.js";
import { counting, nifti, refusal } from "./build.js";

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

describe("a URL", () => {
  let server: Server;
  let base: string;
  const asked: string[] = [];
  const answers: Record<string, [status: number, type: string, body: Uint8Array | string]> = {
    "/a.nii": [200, "application/octet-stream", bytes],
    "/a.nii.gz": [200, "application/gzip", gzipSync(bytes)],
    "/once.nii": [200, "application/octet-stream", bytes],
    "/page.nii": [200, "text/html; charset=utf-8", "<!doctype html><html><body>app</body></html>"],
    "/mislabelled.nii": [200, "text/html", bytes],
    "/secret.nii": [403, "text/plain", "no"],
    "/p.hdr": [200, "application/octet-stream", nifti({ magic: "ni1\0", offset: 0 })],
    "/p.img.gz": [200, "application/octet-stream", gzipSync(counting(64))],
  };
  beforeAll(async () => {
    server = createServer((request, response) => {
      const url = (request.url ?? "").replace(/\?.*/, "");
      asked.push(url);
      if (url === "/broken.nii" || (url === "/once.nii" && asked.filter((each) => each === url).length === 1)) {
        response.writeHead(200, { "content-length": 480 });
        response.write(bytes.subarray(0, 100));
        setTimeout(() => response.destroy(), 20);
        return;
      }
      const [status, type, body] = answers[url] ?? [404, "text/html", "<html>no</html>"];
      response.writeHead(status, { "content-type": type });
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  afterEach(() => vi.unstubAllGlobals());

  it("that has a volume", async () => {
    for (const name of ["/a.nii", "/a.nii.gz?x=1", "/mislabelled.nii", "/p.hdr?token=1"]) expect([...(await readVolume(base + name)).data]).toEqual(upTo63);
    expect([...(await readVolume(new URL(`${base}/a.nii`))).data]).toEqual(upTo63);
  });

  it("that has none: the message names the address, without its query", async () => {
    const message = await refusal(() => readVolume(`${base}/page.nii?signature=abc`), "ASSET_INVALID", `${base}/page.nii`, /text\/html; charset=utf-8/);
    expect(message).not.toContain("abc");
    await refusal(() => readVolume(`${base}/none.nii`), "FILE_NOT_FOUND", /404/);
    await refusal(() => readVolume(`${base}/secret.nii`), "FILE_UNREADABLE", /403/);
    await refusal(() => readVolume(`${base}/broken.nii`), "FILE_UNREADABLE", /broken\.nii/);
    await refusal(() => readVolume(`${base}/a.nii`, { maxBytes: 100 }), "FILE_TOO_LARGE");
    await refusal(() => readVolume("http://127.0.0.1:1/a.nii"), "FILE_UNREADABLE", /CORS/);
  });

  it("whose answer breaks off is asked once more", async () => {
    expect([...(await readVolume(`${base}/once.nii`)).data]).toEqual(upTo63);
    expect(asked.filter((each) => each === "/once.nii")).toHaveLength(2);
    asked.length = 0;
    await refusal(() => readVolume(`${base}/broken.nii`), "FILE_UNREADABLE", /broken\.nii/);
    expect(asked).toHaveLength(2);
  });

  it("aborted", async () => {
    const reason = new DOMException("stop", "AbortError");
    await expect(readVolume(`${base}/a.nii`, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it("in a browser, where there are no Node modules", async () => {
    // The rest of `process` stays: the test runner itself needs it.
    vi.stubGlobal("process", Object.create(process, { getBuiltinModule: { value: undefined } }));
    expect([...(await readVolume(`${base}/a.nii.gz`)).data]).toEqual(upTo63);
    expect([...(await readVolume(new Blob([bytes]))).data]).toEqual(upTo63);
    await refusal(() => readVolume("relative.nii"), "FILE_UNREADABLE", /relative\.nii/);
  });
});
