// Entry of the anymc3d command.
import { exitCodeOf, reportError } from "./failure.js";
import { createProgram } from "./program.js";

const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  reportError(error, process.argv.includes("--verbose"));
}
