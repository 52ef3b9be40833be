// Resolving and loading an adapter from a registry on this machine: cold, from the folder cache, and with warm metadata.
// usage: node benchmarks/registry.mjs [--rounds N]     (npm run build first; starts Verdaccio on a free port and publishes the shipped adapter to it)
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { createRegistry } from "../registry/dist/index.js";
import { folderStore, openRegistry } from "../registry/dist/node.js";
import { startRegistry } from "../registry/dist/server.js";
import { spread } from "./statistics.mjs";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "20" } } });
const folder = await mkdtemp(join(tmpdir(), "anymc3d-bench-"));
const server = await startRegistry({ storage: join(folder, "storage"), port: 0, signUp: true });
try {
  await publish();
  const times = { "cold load": [], "cold load, npm's settings": [], "load from the folder cache": [], "resolve, warm metadata": [] };
  const time = async (name, work) => {
    const start = performance.now();
    await work();
    times[name].push(performance.now() - start);
  };
  for (let round = 0; round < Number(values.rounds); round++) {
    const store = folderStore(join(folder, `cache-${round}`));
    await time("cold load", () => createRegistry({ url: server.url, store }).load("lung-nodule"));
    const own = folderStore(join(folder, `npm-${round}`));
    await time("cold load, npm's settings", async () => (await openRegistry({ url: server.url, store: own, unlocked: true })).load("lung-nodule"));
    const offline = createRegistry({ url: server.url, store, offline: true });
    await time("load from the folder cache", () => offline.load("lung-nodule"));
    const warm = createRegistry({ url: server.url, store });
    await warm.resolve("lung-nodule");
    await time("resolve, warm metadata", () => warm.resolve("lung-nodule@^1"));
  }
  console.log(`the shipped lung-nodule adapter, a local Verdaccio, ${values.rounds} rounds; ms: median (min–max)`);
  for (const [name, ms] of Object.entries(times)) console.log(`${name.padEnd(28)} ${spread(ms)}`);
} finally {
  await server.close();
  await rm(folder, { recursive: true, force: true });
}

async function publish() {
  const body = JSON.stringify({ name: "author", password: "a long password" });
  const account = await fetch(`${server.url}-/user/org.couchdb.user:author`, { method: "PUT", headers: { "content-type": "application/json" }, body });
  await writeFile(join(folder, "npmrc"), `${server.url.replace("http:", "")}:_authToken=${(await account.json()).token}\n`);
  const env = { ...process.env, npm_config_userconfig: join(folder, "npmrc") };
  const cwd = fileURLToPath(new URL("../packages/adapters-lung-nodule", import.meta.url));
  // Not the synchronous one: the registry answers in this process.
  await promisify(execFile)("npm", ["publish", "--ignore-scripts", "--silent", "--registry", server.url], { cwd, env });
}
