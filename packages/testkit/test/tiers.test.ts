// What a unit test may not use: it runs without a build, and starts neither processes nor servers nor browsers.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const FORBIDDEN = [
  /"node:child_process"/,
  /"node:worker_threads"/,
  /createServer\(/,
  /"playwright-core"/,
  /@anymc3d\/testkit\/(browser|registry-process)/,
  /shippedBackbone/,
];

/** Every test folder of the workspace. */
const folders = ["packages", "apps", "examples"]
  .flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}/test`))
  .concat("registry/test", "docs/test");
const filesIn = (folder: string): string[] => {
  try {
    return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
  } catch {
    return []; // A package without tests.
  }
};
const files = folders.flatMap(filesIn).filter((file) => file.endsWith(".ts"));
const units = files.filter((file) => file.endsWith(".test.ts") && !/\.(process|browser)\.test\.ts$/.test(file) && !file.endsWith("tiers.test.ts"));

test("unit tests start nothing", () => {
  expect(units.length).toBeGreaterThan(40);
  const found = units.flatMap((file) => FORBIDDEN.filter((what) => what.test(readFileSync(join(root, file), "utf8"))).map((what) => `${file}: ${what.source}`));
  expect(found).toEqual([]);
});

test("no package's tests import another package's test folder", () => {
  const foreign = /from "(?:\.\.\/){2,}[^"]*\/test\//;
  expect(files.filter((file) => foreign.test(readFileSync(join(root, file), "utf8")))).toEqual([]);
});
