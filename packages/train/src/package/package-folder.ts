// Writes an adapter as an npm package folder, ready to publish: data files, card, and a module that says where the files are.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ADAPTER_KEYWORD, type AdapterManifest, AnyMC3DError, factsOf } from "@anymc3d/core";
import { sampleEndings } from "@anymc3d/io";
import { makeFolder } from "@anymc3d/node-files/make-folder";
import { notWritable, writeWhole } from "@anymc3d/node-files/write-whole";
import { type CardOptions, modelCard } from "./card.js";

/** What goes into an adapter's folder. */
export interface AdapterFiles extends CardOptions {
  readonly manifest: AdapterManifest;
  /** weights.safetensors */
  readonly weights: Uint8Array;
  /** Of the backbone's package that it was made on: the adapter asks for a compatible one. Absent: what package.json asks for stays, or any. */
  readonly backboneVersion?: string;
}

/** The one volume that may go into a package: of formats without a patient's name in them. */
export const isSample = (file: string): boolean => sampleEndings().some((ending) => file === `sample${ending}`);

const FILES = ["index.js", "index.d.ts", "adapter.json", "weights.safetensors"];

/**
 * Refuses a folder whose files a package of this name would replace.
 * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE`
 */
export async function checkPackageFolder(folder: string, name: string): Promise<void> {
  const fail = (what: string): never => {
    throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${folder}: ${what}. Choose another folder, or move that away.`);
  };
  const text = await readFile(join(folder, "package.json"), "utf8").catch(() => undefined);
  if (text !== undefined) {
    const found = await Promise.resolve(text).then(JSON.parse).catch(() => fail("its package.json is not JSON")); // biome-ignore format: one line
    if (found?.name !== name) fail(`holds the package ${found?.name ?? "without a name"}, not ${name}`);
    return;
  }
  const there = new Set(await readdir(folder).catch(() => []));
  const lost = [...FILES, "README.md"].filter((file) => there.has(file));
  if (lost.length) fail(`holds ${lost.join(", ")}, which ${name} would replace, and no package.json of that name`);
}

/**
 * Writes or renews the package in a folder. Other files there stay, and so do package.json's fields that do not follow from the manifest.
 * A volume called sample.nii.gz (or with another ending that `isSample()` knows) in it, to try the adapter with, is exported as `sample`.
 * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE`, also as {@link checkPackageFolder}
 */
export async function writeAdapterPackage(folder: string, { manifest, weights, backboneVersion, training, comparison }: AdapterFiles): Promise<void> {
  await checkPackageFolder(folder, manifest.name);
  const before = await readFile(join(folder, "package.json"), "utf8").then(JSON.parse, () => ({}));
  const sample = (await readdir(folder).catch(() => [])).find(isSample);
  const files: Record<string, string | Uint8Array> = {
    "weights.safetensors": weights,
    "adapter.json": `${JSON.stringify(manifest, null, 2)}\n`,
    "README.md": modelCard(manifest, { training, comparison }),
    "index.js": moduleText(manifest.name, sample),
    "index.d.ts": sample ? TYPES + SAMPLE_TYPE : TYPES,
    "package.json": `${JSON.stringify({ ...before, ...packageJson(manifest, before, { sample, backboneVersion }) }, null, 2)}\n`,
  };
  try {
    await makeFolder(folder);
    for (const [name, content] of Object.entries(files)) await writeWhole(join(folder, name), content);
  } catch (cause) {
    throw notWritable(folder, folder, cause);
  }
}

/** The package's only code. */
export const moduleText = (name: string, sample: string | undefined) => `// Where this adapter's files are. Literal URLs, so that bundlers ship the files.
export default {
  name: ${JSON.stringify(name)},
  manifest: new URL("./adapter.json", import.meta.url),
  weights: new URL("./weights.safetensors", import.meta.url),
};
${sample ? `\n/** A volume to try the adapter with. */\nexport const sample = new URL("./${sample}", import.meta.url);\n` : ""}`;

const TYPES = `declare const adapter: { readonly name: string; readonly manifest: URL; readonly weights: URL };
export default adapter;
`;

const SAMPLE_TYPE = `
/** A volume to try the adapter with. */
export declare const sample: URL;
`;

interface PackageBefore {
  readonly files?: string[];
  readonly keywords?: string[];
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

function packageJson(manifest: AdapterManifest, before: PackageBefore, { sample, backboneVersion }: { sample?: string; backboneVersion?: string }) {
  const { name, version, title, license, input, backbone } = manifest;
  const own = (list: readonly string[], more: readonly string[] = []) => [...new Set([...list, ...more])];
  return {
    name,
    version,
    description: `AnyMC3D adapter: ${title}. Research use only.`,
    license,
    type: "module",
    sideEffects: false,
    keywords: own([ADAPTER_KEYWORD, ...input.bodyParts], before.keywords),
    exports: {
      ".": { types: "./index.d.ts", default: "./index.js" },
      "./adapter.json": "./adapter.json",
      "./weights.safetensors": "./weights.safetensors",
      ...(sample && { [`./${sample}`]: `./${sample}` }),
      "./package.json": "./package.json",
    },
    files: own([...FILES, ...(sample ? [sample] : [])], before.files),
    peerDependencies: { [backbone.name]: backboneVersion ? `^${backboneVersion}` : (before.peerDependencies?.[backbone.name] ?? "*") },
    anymc3d: factsOf(manifest),
  };
}
