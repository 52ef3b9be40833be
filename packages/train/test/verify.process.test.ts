// The shipped adapter is fit to publish; every kind of damage is named.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Engine } from "@anymc3d/core";
import { readTensors, writeSafetensors } from "@anymc3d/core/engine";
import { weightsHash } from "@anymc3d/core/learn";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { shippedBackbone } from "@anymc3d/testkit/fixtures";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { verifyAdapter } from "../src/package/verify.js";

const shipped = fileURLToPath(new URL("../../adapters-lung-nodule", import.meta.url));
let engine: Engine;
let root: string;
let folder: string;
beforeAll(async () => {
  engine = await createOnnxEngine(await shippedBackbone());
  root = await mkdtemp(join(tmpdir(), "anymc3d-verify-"));
});
afterAll(async () => {
  await engine.dispose();
  await rm(root, { recursive: true, force: true });
});
let count = 0;
beforeEach(async () => {
  folder = join(root, String(count++));
  await cp(shipped, folder, { recursive: true });
});

async function edit(name: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(join(folder, name), "utf8");
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(join(folder, name), after);
}

const verify = () => verifyAdapter(folder, async () => engine);

test("the shipped lung-nodule adapter passes all checks", async () => {
  const checks = await verify();
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(checks.map(({ name }) => name)).toEqual(["manifest", "tensors", "conformance", "metrics", "card", "package"]);
});

test("a manifest of version 1 passes, and is told of with what pins its weights", async () => {
  await edit("adapter.json", (text) => text.replace('"schemaVersion": 2', '"schemaVersion": 1').replace(/"weights": \{[^}]*\},?\s*/, ""));
  const [manifest] = await verify();
  expect(manifest).toEqual({ name: "manifest", ok: true, detail: expect.stringMatching(/schema version 1: .*anymc3d adapter upgrade/) });
});

