// The shipped backbone and adapter, from the built packages.
import { readFile } from "node:fs/promises";
import { loadAdapter, loadBackbone } from "@anymc3d/core";

const packages = new URL("../packages/", import.meta.url);
const read = (path) => readFile(new URL(path, packages));

export const backbone = async () =>
  loadBackbone(JSON.parse(await read("backbone-dinov2-small/backbone.json")), await read("backbone-dinov2-small/weights.safetensors"));
export const lungNodule = async () =>
  loadAdapter(JSON.parse(await read("adapters-lung-nodule/adapter.json")), await read("adapters-lung-nodule/weights.safetensors"));
