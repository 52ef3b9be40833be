// Where tests find fixtures, the shipped backbone and the shared reference values.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Backbone, loadBackbone } from "@anymc3d/core";
import { readTensors, specFromHuggingFace, tensorsFromHuggingFace } from "@anymc3d/core/engine";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export const shared = here("../../../../shared");
/** False in a clone without the reference data beside it: tests that need it skip and say so. */
export const hasShared = existsSync(shared);

export const fixtures = async (path: string): Promise<Uint8Array> => readFile(here(`../../core/fixtures/${path}`));

const backboneFolder = here("../../backbone-dinov2-small");

/** The shipped backbone, hash verified. */
export async function shippedBackbone(): Promise<Backbone> {
  return loadBackbone(JSON.parse(await readFile(`${backboneFolder}/backbone.json`, "utf8")), await readFile(`${backboneFolder}/weights.safetensors`));
}

/** The same backbone before it was rounded to float16, which the golden values were made with. */
export async function goldenBackbone(): Promise<Backbone> {
  const folder = `${shared}/data/weights/dinov2-vits14`;
  const spec = specFromHuggingFace(JSON.parse(await readFile(`${folder}/config.json`, "utf8")));
  return {
    name: "dinov2-vits14-fp32",
    hash: "golden",
    spec,
    tensors: tensorsFromHuggingFace(spec, readTensors(await readFile(`${folder}/model.safetensors`))),
  };
}

export async function goldenFiles() {
  return {
    backbone: await goldenBackbone(),
    plain: await readFile(`${shared}/golden/vits14-plain.safetensors`),
    twoView: await readFile(`${shared}/golden/anymc3d-two-view.safetensors`),
  };
}
