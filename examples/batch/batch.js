// A folder of scans into a CSV file, one row a scan. What stands in the file already is not done again: kill it, start it again, and it goes on.
// usage: node batch.js FOLDER OUT.csv
import { appendFileSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import lungNodule from "@anymc3d/adapter-lung-nodule";
import { createClassifier, isAnyMC3DError, openAdapter } from "@anymc3d/sdk";

const [folder, out] = process.argv.slice(2);
if (!folder || !out) throw new Error("usage: node batch.js FOLDER OUT.csv");

const quoted = (text) => `"${String(text).replaceAll('"', '""')}"`;
const adapter = await openAdapter(lungNodule);
const header = `file,${adapter.manifest.task.labels.map(({ id }) => id).join(",")},error\n`;

/** Names of the scans whose row is whole. A row that was cut off when the program was killed is taken away. */
function filesDone() {
  if (!existsSync(out)) writeFileSync(out, header);
  const text = readFileSync(out, "utf8");
  if (!text.startsWith(header)) throw new Error(`${out} was not written by this program for ${adapter.manifest.name}; give another file`);
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  truncateSync(out, Buffer.byteLength(whole));
  return new Set([...whole.matchAll(/^"((?:[^"]|"")*)"/gm)].map(([, name]) => name.replaceAll('""', '"')));
}

const done = filesDone();
const files = readdirSync(folder).filter((name) => /\.(nii|nii\.gz|nrrd|mha|zip)$/i.test(name)).sort(); // biome-ignore format: a line
const left = files.filter((name) => !done.has(name));
console.error(`${files.length} scans, ${files.length - left.length} done before`);

// A scan that cannot be read, or that the adapter refuses, gets a row that says why, and the next one is taken.
const classifier = await createClassifier();
for (const name of left) {
  let row;
  try {
    const { labels, value } = await classifier.classify(join(folder, name), adapter);
    // A probability a label; of an adapter that measures something, the value.
    const answers = labels.length ? labels.map(({ probability }) => probability) : [value];
    row = [quoted(name), ...answers.map((answer) => answer.toFixed(6)), ""];
  } catch (error) {
    if (!isAnyMC3DError(error)) throw error;
    row = [quoted(name), ...adapter.manifest.task.labels.map(() => ""), quoted(`${error.code}: ${error.message}`.replaceAll(/\s+/g, " "))];
  }
  appendFileSync(out, `${row.join(",")}\n`);
  console.error(row.join(" "));
}
await classifier.dispose();
