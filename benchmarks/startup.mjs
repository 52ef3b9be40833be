// How long the SDK takes to import, and the command to its first progress and its result.
// usage: node benchmarks/startup.mjs [--rounds N]     (npm run build first; needs util-linux's `script` for a terminal)
import { execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { spread } from "./statistics.mjs";

const rounds = Number(parseArgs({ options: { rounds: { type: "string", default: "7" } } }).values.rounds);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const bin = here("../packages/cli/bin/anymc3d.js");
const sample = here("../packages/adapters-lung-nodule/sample.nii.gz");
const sdk = new URL("../packages/sdk/dist/index.js", import.meta.url).href;

const importing = [];
const firstProgress = [];
const whole = [];
for (let round = 0; round < rounds; round++) {
  importing.push(
    Number(execFileSync("node", ["-e", `const t = performance.now(); import("${sdk}").then(() => console.log(performance.now() - t))`], { encoding: "utf8" })),
  );
  const [first, total] = await timeCommand();
  firstProgress.push(first);
  whole.push(total);
}
console.log(`import @anymc3d/sdk, ms: ${spread(importing, 0)}`);
console.log(
  `anymc3d classify sample: first progress after ms ${spread(firstProgress, 0)}, done after ms ${spread(whole, 0)}; ${rounds} runs, median (min–max)`,
);

/** Runs in a pseudo-terminal, as progress is shown on terminals only. */
function timeCommand() {
  return new Promise((resolve) => {
    const start = performance.now();
    let first;
    const child = spawn("script", ["-qec", `node ${bin} classify ${sample} --adapter lung-nodule`, "/dev/null"], { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.on("data", () => {
      first ??= performance.now() - start;
    });
    child.on("close", () => resolve([first, performance.now() - start]));
  });
}
