// Entry of the anymc3d command.
import { EXIT, exitCodeOf, reportError } from "./output/failure.js";
import { createProgram } from "./program.js";

// A reader that went away (`| head`) is no fault; a full disk is one, without a stack.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") process.stderr.write(`error OUTPUT_NOT_WRITABLE standard output: ${error.message}\n`);
  process.exit(error.code === "EPIPE" ? EXIT.done : EXIT.failed);
});

const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  reportError(error, process.argv.includes("--verbose"));
}
