// npm start: installs, builds, classifies the bundled sample, shows the result.
import { run, setUp } from "./setup.mjs";

setUp();
console.error("");
run("npx", ["anymc3d", "classify", "packages/adapters-lung-nodule/sample.nii.gz", "--adapter", "lung-nodule"]);
console.error("\nNext: npx anymc3d classify --help, or the README for the API.");
