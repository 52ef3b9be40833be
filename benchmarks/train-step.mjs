// A training step on this CPU: forward, backward and update of LoRA, activations kept or computed again, all blocks or the last four; against PyTorch.
// usage: node benchmarks/train-step.mjs [--python PYTHON] [--rounds N] [--count SLICES] [--side PIXELS] [--chunk SLICES]     (npm run build first)
import { parseArgs } from "node:util";
import { selfTestInput, slicesOf } from "@anymc3d/core/engine";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { adamW, zeroMoments } from "@anymc3d/train";
import { backbone as openBackbone } from "./load.mjs";
import { pytorch } from "./python.mjs";
import { ratio, spread } from "./statistics.mjs";

const { values } = parseArgs({
  options: {
    python: { type: "string" },
    rounds: { type: "string", default: "5" },
    count: { type: "string", default: "32" },
    side: { type: "string", default: "112" },
    chunk: { type: "string" },
  },
});
const [rounds, count, side] = [values.rounds, values.count, values.side].map(Number);
const RATES = { learningRate: { lora: 1e-4, head: 1e-3 }, weightDecay: { lora: 1e-5, head: 1e-4 } };

const backbone = await openBackbone();
const random = (length) => Float32Array.from({ length }, () => Math.random() * 2 - 1);
const slices = slicesOf(random(count * 3 * side * side), side, side);
const dCls = random(count * backbone.spec.width);
const { lora: all } = selfTestInput(backbone.spec, 3);
const last4 = { ...all, tensors: new Map([...all.tensors].filter(([name]) => /^blocks\.(8|9|10|11)\./.test(name))) };
const chunk = values.chunk ? Number(values.chunk) : undefined;
const keeping = await createOnnxEngine(backbone, { chunk });
const recomputing = await createOnnxEngine(backbone, { chunk, activationBudget: 0 });

/** One step; the updated LoRA is a new object, as in training. */
async function step(engine, start, state) {
  const from = performance.now();
  const lora = { ...start, tensors: state.tensors };
  const { backward, release } = await engine.forward(slices, lora, { gradients: ["lora"] });
  const { tensors } = (await backward(dCls)).lora;
  release();
  const gradients = new Map([...tensors].map(([name, { data }]) => [name, data]));
  state.tensors = adamW(state.tensors, gradients, state.moments, RATES, 1);
  return performance.now() - from;
}

const stateOf = (lora) => ({ tensors: lora.tensors, moments: zeroMoments(lora.tensors) });
const torch = values.python ? pytorch(values.python, "pytorch_train.py") : undefined;
const contestant = (engine, lora) => {
  const state = stateOf(lora);
  return () => step(engine, lora, state);
};
const contestants = {
  "kept, all blocks": contestant(keeping, all),
  "recomputed, all blocks": contestant(recomputing, all),
  "kept, last 4 blocks": contestant(keeping, last4),
  ...(torch
    ? { "PyTorch fp32, all blocks": () => torch.time(`${count} ${side} 12`), "PyTorch fp32, last 4 blocks": () => torch.time(`${count} ${side} 4`) }
    : {}),
};
const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
for (let round = -1; round < rounds; round++) {
  for (const [name, run] of Object.entries(contestants)) {
    // The first step after a pause pays for memory that went cold meanwhile; training does not pause.
    await run();
    const ms = (await run()) / count;
    if (round >= 0) times[name].push(ms);
  }
}
torch?.end();
console.log(
  `${count} slices of ${side}×${side} a step, ${rounds} rounds, every contestant once a round, after a step that is not counted; ms a slice: median (min–max)`,
);
for (const [name, ms] of Object.entries(times)) console.log(`${name.padEnd(28)} ${spread(ms)}`);
const compare = (what, a, b) => console.log(`${what}: ${ratio(times[a], times[b]).toFixed(2)}`);
compare("last 4 blocks / all", "kept, last 4 blocks", "kept, all blocks");
if (torch) compare("kept / PyTorch", "kept, all blocks", "PyTorch fp32, all blocks");
if (torch) compare("recomputed / PyTorch", "recomputed, all blocks", "PyTorch fp32, all blocks");
await keeping.dispose();
await recomputing.dispose();
