// Peak memory of training steps: forward, backward and update of LoRA on one volume of 16, 64 and 256 slices, activations kept or computed again.
// usage: node benchmarks/train-memory.mjs [--side PIXELS] [--steps N]     (npm run build first)
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { selfTestInput, slicesOf } from "@anymc3d/core/engine";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { adamW, zeroMoments } from "@anymc3d/train";
import { backbone as openBackbone } from "./load.mjs";

const { values } = parseArgs({ options: { side: { type: "string", default: "112" }, steps: { type: "string", default: "3" }, one: { type: "string" } } });
const [side, steps] = [Number(values.side), Number(values.steps)];

if (values.one) {
  const [count, budget] = values.one.split(",");
  console.log(await peak(Number(count), budget === "default" ? undefined : Number(budget)));
} else {
  // A process of its own each: a peak is never taken back.
  const fresh = (one) =>
    Number(
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--one", one, "--side", values.side, "--steps", values.steps], { encoding: "utf8" }),
    );
  console.log(`peak RSS in MiB after ${steps} steps on one volume, slices of ${side}×${side}, LoRA in all blocks`);
  for (const [name, budget] of [
    ["recomputed (activationBudget 0)", "0"],
    ["default budget (1.5 GiB)", "default"],
  ]) {
    console.log(`${name.padEnd(34)} ${[16, 64, 256].map((count) => `${count} slices: ${Math.round(fresh(`${count},${budget}`))}`).join(", ")}`);
  }
}

async function peak(count, activationBudget) {
  const backbone = await openBackbone();
  const engine = await createOnnxEngine(backbone, { activationBudget });
  const size = 3 * side * side;
  // Read when asked for, as from a volume: the pixels of all slices are never held.
  const slices = { ...slicesOf(new Float32Array(size), side, side), count, read: async (from, to) => new Float32Array((to - from) * size).fill(0.5) };
  let { lora } = selfTestInput(backbone.spec, 3);
  const moments = zeroMoments(lora.tensors);
  const rates = { learningRate: { lora: 1e-4, head: 1e-3 }, weightDecay: { lora: 1e-5, head: 1e-4 } };
  for (let i = 0; i < steps; i++) {
    const { backward, release } = await engine.forward(slices, lora, { gradients: ["lora"] });
    const { tensors } = (await backward(new Float32Array(count * backbone.spec.width).fill(0.1))).lora;
    release();
    lora = { ...lora, tensors: adamW(lora.tensors, new Map([...tensors].map(([name, { data }]) => [name, data])), moments, rates, 1) };
  }
  await engine.dispose();
  return process.resourceUsage().maxRSS / 1024;
}
