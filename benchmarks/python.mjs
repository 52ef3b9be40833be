// A Python script that answers every line with the seconds its work took, kept running between rounds.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** @param script beside this file */
export function pythonTimer(python, script, ...args) {
  const child = spawn(python, [fileURLToPath(new URL(script, import.meta.url)), ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${script} ended`);
    return Number(value) * 1000;
  };
  return {
    /** Waits for a line that the script prints unasked. */
    ready: answer,
    /** Milliseconds. */
    time(line) {
      child.stdin.write(`${line}\n`);
      return answer();
    },
    end: () => child.stdin.end(),
  };
}

/** A PyTorch script, which is given the shipped backbone's weights. */
export const pytorch = (python, script) =>
  pythonTimer(python, script, fileURLToPath(new URL("../packages/backbone-dinov2-small/weights.safetensors", import.meta.url)));
