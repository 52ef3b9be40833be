// anymc3d doctor: every engine that may run here, its self-test, one slice timed, and what to do about what is missing.

import { spawn } from "node:child_process";
import { availableParallelism, totalmem } from "node:os";
import type { Backbone } from "@anymc3d/core";
import { encode, slicesOf } from "@anymc3d/core/engine";
import { bounded } from "@anymc3d/core/errors";
import { createEngine, type EngineChoice, openBackbone } from "@anymc3d/sdk";
import { enginesToExamine } from "@anymc3d/sdk/engines";
import { installedAdapters } from "../adapters/installed.js";
import { describeError, EXIT, Reported } from "../output/failure.js";
import { pc, print, printErr, printJson } from "../output/terminal.js";

interface EngineReport {
  readonly engine: EngineChoice;
  readonly ok: boolean;
  readonly id?: string;
  /** One 224×224 slice, the faster of two, milliseconds. */
  readonly msPerSlice?: number;
  readonly startMs?: number;
  readonly problem?: string;
  readonly advice?: string;
}

/** Set for the process that examines. */
const EXAMINES = "ANYMC3D_DOCTOR_EXAMINES";

/** Native libraries write to stderr what no setting keeps back: a process of its own examines, and what came there is shown where it failed. */
export async function doctor(flags: { json?: boolean; verbose?: boolean }): Promise<void> {
  if (process.env[EXAMINES]) return examine(flags);
  const env = { ...process.env, [EXAMINES]: "1" };
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], { env, stdio: ["inherit", "inherit", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-MOST_SAID);
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  if (code === 0 && !flags.verbose) return;
  if (said) printErr(said.trimEnd());
  if (code !== 0) throw new Reported(code ?? EXIT.failed);
}

const MOST_SAID = 20_000;

async function examine(flags: { json?: boolean }): Promise<void> {
  const backbone = await openBackbone();
  const system = {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
  if (!flags.json)
    print(
      `Node ${system.node}, ${system.platform}, ${system.cores} cores, ${system.memoryGiB} GiB`,
      `backbone ${backbone.name}, ${pc.dim(backbone.hash)}: verified`,
    );
  const engines: EngineReport[] = [];
  for (const { id, advice } of enginesToExamine()) {
    const report = await tryEngine(id, advice, backbone);
    engines.push(report);
    if (!flags.json) printEngine(report);
  }
  const adapters = installedAdapters();
  if (flags.json) printJson({ schema: "anymc3d.doctor/1", system, backbone: { name: backbone.name, hash: backbone.hash }, engines, adapters });
  else print(`adapters: ${adapters.length ? adapters.join(", ") : "none installed"}`);
  if (!engines.some(({ ok }) => ok)) throw new Reported(EXIT.failed);
}

async function tryEngine(choice: EngineChoice, advice: string | undefined, backbone: Backbone): Promise<EngineReport> {
  try {
    const started = performance.now();
    const engine = await createEngine(backbone, { engine: choice });
    const startMs = Math.round(performance.now() - started);
    const slices = slicesOf(new Float32Array(3 * 224 * 224).fill(0.1), 224, 224);
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 2; run++) {
      const from = performance.now();
      await encode(engine, slices, undefined, {});
      best = Math.min(best, performance.now() - from);
    }
    await engine.dispose();
    return { engine: choice, ok: true, id: engine.id, startMs, msPerSlice: Math.round(best) };
  } catch (error) {
    return { engine: choice, ok: false, problem: reasonOf(describeError(error).message), ...(advice && { advice }) };
  }
}

const MOST = 200;

/** What is wrong in a line: of what other programs say, neither their stacks nor where on this machine they lie. */
export function reasonOf(said: string): string {
  const [first = ""] = said.split(/\n|\s+at (?=\S+ \(|file:|node:|async |\/)|; require stack:/i);
  return bounded(first.replace(/(?:file:\/\/)?(?:\/[^\s/'"`:,()]+){2,}\/([^\s/'"`:,()]+)/g, "$1").trim(), MOST);
}

function printEngine({ engine, ok, id, startMs, msPerSlice, problem, advice }: EngineReport): void {
  if (ok) print(`${pc.green("ok")}      ${engine.padEnd(16)} ${id}: self-test passed, started in ${startMs} ms, ${msPerSlice} ms a slice of 224×224`);
  else print(`${pc.dim("absent")}  ${engine.padEnd(16)} ${advice ?? problem}`);
}
