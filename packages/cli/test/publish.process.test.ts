// The author's road against a real registry: a scaffold, checks that refuse, a dry run, publishing, and a version that exists. Runs the built program.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { bin, type RegistryProcess, startRegistryProcess } from "@anymc3d/testkit/registry-process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const shipped = fileURLToPath(new URL("../../adapters-lung-nodule", import.meta.url));
let folder: string;
let url: string;
let env: NodeJS.ProcessEnv;
let server: RegistryProcess;

const anymc3d = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile("node", [bin, ...args], { env, encoding: "utf8" }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }));
  });

/** A data set as a scanner may send it, without preamble: (0008,0005) and a patient's name (PS3.5 7.1). */
const DICOM = "\x08\0\x05\0CS\x0a\0ISO_IR 100\x10\0\x10\0PN\x08\0Doe^Jane";

/** A copy of the shipped adapter to spoil, without what training leaves in its folder. */
async function copy(name: string): Promise<string> {
  const to = join(folder, name);
  await cp(shipped, to, { recursive: true, filter: (path) => !/[/\\](run|compare)$/.test(path) });
  return to;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-publish-"));
  env = { ...process.env, NO_COLOR: "1", npm_config_userconfig: join(folder, "npmrc"), npm_config_cache: join(folder, "npm-cache") };
  server = await startRegistryProcess(folder, env);
  url = server.url;
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("publish", () => {
  test("first a plan, then with --yes the package; the same version never again", async () => {
    const fine = await copy("fine");
    const plan = await anymc3d("adapter", "publish", fine, "--registry", url);
    expect(plan.stdout).toContain("access restricted (npm's default for a scope; a package that exists keeps its own), tag latest, as author");
    expect(plan.stdout).toMatch(/adapter\.json.*weights\.safetensors.*Nothing was published/s);
    expect((await fetch(`${url}@anymc3d%2fadapter-lung-nodule`)).status).toBe(404);
    const done = await anymc3d("adapter", "publish", fine, "--registry", url, "--yes");
    expect(done.stderr + done.stdout).toContain("published @anymc3d/adapter-lung-nodule@1.0.0");
    const { versions } = await (await fetch(`${url}@anymc3d%2fadapter-lung-nodule`)).json();
    const tarball = new Uint8Array(await (await fetch(versions["1.0.0"].dist.tarball)).arrayBuffer());
    const digest = Buffer.from(await crypto.subtle.digest("SHA-512", tarball)).toString("base64");
    expect(versions["1.0.0"].dist.integrity).toBe(`sha512-${digest}`);
    const again = await anymc3d("adapter", "publish", fine, "--registry", url, "--yes");
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("is published already")]);
  });

  test.each<[string, (at: string) => Promise<void>, RegExp]>([
    ["a failed conformance", (at) => edit(at, "adapter.json", (text) => text.replace(/("logits": \[\s*)/, "$19")), /conformance: /],
    ["a card without limits", (at) => edit(at, "README.md", (text) => text.replace(/limits/gi, "scope")), /card: .*limits/],
    [
      "figures without an interval",
      (at) => edit(at, "adapter.json", (text) => text.replace(/"interval": \[[^\]]+\]/, '"interval": null')),
      /metrics: .*without an interval/,
    ],
    ["a manifest that is no JSON", (at) => writeFile(join(at, "adapter.json"), "{bad"), /refused manifest: /],
    ["an undeclared file", (at) => also(at, "train.py", "x = 1"), /train\.py would be published/],
    ["a scan of a patient", (at) => writeFile(join(at, "IM0001"), `${"\0".repeat(128)}DICM`), /IM0001 is a DICOM file/],
    ["a sample that is DICOM", (at) => also(at, "sample.dcm", DICOM), /sample\.dcm would be published[\s\S]*sample\.dcm is a DICOM file/],
    ["packed DICOM by a sample's name", (at) => writeFile(join(at, "sample.nii.gz"), gzipSync(DICOM)), /sample\.nii\.gz is a DICOM file/],
    ["a scan of another program's", (at) => writeFile(join(at, "Doe_Jane.MGZ"), "x"), /Doe_Jane\.MGZ is called like a scan/],
    [
      "an archive in a hidden folder",
      (at) => mkdir(join(at, ".old")).then(() => writeFile(join(at, ".old", "all.zip"), "x")),
      /\.old\/all\.zip is called like a scan/,
    ],
    ["a link", (at) => symlink("/etc/hostname", join(at, "NOTICE.md")), /NOTICE\.md is a link/],
    ["a source map, and a name in another case", (at) => also(at, "index.js.map", "{}").then(() => also(at, "Adapter.JSON", "{}")), /Adapter\.JSON would be published[\s\S]*index\.js\.map would be published/], // biome-ignore format: one line
    ["a licence that is no text", (at) => writeFile(join(at, "LICENSE"), "\0\0voxels"), /LICENSE is no text/],
    ["a picture that is none", (at) => also(at, "card.png", "x"), /card\.png is no PNG picture/],
    [
      "a license that lets nobody use it, openly",
      (at) => json(at, (own) => ({ ...own, license: "UNLICENSED", publishConfig: { access: "public" } })),
      /UNLICENSED/,
    ],
    ["a token", (at) => writeFile(join(at, "notes.txt"), `npm_${"a1B2".repeat(9)}`), /notes\.txt holds what looks like an access token/],
    [
      "a password in an address of package.json",
      (at) => json(at, (own) => ({ ...own, repository: { type: "git", url: "git+https://ann:hunter2@example.org/x.git" } })),
      /package\.json holds an address with a password or token, git\+https:\/\/…@example\.org; remove it(?![\s\S]*hunter2)/,
    ],
    [
      "one on the card",
      (at) => edit(at, "README.md", (text) => `${text}\n[data](https://ann:hunter2@example.org/)\n`),
      /README\.md holds an address with a pass/,
    ],
    [
      "an escape in the description",
      (at) => json(at, (own) => ({ ...own, description: "a\u001b[2Jb" })),
      /package\.json: description holds \\x1b, which is not seen/,
    ],
    ["a script that would run where it is installed", (at) => json(at, (own) => ({ ...own, scripts: { postinstall: "touch x" } })), /"postinstall" would run/],
    ["dependencies", (at) => json(at, (own) => ({ ...own, dependencies: { left: "1" } })), /"dependencies" has no place/],
    ["a registry of its own", (at) => json(at, (own) => ({ ...own, publishConfig: { registry: "http://127.0.0.1:9/" } })), /publishConfig names a registry/],
    ["code of its own", (at) => edit(at, "index.js", (text) => `${text}\nconsole.log(1);\n`), /index\.js: other code/],
    ["settings", (at) => writeFile(join(at, ".npmrc"), "save-exact=true"), /\.npmrc holds settings/],
  ])("%s is refused, and nothing goes out", async (name, spoil, said) => {
    const at = await copy(name);
    await edit(at, "package.json", (text) => text.replace('"1.0.0"', '"1.0.1"'));
    await edit(at, "adapter.json", (text) => text.replace('"version": "1.0.0"', '"version": "1.0.1"'));
    await spoil(at);
    const { code, stderr } = await anymc3d("adapter", "publish", at, "--registry", url, "--yes");
    expect(stderr).toMatch(said);
    expect(code).toBe(1);
    expect((await fetch(`${url}@anymc3d%2fadapter-lung-nodule/1.0.1`)).status).toBe(404);
  });

  test("it goes where the plan says, whatever the settings say of its scope; an address that is none is refused", async () => {
    const at = await copy("scoped");
    await edit(at, "package.json", (text) => text.replace('"1.0.0"', '"1.0.2"'));
    await edit(at, "adapter.json", (text) => text.replace('"version": "1.0.0"', '"version": "1.0.2"'));
    await edit(at, "README.md", (text) => text.replace("1.0.0", "1.0.2"));
    const settings = join(folder, "npmrc");
    const before = await readFile(settings, "utf8");
    await writeFile(settings, `${before}@anymc3d:registry=http://127.0.0.1:9/\n`);
    try {
      const { stdout, stderr } = await anymc3d("adapter", "publish", at, "--registry", url, "--yes");
      expect(stdout + stderr).toContain(`@anymc3d/adapter-lung-nodule@1.0.2 to ${url}`);
      expect((await fetch(`${url}@anymc3d%2fadapter-lung-nodule/1.0.2`)).status).toBe(200);
      // Without --registry, the scope's own: told, and asked.
      expect((await anymc3d("adapter", "publish", at)).stderr).toContain("http://127.0.0.1:9/");
      expect(await anymc3d("adapter", "publish", at, "--registry", "notaurl", "--yes")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("no address"),
      });
    } finally {
      await writeFile(settings, before);
    }
  });

  test("what it asks of its backbone must be there, where the registry has the backbone; who is not logged in is told to", async () => {
    const at = await copy("ranged");
    await json(at, (own) => ({ ...own, version: "1.0.3", peerDependencies: { "@anymc3d/backbone-dinov2-small": "^9" } }));
    await edit(at, "adapter.json", (text) => text.replace('"version": "1.0.0"', '"version": "1.0.3"'));
    await edit(at, "README.md", (text) => text.replace("`@anymc3d/adapter-lung-nodule` 1.0.0", "`@anymc3d/adapter-lung-nodule` 1.0.3"));
    expect((await anymc3d("adapter", "publish", at, "--registry", url)).stderr).toContain(`warning @anymc3d/backbone-dinov2-small is not in ${url}`);
    const backbone = fileURLToPath(new URL("../../backbone-dinov2-small", import.meta.url));
    await promisify(execFile)("npm", ["publish", "--ignore-scripts", "--registry", url], { cwd: backbone, env });
    const { code, stderr } = await anymc3d("adapter", "publish", at, "--registry", url, "--yes");
    expect([code, stderr]).toEqual([1, expect.stringContaining(`asks for @anymc3d/backbone-dinov2-small@^9, of which ${url} has no version`)]);
    await edit(at, "package.json", (text) => text.replace('"^9"', '"^0.1.0"'));
    const settings = await readFile(join(folder, "npmrc"), "utf8");
    await writeFile(join(folder, "npmrc"), "");
    try {
      const stranger = await anymc3d("adapter", "publish", at, "--registry", url, "--yes");
      expect([stranger.code, stranger.stderr]).toEqual([1, expect.stringMatching(/ACCESS_DENIED .*npm login --registry/)]);
    } finally {
      await writeFile(join(folder, "npmrc"), settings);
    }
    expect((await anymc3d("adapter", "publish", at, "--registry", url, "--yes")).code).toBe(0);
  });

  test("a registry that is not there is named", async () => {
    const { code, stderr } = await anymc3d("adapter", "publish", await copy("nowhere"), "--registry", "http://127.0.0.1:9/", "--yes");
    expect([code, stderr]).toEqual([1, expect.stringContaining("could not be asked")]);
  });
});

