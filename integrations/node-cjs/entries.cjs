// Every module that the installed packages name in their exports, by require(): it must hold what import() finds there. Prints their names.
const { readdirSync } = require("node:fs");
const { join } = require("node:path");

const place = join(__dirname, "node_modules/@anymc3d");
/** The script of a worker, which starts at once and exports nothing. */
const SCRIPTS = ["@anymc3d/sdk/worker.js"];

const modules = readdirSync(place).flatMap((name) => {
  const { exports } = require(join(place, name, "package.json"));
  const paths = Object.entries(exports).filter(([path, to]) => !path.includes("*") && /\.js$/.test(to.default ?? to));
  return paths.map(([path]) => `@anymc3d/${name}${path.slice(1)}`);
});

(async () => {
  const found = modules.filter((module) => !SCRIPTS.includes(module));
  for (const module of found) {
    // Node marks what has a default export as made of an ES module.
    const names = (found) =>
      Object.keys(found)
        .filter((name) => name !== "__esModule")
        .sort()
        .join();
    const [required, imported] = [names(require(module)), names(await import(module))];
    if (required !== imported || required === "") throw new Error(`${module}: require() gives ${required}, import() ${imported}`);
  }
  console.log(JSON.stringify(found));
})();
