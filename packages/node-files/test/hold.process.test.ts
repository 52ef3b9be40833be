// One process holds a mark: several at once, killed ones, one's own number after a restart, marks of other machines. With real processes.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { Held, hold } from "../src/hold.js";

const script = path.join(mkdtempSync(path.join(tmpdir(), "anymc3d-holder-")), "holder.mjs");
/** Takes the mark when told, says whether it got it, and keeps it until it is told to end. */
const HOLDER = `
import { hold } from ${JSON.stringify(fileURLToPath(new URL("../src/hold.ts", import.meta.url)))};
process.on("message", async ({ mark, beats, at, end }) => {
  if (end) process.exit();
  while (Date.now() < at);
  await hold(mark, { beats }).then(() => process.send("took"), (error) => process.send(error.message));
});
process.send("ready");
`;
beforeAll(async () => {
  await build({ stdin: { contents: HOLDER, resolveDir: path.dirname(script) }, bundle: true, platform: "node", format: "esm", outfile: script });
});

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "anymc3d-hold-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function holder(): Promise<ChildProcess> {
  const child = fork(script);
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "message");
  return child;
}

const ask = async (child: ChildProcess, message: object): Promise<string> => {
  child.send(message);
  const [answer] = await once(child, "message");
  return answer;
};

test("a mark that is held is refused, by other processes and in this one; given back it is free and nothing is left", async () => {
  const folder = newFolder();
  const mark = path.join(folder, "mark");
  const release = await hold(mark);
  await expect(hold(mark)).rejects.toEqual(new Held(mark, { pid: process.pid, host: hostname() }));
  expect(await ask(await holder(), { mark })).toContain(`held by process ${process.pid} on ${hostname()}`);
  release();
  expect(readdirSync(folder)).toEqual([]);
  (await hold(mark))();
});

test.each([false, true])("a killed process's mark is taken over (beats: %s); one that exits gives it back by itself", async (beats) => {
  const folder = newFolder();
  const mark = path.join(folder, "mark");
  const killed = await holder();
  expect(await ask(killed, { mark, beats })).toBe("took");
  killed.kill("SIGKILL");
  await once(killed, "exit");
  expect(readdirSync(folder)).toEqual(["mark"]);
  const next = await holder();
  expect(await ask(next, { mark, beats })).toBe("took");
  next.send({ end: true });
  await once(next, "exit");
  expect(readdirSync(folder)).toEqual([]);
});

test.each([false, true])("of eight that take over a dead mark at the same instant, one gets it (beats: %s)", async (beats) => {
  const folder = newFolder();
  const mark = path.join(folder, "mark");
  const children = await Promise.all(Array.from({ length: 8 }, holder));
  for (let round = 0; round < (beats ? 2 : 10); round++) {
    // No process has this number: it is over every system's limit.
    writeFileSync(mark, `99999999 ${hostname()} dead${round}`);
    const at = Date.now() + 50;
    const answers = await Promise.all(children.map((child) => ask(child, { mark, beats, at })));
    expect(answers.filter((answer) => answer === "took")).toHaveLength(1);
    const taker = children[answers.indexOf("took")];
    taker.kill("SIGKILL");
    await once(taker, "exit");
    children[answers.indexOf("took")] = await holder();
  }
});

test("of many in one process, too", async () => {
  const mark = path.join(newFolder(), "mark");
  writeFileSync(mark, `99999999 ${hostname()} dead`);
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => hold(mark)));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const result of results) if (result.status === "fulfilled") result.value();
});

test("a mark with this process's own number, as after a kill in a container, is taken over; so are an empty one and one that says nothing", async () => {
  const folder = newFolder();
  const mark = path.join(folder, "mark");
  for (const text of [`${process.pid} ${hostname()}`, `${process.pid} ${hostname()} abc`, "", "nonsense"]) {
    writeFileSync(mark, text);
    (await hold(mark))();
    expect(readdirSync(folder)).toEqual([]);
  }
});

test("who was killed in the middle of taking over is passed over, too", async () => {
  const folder = newFolder();
  const mark = path.join(folder, "mark");
  writeFileSync(mark, `99999999 ${hostname()} first`);
  writeFileSync(`${mark}.after-first`, `99999998 ${hostname()} second`);
  const release = await hold(mark);
  expect(readdirSync(folder)).toEqual(["mark"]);
  release();
  expect(readdirSync(folder)).toEqual([]);
});

test("another machine's mark is believed without beats; with them, as long as it moves", async () => {
  const mark = path.join(newFolder(), "mark");
  writeFileSync(mark, "1 another-machine abc");
  await expect(hold(mark)).rejects.toThrow("process 1 on another-machine");
  const touching = setInterval(() => writeFileSync(mark, "1 another-machine abc"), 200);
  await expect(hold(mark, { beats: true })).rejects.toThrow("process 1 on another-machine");
  clearInterval(touching);
  (await hold(mark, { beats: true }))();
});