const main = '"default": "./index.js"';
test.each([
  [
    "exports that lead elsewhere",
    "package.json",
    (text: string) => text.replace(main, '"default": "./other.js"'),
    "package",
    "exports . leads to ./other.js; expected ./index.js",
  ],
  [
    "exports that lead elsewhere on a condition",
    "package.json",
    (text: string) => text.replace(main, `"browser": { "import": "./other.js" }, ${main}`),
    "package",
    "exports . leads to ./other.js (import); expected ./index.js",
  ],
  [
    "exports whose manifest is another file",
    "package.json",
    (text: string) => text.replace('"./adapter.json": "./adapter.json"', '"./adapter.json": "./task.json"'),
    "package",
    "exports ./adapter.json leads to ./task.json; expected ./adapter.json",
  ],
  ["exports of types alone", "package.json", (text: string) => text.replace(`,\n      ${main}`, ""), "package", "exports . leads nowhere"],
  [
    "an older main that leads elsewhere",
    "package.json",
    (text: string) => text.replace('"type": "module"', '"type": "module", "main": "other.js"'),
    "package",
    'main leads to "other.js"',
  ],
  ["files without the module", "package.json", (text: string) => text.replace(/("files": \[\s*)"index\.js",/, "$1"), "package", "files lacks index.js"],
  [
    "the name of another package",
    "index.js",
    (text: string) => text.replace("adapter-lung-nodule", "adapter-other"),
    "package",
    'index.js: exports the name "@anymc3d/adapter-other", and the package is @anymc3d/adapter-lung-nodule',
  ],
  [
    "a hidden character in the description",
    "package.json",
    (text: string) => text.replace("Lung nodule findings (CT). R", "Lung \\u202enodule. R"),
    "package",
    "description holds \\u202e, which is not seen",
  ],
  [
    "a control character in a keyword",
    "package.json",
    (text: string) => text.replace('"nodule"\n', '"nod\\u001b[2Jule"\n'),
    "package",
    "keywords.3 holds \\x1b, which is not seen",
  ],
  [
    "one in the author's name",
    "package.json",
    (text: string) => text.replace('"type"', '"author": { "name": "A\\u200bnn" }, "type"'),
    "package",
    "author.name holds",
  ],
  [
    "one in the homepage",
    "package.json",
    (text: string) => text.replace('"type"', '"homepage": "https://example.org/\\u2066x", "type"'),
    "package",
    "homepage holds",
  ],
  ["one in the licence", "package.json", (text: string) => text.replace('"Apache-2.0"', '"Apache-2.0\\u0007"'), "package", "license holds"],
  ["one in a field's name", "package.json", (text: string) => text.replace('"type"', '"a\\u0007b": 1, "type"'), "package", "a name of a field holds"],
  ["an unknown field", "adapter.json", (text: string) => text.replace('"title"', '"tittle"'), "manifest", "tittle"],
  ["another backbone", "adapter.json", (text: string) => text.replace("sha256-d9f5", "sha256-d9f6"), "tensors", "backbone"],
  ["a missing file", "package.json", (text: string) => text.replace('"weights.safetensors",', ""), "package", "files lacks weights.safetensors"],
  ["a stale version", "package.json", (text: string) => text.replace(/"version": "[^"]+"/, '"version": "9.9.9"'), "package", "9.9.9"],
  ["a stale figure", "README.md", (text: string) => text.replaceAll("0.879", "0.979"), "card", "AUROC of spiculated"],
  ["no disclaimer", "README.md", (text: string) => text.replaceAll("Not a medical device", "A device"), "card", "Research use only"],
  ["a scan of a patient", "package.json", (text: string) => text.replace('"sample.nii.gz"', '"patient.nii.gz"'), "package", "patient.nii.gz"],
  ["no interval", "adapter.json", (text: string) => text.replace(/"interval": \[[^\]]+\]/, '"interval": null'), "metrics", "without an interval"],
  [
    "an interval the wrong way round",
    "adapter.json",
    (text: string) => text.replace(/"interval": \[\s*([\d.]+),\s*([\d.]+)\s*\]/, '"interval": [$2, $1]'),
    "metrics",
    "wrong way round",
  ],
  [
    "a figure outside its interval",
    "adapter.json",
    (text: string) => text.replace(/"interval": \[\s*([\d.]+),\s*([\d.]+)\s*\]/, '"interval": [0.1, 0.2]'),
    "metrics",
    "lies outside its interval [0.1, 0.2]",
  ],
  ["empty limits", "README.md", (text: string) => text.replace(/## Limits[^#]*/, "## Limits\n\n- \n\n"), "card", "limits is empty"],
  [
    "what the scaffold left to be said",
    "README.md",
    (text: string) => text.replace("## Limits\n", "## Limits\n\n- TODO: what it cannot do\n"),
    "card",
    "still says",
  ],
  ["no limits", "README.md", (text: string) => text.replace("## Limits", "## Scope"), "card", "no section on limits"],
  ["a DICOM sample", "package.json", (text: string) => text.replace('"sample.nii.gz"', '"sample.dcm"'), "package", "sample.dcm"],
  [
    "a label without figures",
    "adapter.json",
    (text: string) => text.replace(/("labels": \[\s*\{\s*"id": )"malignant"(,\s*"n")/, '$1"benign"$2'),
    "metrics",
    "no figure for label malignant",
  ],
])("%s is found", async (_, file, change, name, said) => {
  await edit(file, change);
  const failed = (await verify()).filter(({ ok }) => !ok);
  expect(failed.map((check) => check.name)).toContain(name);
  expect(failed.find((check) => check.name === name)?.detail).toContain(said);
});

test("limits under a heading of their own pass, or in a list; a missing card, and what to do, is said", async () => {
  await edit("README.md", (text) => text.replace("## Limits", "## Limits\n\n### Of age"));
  expect((await verify()).filter(({ ok }) => !ok)).toEqual([]);
  await edit("README.md", (text) => text.replace(/## Limits[\s\S]*?\n## /, "- **Limits** Adults only.\n\n## "));
  expect((await verify()).filter(({ ok }) => !ok)).toEqual([]);
  await rm(join(folder, "README.md"));
  expect((await verify()).find(({ name }) => name === "card")).toMatchObject({
    ok: false,
    detail: expect.stringMatching(/^README\.md cannot be read: .*write it$/),
  });
});

test("changed weights are not those that adapter.json pins; pinned anew they fail the conformance vector", async () => {
  const path = join(folder, "weights.safetensors");
  const tensors = readTensors(await readFile(path));
  const head = tensors.get("head.weight");
  tensors.set("head.weight", { shape: head?.shape ?? [], data: head?.data.map((value) => 1.5 * value) ?? new Float32Array() });
  const changed = writeSafetensors(tensors);
  await writeFile(path, changed);
  const pinned = await verify();
  expect(pinned.find(({ name }) => name === "tensors")).toMatchObject({ ok: false, detail: expect.stringContaining("replaced or damaged") });
  expect(pinned.some(({ name }) => name === "conformance")).toBe(false);
  const hash = await weightsHash(changed);
  await edit("adapter.json", (text) => text.replace(/("weights": \{\s*"hash": ")[^"]+/, `$1${hash}`));
  expect((await verify()).find(({ name }) => name === "conformance")).toMatchObject({ ok: false, detail: expect.stringContaining("off by") });
});
