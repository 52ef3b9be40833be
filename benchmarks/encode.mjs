// Backbone speed on this CPU: ONNX Runtime fp32, int8, with and without LoRA, against the machine's own matrix peak and against PyTorch.
// usage: node benchmarks/encode.mjs [--python PYTHON] [--rounds N] [--chunk SLICES]     (npm run build first; PYTHON with torch and safetensors)
import { parseArgs } from "node:util";
import { encode, selfTestInput, slicesOf } from "@anymc3d/core/engine";
import { createOnnxEngine } from "@anymc3d/engine-onnx";
import { backbone as openBackbone } from "./load.mjs";
import { matrixPeak } from "./matrix-peak.mjs";
import { pytorch } from "./python.mjs";
import { median, ratio, spread } from "./statistics.mjs";

const { values } = parseArgs({
  options: {
    chunk: { type: "string" },
    python: { type: "string" },
    rounds: { type: "string", default: "7" },
    side: { type: "string", default: "224" },
    count: { type: "string", default: "8" },
  },
});
const [rounds, side, count] = [values.rounds, values.side, values.count].map(Number);
const FLOP = 12.25e9 * (side / 224) ** 2;

const backbone = await openBackbone();
const pixels = Float32Array.from({ length: count * 3 * side * side }, () => Math.random() * 4 - 2);
const slices = slicesOf(pixels, side, side);
const { lora } = selfTestInput(backbone.spec, 3);
const chunk = values.chunk ? Number(values.chunk) : undefined;
const fp32 = await createOnnxEngine(backbone, { chunk });
const int8 = await createOnnxEngine(backbone, { precision: "int8", chunk });
const torch = values.python ? pytorch(values.python, "pytorch_encode.py") : undefined;
const time = async (engine, given) => {
  const start = performance.now();
  await encode(engine, slices, given, { attention: true });
  return performance.now() - start;
};
const contestants = {
  "ONNX Runtime fp32": () => time(fp32, undefined),
  "ONNX Runtime fp32, LoRA": () => time(fp32, lora),
  "ONNX Runtime int8": () => time(int8, undefined),
  "ONNX Runtime int8, LoRA": () => time(int8, lora),
  ...(torch ? { "PyTorch fp32": () => torch.time(`fp32 ${count} ${side}`), "PyTorch bf16": () => torch.time(`bf16 ${count} ${side}`) } : {}),
};
const peak = await matrixPeak();
const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
const peaks = [];
for (let round = -1; round < rounds; round++) {
  for (const [name, run] of Object.entries(contestants)) {
    const ms = (await run()) / count;
    if (round >= 0) times[name].push(ms);
  }
  const gflops = await peak.measure();
  if (round >= 0) peaks.push(gflops);
}
torch?.end();
console.log(`${count} slices of ${side}×${side}, ${rounds} rounds, every contestant once a round; ms a slice: median (min–max)`);
for (const [name, ms] of Object.entries(times)) console.log(`${name.padEnd(26)} ${spread(ms)}`);
const achieved = times["ONNX Runtime fp32"].map((ms) => FLOP / ms / 1e6);
console.log(
  `matrix peak, 2048³ by ONNX Runtime: ${spread(peaks)} GFLOP/s; fp32 backbone: ${spread(achieved)} GFLOP/s, ${(100 * median(achieved.map((a, i) => a / peaks[i]))).toFixed(0)} % of it`,
);
const compare = (what, a, b) => console.log(`${what}: ${ratio(times[a], times[b]).toFixed(2)}`);
compare("LoRA on / off, fp32", "ONNX Runtime fp32, LoRA", "ONNX Runtime fp32");
compare("fp32 / int8", "ONNX Runtime fp32", "ONNX Runtime int8");
compare("fp32 / int8, with LoRA", "ONNX Runtime fp32, LoRA", "ONNX Runtime int8, LoRA");
if (torch) compare("PyTorch fp32 / ONNX Runtime fp32", "PyTorch fp32", "ONNX Runtime fp32");
if (torch) compare("PyTorch bf16 / ONNX Runtime int8", "PyTorch bf16", "ONNX Runtime int8");
await fp32.dispose();
await int8.dispose();
