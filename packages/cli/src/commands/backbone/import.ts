// anymc3d backbone import: a Hugging Face folder → backbone.json and fp16 weights, with a self-test answer.

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { AnyMC3DError, type Backbone, isPackageName, loadBackbone, newPackageName, type Tensor } from "@anymc3d/core";
import {
  contentHash,
  encode,
  readSafetensors,
  readTensors,
  selfTestInput,
  specFromHuggingFace,
  tensorsFromHuggingFace,
  writeSafetensors,
} from "@anymc3d/core/engine";
import { newFolder } from "@anymc3d/node-files/new-folder";
import { checkFolderTarget } from "@anymc3d/node-files/target";
import { createEngine } from "@anymc3d/sdk";
import packageJson from "../../../package.json" with { type: "json" };
import { print } from "../../output/terminal.js";

const SEED = 20;

export async function importBackbone(folder: string, flags: { out: string; name?: string; license: string }): Promise<void> {
  const out = resolve(flags.out);
  if (existsSync(out)) throw new AnyMC3DError("OUTPUT_NOT_WRITABLE", `${out} exists already; choose a new folder`);
  await checkFolderTarget(out);
  const spec = specFromHuggingFace(await readJson(join(folder, "config.json"), true), await readJson(join(folder, "preprocessor_config.json"), false));
  const tensors = tensorsFromHuggingFace(spec, await readCheckpoint(folder));
  const weights = writeSafetensors(tensors, "F16");
  const manifest = {
    schemaVersion: 1 as const,
    name: nameOf(flags.name, folder),
    version: "0.1.0",
    spec,
    hash: await contentHash(readSafetensors(weights)),
    parameters: [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0),
    source: `imported from ${basename(resolve(folder))}, rounded to float16`,
    license: flags.license,
  };
  const selfTest = await answerSelfTest(await loadBackbone(manifest, weights));
  await newFolder(out, async (unfinished) => {
    await writeFile(join(unfinished, "backbone.json"), `${JSON.stringify({ ...manifest, selfTest }, null, 1)}\n`);
    await writeFile(join(unfinished, "weights.safetensors"), weights);
  });
  print(`${out}: ${spec.family}, ${manifest.parameters} parameters, ${manifest.hash}`);
}

/** As adapters will name it: what npm takes for a package. */
function nameOf(asked: string | undefined, folder: string): string {
  const own = basename(resolve(folder));
  if (asked === undefined) return isPackageName(own) ? own : newPackageName("backbone", own);
  if (isPackageName(asked)) return asked;
  throw new AnyMC3DError(
    "OPTION_INVALID",
    `--name ${asked}: adapters name their backbone as an npm package: lower-case letters, digits and - . _, with or without @scope/`,
  );
}

/** The answer other devices are held to: ONNX Runtime's, in float32 on this CPU. */
async function answerSelfTest(backbone: Backbone) {
  const engine = await createEngine(backbone, { engine: "auto" });
  const { slices, lora } = selfTestInput(backbone.spec, SEED);
  const answer = async (given: typeof lora | undefined) => [...(await encode(engine, slices, given, {})).cls].map((value) => Number(value.toPrecision(6)));
  const selfTest = { seed: SEED, plain: await answer(undefined), lora: await answer(lora), madeBy: `anymc3d ${packageJson.version}, ${engine.id}, float32` };
  await engine.dispose();
  return selfTest;
}

async function readJson(path: string, required: true): Promise<Record<string, unknown>>;
async function readJson(path: string, required: false): Promise<Record<string, unknown> | undefined>;
async function readJson(path: string, required: boolean): Promise<Record<string, unknown> | undefined> {
  if (!existsSync(path)) {
    if (!required) return undefined;
    throw new AnyMC3DError("FILE_NOT_FOUND", `${path} is missing; give a Hugging Face model folder with config.json and model.safetensors`);
  }
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new AnyMC3DError("FORMAT_INVALID", `${path}: not JSON`, { cause });
  }
}

async function readCheckpoint(folder: string): Promise<Map<string, Tensor>> {
  const index = await readJson(join(folder, "model.safetensors.index.json"), false);
  const files = index ? [...new Set(Object.values((index.weight_map ?? {}) as Record<string, string>))] : ["model.safetensors"];
  const all = new Map<string, Tensor>();
  for (const file of files) {
    if (basename(file) !== file) throw new AnyMC3DError("FORMAT_INVALID", `model.safetensors.index.json names "${file}", which lies outside the folder`);
    const path = join(folder, file);
    if (!existsSync(path)) throw new AnyMC3DError("FILE_NOT_FOUND", `${path} is missing`);
    for (const [name, tensor] of readTensors(await readFile(path), path)) all.set(name, tensor);
  }
  return all;
}
