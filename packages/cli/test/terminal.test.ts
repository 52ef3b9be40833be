// The one way to the terminal: strangers' signs are escaped in every line, our colours stay, and no source writes past it.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type picocolors from "picocolors";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { reasonOf } from "../src/commands/doctor.js";
import { describeError, reportError } from "../src/output/failure.js";
import { printTable } from "../src/output/table.js";
import { print, printErr, printJson, printQuoted } from "../src/output/terminal.js";
import { widthOf } from "../src/output/width.js";

const written = { out: "", err: "" };
const writesTo = (name: keyof typeof written) => (text: string | Uint8Array) => {
  written[name] += text;
  return true;
};
beforeEach(() => {
  Object.assign(written, { out: "", err: "" });
  vi.spyOn(process.stdout, "write").mockImplementation(writesTo("out"));
  vi.spyOn(process.stderr, "write").mockImplementation(writesTo("err"));
});
const before = { isTTY: process.stdout.isTTY, columns: process.stdout.columns };
/** What the terminal says of itself. */
const terminal = (said: Partial<typeof before>) => void Object.assign(process.stdout, said);
beforeEach(() => terminal({ isTTY: undefined, columns: undefined }));
afterEach(() => {
  terminal(before);
  vi.restoreAllMocks();
});

describe("lines", () => {
  it("no text makes a line, a colour or a direction of its own", () => {
    print(`  ${"evil\n  benign  0.0 %\x1b[1A\x9b2K\u202e"}  yes`);
    expect(written.out).toBe("  evil\\n  benign  0.0 %\\x1b[1A\\x9b2K\\u202e  yes\n");
  });

  it("our own colours are there where the terminal has some, and a stranger's same codes are not", async () => {
    vi.doMock("picocolors", async (original) => ({ default: (await original<{ default: typeof picocolors }>()).default.createColors(true) }));
    vi.resetModules();
    const own = await import("../src/output/terminal.js");
    own.print(`${own.pc.red("\x1b[31mfake")} ${own.pc.bold("b")}`);
    vi.doUnmock("picocolors");
    expect(written.out).toBe("\x1b[31m\\x1b[31mfake\x1b[39m \x1b[1mb\x1b[22m\n");
  });

  it("honest right-to-left names stay readable, and isolated from the figures beside them", () => {
    print("  ورم خبيث  12.5 %", "שלום");
    expect(written.out).toBe("  \u2068ورم خبيث\u2069  12.5 %\n\u2068שלום\u2069\n");
  });

  it("further lines of a message are indented, so that none passes for another message", () => {
    printErr("warning a\nerror UNEXPECTED forged\r\n  kept");
    expect(written.err).toBe("warning a\n  error UNEXPECTED forged\n  kept\n");
  });

  it("a card keeps its lines, each behind a bar", () => {
    printQuoted("# Title\n\n| a\t| \x1b[8m |\nResearch use only\rok");
    expect(written.out).toBe("│ # Title\n│\n│ | a  | \\x1b[8m |\n│ Research use only\\rok\n");
  });

  it("a terminal does not break a card's line: what would be its next line has a bar, too", () => {
    terminal({ isTTY: true, columns: 12 });
    printQuoted(`${"a".repeat(10)}ok  published`);
    printQuoted("漢字漢字漢字e\u0301");
    expect(written.out).toBe("│ aaaaaaaaaa\n│ ok  publish\n│ ed\n│ 漢字漢字漢\n│ 字e\u0301\n".replace("publish\n│ ed", "publis\n│ hed"));
  });

  it("cells that may be cut are, the widest first, to the terminal's width or 80 columns", () => {
    const rows = [["@lab/adapter-x", "T".repeat(90), "漢".repeat(30), "CT"]];
    printTable(["adapter", "title", "labels", "modality"], rows, [1, 2]);
    const [head, row] = written.out.trimEnd().split("\n");
    expect(widthOf(row.replace("CT", "modality"))).toBeLessThanOrEqual(80);
    expect(row).toMatch(/^@lab\/adapter-x {2}T+… {2}漢+… +CT$/);
    expect(widthOf(head.slice(0, head.indexOf("modality")))).toBe(widthOf(row.slice(0, row.indexOf("CT"))));
    written.out = "";
    terminal({ columns: 200 });
    printTable(["adapter", "title", "labels", "modality"], rows, [1, 2]);
    expect(written.out).toContain("T".repeat(90));
    written.out = "";
    terminal({ columns: 20 });
    printTable(["adapter", "title"], [["@lab/adapter-with-a-name", "A title of many words"]], [1]);
    expect(written.out).toContain("@lab/adapter-with-a-name  A title of …");
  });

  it("JSON is ASCII where it matters, and parses to the same", () => {
    printJson({ title: "\x9b\u202eש" });
    expect(written.out).toBe('{"title":"\\u009b\\u202eש"}\n');
  });

  it("columns are as wide as what is shown", () => {
    printTable(
      ["name", "n"],
      [
        ["a\x1b", "1"],
        ["longer", "2"],
      ],
    );
    expect(written.out).toBe("name    n\na\\x1b   1\nlonger  2\n");
  });

  it("an error that is not ours", () => {
    reportError(new Error("npm said \x1b[2J\nerror forged"), false);
    expect(written.err).toContain("npm said \\x1b[2J\n  error forged\n");
    expect(describeError(new Error("x")).code).toBe("UNEXPECTED");
  });
});

it("doctor tells the reason of another program, without its stack and the places of this machine", () => {
  const said = "Cannot load /opt/x/y/lib.node: no GPU\n    at load (/opt/x/y.js:1:2)\n    at async main (node:internal/x)";
  expect(reasonOf(said)).toBe("Cannot load lib.node: no GPU");
  expect(reasonOf("Failed: no device at Object.create (/home/user/a/b.js:10:3)")).toBe("Failed: no device");
  expect(reasonOf("x".repeat(5000)).length).toBeLessThan(260);
});

it("no source writes to the terminal past it", () => {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const doors = new Set(["packages/cli/src/output/terminal.ts", "packages/cli/src/output/progress.ts"]);
  const past = [
    "packages/cli",
    "packages/core",
    "packages/io",
    "packages/sdk",
    "packages/train",
    "packages/engine-onnx",
    "packages/engine-tfjs",
    "packages/node-files",
    "registry",
  ]
    .flatMap((folder) =>
      readdirSync(join(root, folder, "src"), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts"))
        .map((name) => `${folder}/src/${name.replaceAll("\\", "/")}`),
    )
    .filter((path) => !doors.has(path))
    .filter((path) => /process\.(?:stdout|stderr)|console\.|from "picocolors"/.test(readFileSync(join(root, path), "utf8")));
  expect(past).toEqual([]);
});
