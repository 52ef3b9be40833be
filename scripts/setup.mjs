// Installs and builds what a command needs, if that is not done yet. Used by `npm start` and `npm test`.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Runs a program in the repository's root and ends with its exit code if it fails. */
export function run(program, args, { quiet = false, env = {} } = {}) {
  const done = spawnSync(program, args, {
    cwd: root,
    stdio: quiet ? ["ignore", "pipe", "pipe"] : "inherit",
    env: { ...process.env, NX_DAEMON: "false", NX_NO_CLOUD: "true", ...env },
  });
  if (done.status === 0) return;
  if (quiet) process.stderr.write(`${done.stdout}${done.stderr}`);
  console.error(`${program} ${args.join(" ")} failed`);
  process.exit(done.status ?? 1);
}

/** Installs the locked dependencies where they are missing, then builds (nx keeps what has not changed). */
export function setUp() {
  if (!existsSync(new URL("../node_modules/.package-lock.json", import.meta.url))) {
    console.error("installing (once) …");
    run("npm", ["ci", "--no-audit", "--no-fund"], { quiet: true });
  }
  console.error("building what changed …");
  run("npx", ["nx", "run-many", "-t", "build", "--outputStyle=static"], { quiet: true });
}
