// A Verdaccio with the project's own adapter and backbone in it.
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type RunningRegistry, startRegistry } from "../src/server.js";

export const packageFolder = (name: string) => fileURLToPath(new URL(`../../packages/${name}`, import.meta.url));

/** Starts it in a folder, where it leaves an npmrc with an author's token. */
export async function startPublished(folder: string, names: readonly string[]): Promise<RunningRegistry> {
  const real = await startRegistry({ storage: join(folder, "storage"), port: 0, signUp: true });
  const body = JSON.stringify({ name: "author", password: "a long password" });
  const account = await fetch(`${real.url}-/user/org.couchdb.user:author`, { method: "PUT", headers: { "content-type": "application/json" }, body });
  await writeFile(join(folder, "npmrc"), `${real.url.replace("http:", "")}:_authToken=${(await account.json()).token}\n`);
  for (const name of names) await publish(folder, real.url, packageFolder(name));
  return real;
}

export async function publish(folder: string, url: string, cwd: string): Promise<void> {
  const env = { ...process.env, npm_config_userconfig: join(folder, "npmrc"), npm_config_cache: join(folder, "npm-cache") };
  await promisify(execFile)("npm", ["publish", "--ignore-scripts", "--registry", url], { cwd, env });
}
