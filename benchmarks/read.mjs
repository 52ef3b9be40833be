// Reading a 512×512×200 int16 CT in every format, against nibabel, SimpleITK's readers and pydicom with numpy, in one run; and peak memory.
// usage: node benchmarks/read.mjs --python PYTHON [--slices N] [--rounds N]     (npm run build first; PYTHON with nibabel, SimpleITK, pydicom)
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readVolume } from "@anymc3d/io";
import { pythonTimer } from "./python.mjs";
import { ratio, spread } from "./statistics.mjs";

const { values } = parseArgs({
  options: { python: { type: "string" }, slices: { type: "string", default: "200" }, rounds: { type: "string", default: "5" }, one: { type: "string" } },
});
const RIVALS = {
  "ct.nii.gz": ["nibabel", "SimpleITK"],
  "ct.nrrd": ["SimpleITK"],
  "ct.mha": ["SimpleITK"],
  dicom: ["SimpleITK", "pydicom"],
  "dicom-jpeg-lossless": ["SimpleITK"],
};

if (values.one) {
  const before = process.memoryUsage().rss;
  const { data } = await readVolume(values.one);
  console.log((process.resourceUsage().maxRSS * 1024 - before) / data.byteLength);
} else {
  if (!values.python) throw new Error("--python PYTHON is needed, with nibabel, SimpleITK and pydicom");
  const folder = await mkdtemp(join(tmpdir(), "anymc3d-read-"));
  try {
    await measure(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(folder) {
  const python = pythonTimer(values.python, "read_volumes.py", folder, values.slices);
  await python.ready();
  console.log(`512×512×${values.slices} int16, ${values.rounds} rounds, contestants in turn, after a round that is not counted; ms: median (min–max)`);
  for (const [name, rivals] of Object.entries(RIVALS)) {
    const path = join(folder, name);
    if (!existsSync(path)) {
      console.log(`${name}: not made (dcmtk's dcmcjpeg is not installed)`);
      continue;
    }
    const times = { anymc3d: [], ...Object.fromEntries(rivals.map((rival) => [rival, []])) };
    for (let round = -1; round < Number(values.rounds); round++) {
      const start = performance.now();
      await readVolume(path);
      const own = performance.now() - start;
      if (round >= 0) times.anymc3d.push(own);
      for (const rival of rivals) {
        const ms = await python.time(`${rival} ${path}`);
        if (round >= 0) times[rival].push(ms);
      }
    }
    const fresh = execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--one", path], { encoding: "utf8" });
    const each = Object.entries(times).map(([program, ms]) => `${program} ${spread(ms, 0)}`);
    const ratios = rivals.map((rival) => `${ratio(times.anymc3d, times[rival]).toFixed(2)} of ${rival}`);
    console.log(`${name.padEnd(20)} ${each.join(", ")}; ratio ${ratios.join(", ")}; memory taken ${Number(fresh).toFixed(1)} times the voxels`);
  }
  python.end();
}
