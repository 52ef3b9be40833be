// Entry of the anymc3d command.
import { stopKeeping } from "./interrupt.js";
import { EXIT, exitCodeOf, reportError } from "./output/failure.js";
import { onOutputError, printErr } from "./output/terminal.js";
import { createProgram } from "./program.js";

// A reader that went away (`| head`) is no fault; a full disk is one, without a stack.
onOutputError((error) => {
  if (error.code !== "EPIPE") printErr(`error OUTPUT_NOT_WRITABLE standard output: ${error.message}`);
  const code = error.code === "EPIPE" ? EXIT.done : EXIT.failed;
  if (stopKeeping()) process.exitCode = code;
  else process.exit(code);
});

const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  reportError(error, process.argv.includes("--verbose"));
}
