// The built program's private registry as a process of its own, with an author who may publish.
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const bin = fileURLToPath(new URL("../../cli/bin/anymc3d.js", import.meta.url));

export interface RegistryProcess {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts it with its packages in folder/registry, and writes the settings to folder/npmrc. */
export async function startRegistryProcess(folder: string, env: NodeJS.ProcessEnv): Promise<RegistryProcess> {
  const server = spawn("node", [bin, "registry", "start", "--storage", join(folder, "registry"), "--port", "0", "--sign-up", "--json"], { env });
  const exited = new Promise<void>((done) => server.on("exit", () => done()));
  const url: string = await new Promise((resolve, reject) => {
    server.stdout.on("data", (text: Buffer) => /^\{"url"/m.test(String(text)) && resolve(JSON.parse(/^\{"url".*\}$/m.exec(String(text))?.[0] as string).url));
    server.on("exit", reject);
  });
  const body = JSON.stringify({ name: "author", password: "a long password" });
  const account = await fetch(`${url}-/user/org.couchdb.user:author`, { method: "PUT", headers: { "content-type": "application/json" }, body });
  // The author's npm settings: the token, and the registry for everything.
  await writeFile(join(folder, "npmrc"), `${url.replace("http:", "")}:_authToken=${(await account.json()).token}\nregistry=${url}\n`);
  const stop = () => {
    server.kill("SIGINT");
    return exited;
  };
  return { url, stop };
}
