// Volumes by URL, from a server that also answers wrongly, breaks off, or serves the data file beside the header.
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { readVolume } from "../src/index.js";
import { counting, nifti, refusal } from "./build.js";

const upTo63 = Array.from({ length: 64 }, (_, i) => i);
const bytes = nifti() as Uint8Array<ArrayBuffer>;

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

it("a data file in a folder below the header's, with the header's query", async () => {
  const { cases } = JSON.parse(readFileSync(new URL("reference/formats.json", import.meta.url), "utf8"));
  const decode = (base64: string) => Uint8Array.from(Buffer.from(base64, "base64"));
  const text = Buffer.from(cases["minus-one.nhdr"].files["minus-one.nhdr"], "base64").toString().replace("skipped.raw", "./data files/a#1.raw");
  const data = decode(cases["minus-one.nhdr"].files["skipped.raw"]);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end(request.url?.startsWith("/x/below.nhdr") ? text : data);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const volume = await readVolume(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x/below.nhdr?key=1`);
  server.close();
  expect(volume.data[59]).toBe(59);
  expect(asked).toEqual(["/x/below.nhdr?key=1", "/x/data%20files/a%231.raw?key=1"]);
});