async function edit(at: string, name: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(join(at, name), "utf8");
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(join(at, name), after);
}

async function json(at: string, change: (own: object) => object): Promise<void> {
  await edit(at, "package.json", (text) => JSON.stringify(change(JSON.parse(text)), null, 2));
}

async function also(at: string, name: string, text: string): Promise<void> {
  await writeFile(join(at, name), text);
  await edit(at, "package.json", (json) => json.replace('"files": [', `"files": ["${name}",`));
}

describe("new", () => {
  test("a scaffold whose task.json is valid, in a new folder only", async () => {
    const at = join(folder, "my-task");
    const made = await anymc3d("adapter", "new", at, "--modality", "mr", "--labels", "tumour,oedema");
    expect(made.code).toBe(0);
    const task = JSON.parse(await readFile(join(at, "task.json"), "utf8"));
    expect([task.task.kind, task.input.views[0].intensity.kind]).toEqual(["multilabel", "percentile"]);
    expect(await readFile(join(at, "labels.csv"), "utf8")).toMatch(/^id,group,split,tumour,oedema\n/);
    const odd = await anymc3d("adapter", "new", join(folder, "My Task (Größe)"), "--labels", "tumour");
    expect(odd.code).toBe(0);
    expect(odd.stdout).toContain(`anymc3d train '${join(folder, "My Task (Größe)", "labels.csv")}' --config`);
    expect(JSON.parse(await readFile(join(folder, "My Task (Größe)", "task.json"), "utf8")).name).toBe("adapter-my-task-gr-e");
    const again = await anymc3d("adapter", "new", at);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("not empty")]);
  });
});
