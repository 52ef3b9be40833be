// The conformance suite on the backends that run in Node: plain JavaScript (tiny backbones) and WebAssembly (the real one too).

import type { Backbone } from "@anymc3d/core";
import { testEngine } from "@anymc3d/core/testing";
import { fixtures, goldenFiles, hasShared, shippedBackbone } from "@anymc3d/testkit/fixtures";
import { describe, test } from "vitest";
import { createTfjsEngine } from "../src/index.js";

const golden = hasShared ? { ...(await goldenFiles()), sizes: ["112x112"] } : undefined;
if (!golden) console.warn("SKIPPED: golden values, ../shared is absent");

const on = (backend: "cpu" | "wasm") => (backbone: Backbone, options?: { chunk?: number }) => createTfjsEngine(backbone, { ...options, backend });

describe("tfjs/cpu", () => {
  for (const { name, run } of testEngine({ create: on("cpu"), fixtures, trainable: true })) test(name, run);
});

describe("tfjs/wasm", async () => {
  const backbone = await shippedBackbone();
  for (const { name, run } of testEngine({ create: on("wasm"), fixtures, backbone, golden, trainable: true })) test(name, run);
});
