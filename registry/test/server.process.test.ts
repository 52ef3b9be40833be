// The private registry's own refusals: ports and hosts that are none, a folder that another one holds.
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAnyMC3DError } from "@anymc3d/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRegistry } from "../src/server.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-server-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function refusal(options: Parameters<typeof startRegistry>[0]): Promise<string> {
  const error = await startRegistry(options).then(
    (server) => server.close().then(() => undefined),
    (cause: unknown) => cause,
  );
  if (!isAnyMC3DError(error)) throw error ?? new Error("it started");
  return `${error.code} ${error.message}`;
}

test("ports and hosts that are none, each by its own reason, and the folder is free again", async () => {
  const storage = join(folder, "refused");
  for (const port of [99_999, -1, 1.5, Number.NaN]) expect(await refusal({ storage, port })).toMatch(/^OPTION_INVALID port .*0 \(a free one\) to 65535/);
  expect(await refusal({ storage, port: 0, host: "no-such-host.invalid" })).toMatch(/^OPTION_INVALID no-such-host.*--host/);
  // TEST-NET-1 (RFC 5737): of no machine.
  expect(await refusal({ storage, port: 0, host: "192.0.2.1" })).toMatch(/^OPTION_INVALID 192\.0\.2\.1.*--host/);
  const server = await startRegistry({ storage, port: 0 });
  expect(await refusal({ storage: join(folder, "other"), port: Number(new URL(server.url).port) })).toMatch(/^OPTION_INVALID .*the port is taken.*--port/);
  await server.close();
});

test("a folder is of one registry; one that was killed is passed over, one that was stopped leaves nothing", async () => {
  const storage = join(folder, "held");
  const server = await startRegistry({ storage, port: 0 });
  expect(await refusal({ storage, port: 0 })).toMatch(/^OPTION_INVALID .*another registry \(process \d+ on .*\) keeps its packages there/);
  await server.close();
  expect(await readdir(storage)).not.toContain("in-use");
  await writeFile(join(storage, "in-use"), "process 1 on a machine that lost its power\n");
  await (await startRegistry({ storage, port: 0 })).close();
});
