// Text of strangers in what training and evaluation write: a cell stays in its cell, and a spreadsheet sees no formula.
import { expect, test } from "vitest";
import { markdownTable } from "../src/report/markdown.js";
import { csvLine, sheetLine } from "../src/run/run-folder.js";

test("a Markdown cell holds neither a bar nor a line of its own", () => {
  expect(markdownTable(["a|b"], [["x\n| forged | row |"], ["\x1b[2J"]])).toBe("| a\\|b |\n| --- |\n| x\\n\\| forged \\| row \\| |\n| \\x1b[2J |");
});

test("texts that a spreadsheet would compute are texts; numbers stay numbers", () => {
  expect(sheetLine(["=1+1", "+cmd|x", "-2+3", "@SUM(A1)", "\t=1", " =1", "＝1"])).toBe("'=1+1,'+cmd|x,'-2+3,'@SUM(A1),'\t=1,' =1,'＝1");
  expect(sheetLine([-1.5, "-1.5", "+3e-7", "p-1", ""])).toBe("-1.5,-1.5,+3e-7,p-1,");
  expect(sheetLine(['=HYPERLINK("x","y")'])).toBe('"\'=HYPERLINK(""x"",""y"")"');
  expect(csvLine(["=1+1"])).toBe("=1+1");
});
