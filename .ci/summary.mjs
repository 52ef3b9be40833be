// Tells every test that failed, then one line of counts; exits with 1 where anything failed.
// usage: node .ci/summary.mjs VITEST.json VITEST-EXIT CHECKS-PASSED CHECKS-FAILED
import { readFileSync } from "node:fs";
import { relative } from "node:path";

const [path, testsExit, checksPassed, checksFailed] = process.argv.slice(2);
let files = [];
try {
  files = JSON.parse(readFileSync(path, "utf8")).testResults;
} catch (error) {
  console.log(`FAILED: no report of the tests: ${error.message}`);
}
const tests = files.flatMap((file) => file.assertionResults.map((test) => ({ ...test, file: relative(".", file.name) })));
const failed = tests.filter(({ status }) => status === "failed");
const brokenFiles = files.filter(({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"));

for (const { file, fullName, failureMessages } of failed) console.log(`FAILED: ${file}: ${fullName}\n${failureMessages.join("\n").slice(0, 3000)}`);
for (const { name, message } of brokenFiles) console.log(`FAILED: ${relative(".", name)}\n${message.slice(0, 3000)}`);

const passed = tests.filter(({ status }) => status === "passed").length + Number(checksPassed);
const skipped = tests.filter(({ status }) => status === "pending" || status === "skipped" || status === "todo").length;
let failures = failed.length + brokenFiles.length + Number(checksFailed);
// An error outside any test, or no report at all: vitest says so by its exit alone.
if (testsExit !== "0" && failed.length + brokenFiles.length === 0) {
  console.log(`FAILED: the tests ended with ${testsExit}, though none of them failed: an error outside of them, see above`);
  failures++;
}
console.log(`${passed} passed, ${failures} failed, ${skipped} skipped`);
process.exitCode = failures > 0 ? 1 : 0;
