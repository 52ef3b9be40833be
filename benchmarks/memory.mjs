// Memory of an engine over its life: adapters swapped 100 times, the engine opened and closed 20 times.
// usage: node --expose-gc benchmarks/memory.mjs     (npm run build first)
import { encode, selfTestInput, slicesOf } from "@anymc3d/core/engine";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { backbone as openBackbone } from "./load.mjs";

const backbone = await openBackbone();
const slices = slicesOf(new Float32Array(4 * 3 * 112 * 112), 112, 112);
const rss = () => {
  globalThis.gc?.();
  return Math.round(process.memoryUsage().rss / 2 ** 20);
};

const engine = await createOnnxEngine(backbone);
const buffers = async () => {
  // Array buffers are freed a little after their collection.
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return process.memoryUsage().arrayBuffers / 2 ** 20;
};
await encode(engine, slices, selfTestInput(backbone.spec, 0).lora, {});
const held = [];
const before = await buffers();
for (let i = 0; i < 10; i++) {
  held.push(selfTestInput(backbone.spec, i).lora);
  await encode(engine, slices, held[i], {});
}
console.log(`MiB a further adapter takes while it is held, its own tensors included: ${(((await buffers()) - before) / held.length).toFixed(2)}`);

const swaps = [];
for (let i = 0; i < 100; i++) {
  await encode(engine, slices, selfTestInput(backbone.spec, i).lora, {});
  if (i % 20 === 19) swaps.push(rss());
}
console.log(`RSS in MiB after 20, 40, … 100 adapters on one engine: ${swaps.join(", ")}`);
await engine.dispose();

const opened = [];
for (let i = 0; i < 20; i++) {
  const one = await createOnnxEngine(backbone);
  await encode(one, slices, selfTestInput(backbone.spec, 1).lora, {});
  await one.dispose();
  if (i === 0 || i % 5 === 4) opened.push(rss());
}
console.log(`RSS in MiB after opening and closing 1, 5, 10, 15, 20 engines: ${opened.join(", ")}`);
