// A Python script that answers every line with the seconds its work took, kept running between rounds.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** @param script beside this file; it is given the shipped backbone's weights */
export function pytorch(python, script) {
  const file = (path) => fileURLToPath(new URL(path, import.meta.url));
  const child = spawn(python, [file(script), file("../packages/backbone-dinov2-small/weights.safetensors")], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** Milliseconds. */
    async time(line) {
      child.stdin.write(`${line}\n`);
      return Number((await lines.next()).value) * 1000;
    },
    end: () => child.stdin.end(),
  };
}
