// What a registry's refusals say as data: status and reason, versions, hashes; never the host, a token or a query.
import { createHash } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { isAnyMC3DError } from "@anymc3d/core";
import { afterEach, expect, test } from "vitest";
import { createRegistry, memoryStore } from "../src/index.js";

let close = () => {};
afterEach(() => close());

async function served(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  close = () => void server.close().closeAllConnections();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function refused(url: string, spec = "@me/adapter-x", http: { patience?: number } = {}) {
  const registry = createRegistry({ url, store: memoryStore(), auth: { [new URL(url).host]: "s3cret" }, http: { tries: 2, pause: 1, ...http } });
  const error: unknown = await registry.load(spec).catch((reason) => reason);
  if (!isAnyMC3DError(error)) throw error;
  const text = JSON.stringify(error.details ?? {});
  expect(JSON.parse(text)).toEqual(error.details ?? {});
  for (const secret of ["127.0.0.1", "s3cret"]) expect(text).not.toContain(secret);
  return { code: error.code, details: error.details };
}

test.each([
  [503, { code: "REGISTRY_UNREACHABLE", details: { reason: "status", status: 503, attempts: 2 } }],
  [409, { code: "REGISTRY_UNREACHABLE", details: { reason: "status", status: 409 } }],
  [403, { code: "ACCESS_DENIED", details: { status: 403 } }],
])("a registry that answers %i", async (status, expected) => {
  expect(await refused(await served((_, response) => void response.writeHead(status).end()))).toEqual(expected);
});

test("no registry at all, and one that is silent", async () => {
  expect(await refused("http://127.0.0.1:1/")).toEqual({ code: "REGISTRY_UNREACHABLE", details: { reason: "network", attempts: 2 } });
  const silent = await served(() => undefined);
  expect(await refused(silent, undefined, { patience: 100 })).toEqual({ code: "REGISTRY_UNREACHABLE", details: { reason: "timeout", attempts: 2 } });
});

test("a version that is not there, with those that are; a package that is not what was published, with both hashes", async () => {
  const sha512 = (text: string) => `sha512-${createHash("sha512").update(text).digest("base64")}`;
  const url: string = await served((request, response) => {
    if (request.url?.endsWith(".tgz")) return void response.end("changed");
    const dist = { tarball: `${url}x.tgz`, integrity: sha512("published") };
    const versions = Object.fromEntries(["1.0.0", "1.1.0"].map((version) => [version, { name: "@me/adapter-x", version, dist }]));
    response.end(JSON.stringify({ name: "@me/adapter-x", "dist-tags": { latest: "1.1.0" }, versions }));
  });
  expect(await refused(url, "@me/adapter-x@^2")).toEqual({
    code: "VERSION_NOT_FOUND",
    details: { name: "@me/adapter-x", wanted: "^2", versions: ["1.1.0", "1.0.0"] },
  });
  expect(await refused(url)).toEqual({ code: "INTEGRITY_MISMATCH", details: { expected: sha512("published"), found: sha512("changed") } });
});
