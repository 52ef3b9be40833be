// The table of engines is the one place that lists them, and each row holds together.
import { readdirSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { loadTiny } from "@anymc3d/core/testing";
import { createEngine, ENGINE_CHOICES } from "@anymc3d/sdk";
import { ENGINES, enginesIn, enginesToExamine, ladder } from "@anymc3d/sdk/engines";
import { fixtures } from "@anymc3d/testkit/fixtures";
import { expect, test } from "vitest";

const ids = ENGINES.map(({ id }) => id as string);

test("choices, ladders and what doctor tries follow from the table", () => {
  expect(ENGINE_CHOICES).toEqual(["auto", ...ids]);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ladder("node", "fp32").map(({ id }) => id)).toEqual(["onnx/cpu", "onnx/wasm"]);
  expect(ladder("browser", "fp32").map(({ id }) => id)).toEqual(["tfjs/webgpu", "onnx/wasm", "tfjs/webgl", "tfjs/wasm"]);
  expect(ladder("browser", "int8").map(({ id }) => id)).toEqual(["onnx/wasm"]);
  expect(enginesIn("browser")).not.toContain("onnx/cuda");
  expect(enginesToExamine().map(({ id }) => id)).toContain("onnx/cpu");
});

test("what does not run here is refused with what does; precision likewise", async () => {
  const { backbone } = await loadTiny(fixtures, "tiny-dinov2");
  await expect(createEngine(backbone, { engine: "tfjs/webgl" })).rejects.toMatchObject({
    code: "ENGINE_UNAVAILABLE",
    message: expect.stringContaining("onnx/wasm"),
  });
  await expect(createEngine(backbone, { engine: "tfjs/wasm", precision: "int8" })).rejects.toMatchObject({
    code: "OPTION_INVALID",
    message: expect.stringContaining("onnx/cpu"),
  });
});

test("what brings the native ONNX Runtime is named where only the npm registry is reached", () => {
  const cpu = enginesToExamine().find(({ id }) => id === "onnx/cpu");
  expect(cpu?.advice).toContain("npm install --ignore-scripts onnxruntime-node");
});

test("no other source file lists engines", () => {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const sources = ["packages", "registry", "apps"].flatMap((folder) =>
    readdirSync(`${root}/${folder}`, { recursive: true, encoding: "utf8" })
      .filter((path) => /\/?src\/.*\.tsx?$/.test(path) && !path.includes("node_modules") && !path.includes("dist/"))
      .map((path) => `${root}/${folder}/${path}`),
  );
  expect(sources.length).toBeGreaterThan(200);
  const listing = sources.filter((path) => ids.filter((id) => new RegExp(`["\`, ]${id}["\`, ]`).test(readFileSync(path, "utf8"))).length > 2);
  expect(listing.map((path) => relative(root, path))).toEqual(["packages/sdk/src/engines/table.ts"]);
});
