// anymc3d adapter new: which labels go with which kind, and what its help says of the kinds.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TASK_KINDS } from "@anymc3d/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newAdapter } from "../src/commands/adapter/new.js";
import { createProgram } from "../src/program.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anymc3d-new-"));
});
afterAll(() => rm(folder, { recursive: true }));

const made = (kind: string, labels?: string) => newAdapter(join(folder, `${kind}-${labels}`), { modality: "CT", kind, labels });

test.each(["binary", "regression"])("%s takes one label: a second is refused, not dropped", async (kind) => {
  await expect(made(kind, "a,b")).rejects.toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining(`--kind ${kind} with --labels a,b`) });
});

test.each(["ordinal", "multiclass"])("%s without --labels names the option", async (kind) => {
  const message = expect.stringMatching(/at least two labels; give --labels low,middle,high$/);
  await expect(made(kind)).rejects.toMatchObject({ code: "OPTION_INVALID", message });
});

test("a quantity's unit is left to fill in, as text that a card cannot be published with", async () => {
  await made("regression", "size");
  const { task } = JSON.parse(await readFile(join(folder, "regression-size/task.json"), "utf8"));
  expect(task.labels).toEqual([{ id: "size", name: "size", unit: expect.stringMatching(/\bTODO\b/) }]);
});

test("the help of --kind has every kind", () => {
  const adapter = createProgram().commands.find((command) => command.name() === "adapter");
  const help = adapter?.commands.find((command) => command.name() === "new")?.helpInformation() ?? "";
  for (const { id } of TASK_KINDS) expect(help).toContain(`${id}:`);
});
