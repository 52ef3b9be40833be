// A volume goes to the worker and back with all that is said of its voxels.
import type { Volume } from "@anymc3d/core";
import { expect, test } from "vitest";
import { buffersOf } from "../src/worker/messages.js";
import { sendable } from "../src/worker/sendable.js";

const volume: Volume = {
  data: new Int16Array([40, -1000, 40, 40]),
  shape: [2, 2, 1],
  modality: "CT",
  noData: new Uint8Array([0b0010]),
  labels: { 1: "Liver" },
};

test("what is no data and what is a label, cloned and transferred", () => {
  expect(structuredClone(sendable(volume))).toEqual(volume);
  const moved = structuredClone(volume);
  const buffers = buffersOf(sendable({ ct: moved }));
  expect(buffers).toEqual([moved.data.buffer, moved.noData?.buffer]);
  expect(structuredClone(moved, { transfer: buffers })).toEqual(volume);
  expect(moved.noData?.length).toBe(0);
});
