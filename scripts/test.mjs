// npm test: installs and builds if needed, then runs the tests; arguments go to vitest.
import { run, setUp } from "./setup.mjs";

setUp();
run("npx", ["vitest", "run", ...process.argv.slice(2)]);
