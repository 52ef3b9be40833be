// labels.csv: text ids, blank labels, splits, groups, masks, several volumes a study, and what is refused.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { decodeTable, imagePath, imagePaths, type LabelsOptions, parseLabels } from "../src/data/labels.js";

const multilabel: LabelsOptions = { file: "labels.csv", task: { kind: "multilabel", labels: [{ id: "a", name: "A" }, { id: "b", name: "B" }] } }; // biome-ignore format: one line
const binary: LabelsOptions = { file: "labels.csv", task: { kind: "binary", labels: [{ id: "sick", name: "Sick" }] } };
const ordinal: LabelsOptions = {
  file: "labels.csv",
  task: { kind: "ordinal", column: "malignancy", labels: ["1", "2", "3"].map((id) => ({ id, name: `Grade ${id}`, value: Number(id) })) },
};
const regression: LabelsOptions = { file: "labels.csv", task: { kind: "regression", labels: [{ id: "diameter_mm", name: "Diameter", unit: "mm" }] } };
const multiclass: LabelsOptions = { file: "labels.csv", task: { kind: "multiclass", labels: [{ id: "cat", name: "Cat" }, { id: "dog", name: "Dog" }] } }; // biome-ignore format: one line

test.each([
  ["an escape", "id,sick\na,1\nb\x1b[2J,0\n", "line 3, column id: holds \\x1b, which is not seen"],
  ["a mark of direction", "id,sick\na\u202eb,1\nb,0\n", "line 2, column id: holds \\u202e, which is not seen"],
  ["a line feed in quotes", 'id,sick\n"a\nb",1\nc,0\n', "column id: holds \\n, which is not seen"],
  ["one in a path that serves as id", "path,sick\nx\x07.nii.gz,1\n", "line 2, column id: holds \\x07"],
  ["one in a group", "id,group,sick\na,p\u200b1,1\n", "line 2, column group: holds \\u200b"],
  ["one in a split", "id,split,sick\na,v\u202dal,1\n", "line 2, column split: holds \\u202d"],
])("%s in a name is refused, with its line", (_, csv, said) => {
  expect(() => parseLabels(csv, binary)).toThrow(said);
});

test("names of other scripts are names: accents, right-to-left words, joiners where they spell", () => {
  const ids = ["é1", "e\u0301", "日本", "דוד", "می\u200cخواهم"];
  expect(parseLabels(`id,sick\n${ids.map((id) => `${id},1`).join("\n")}\n`, binary).map(({ id }) => id)).toEqual(ids);
});

test("a file that is listed twice is told of, under whatever name, and regions of it are not", () => {
  const folder = mkdtempSync(join(tmpdir(), "anymc3d-twice-"));
  writeFileSync(join(folder, "a.nii"), "");
  symlinkSync(join(folder, "a.nii"), join(folder, "link.nii"));
  const told = (csv: string, more: Partial<LabelsOptions> = {}) => {
    const warnings: string[] = [];
    parseLabels(csv, { ...binary, file: join(folder, "labels.csv"), onWarning: ({ code, message }) => void warnings.push(`${code} ${message}`), ...more });
    return warnings.filter((text) => text.startsWith("LISTED_TWICE"));
  };
  for (const other of ["a.nii", "./a.nii", "sub/../a.nii", join(folder, "a.nii"), "link.nii"])
    expect(told(`id,path,sick\none,a.nii,1\ntwo,b.nii,0\nthree,${other},1\n`), other).toEqual([
      expect.stringContaining(`lines 2 and 4 name one file, ${other}`),
    ]);
  expect(told("id,path,split,sick\none,a.nii,val,1\nthree,a.nii,test,1\n", { split: "val" })).toEqual([]);
  expect(told("id,path,sick\none,a.nii,1\ntwo,b.nii,0\n")).toEqual([]);
  expect(told("id,path,x,y,z,space,sick\none,a.nii,1,2,3,RAS,1\ntwo,a.nii,4,5,6,RAS,0\n")).toEqual([]);
  expect(told("id,path,x,y,z,space,sick\none,a.nii,1,2,3,RAS,1\ntwo,a.nii,1,2,3,RAS,1\n")).toHaveLength(1);
  rmSync(folder, { recursive: true });
});

test("ids stay text, BOM and CRLF are read, blank labels are missing", () => {
  const rows = parseLabels("\ufeffid,group,split,a,b\r\n0001,p1,val,0,1.0\r\n001,p2,val, 1,\r\n1,p3,train,,0\r\n", multilabel);
  expect(rows.map(({ id }) => id)).toEqual(["0001", "001", "1"]);
  expect(rows.map(({ labels }) => [labels.get("a"), labels.get("b")])).toEqual([
    [0, 1],
    [1, undefined],
    [undefined, 0],
  ]);
  expect(rows.map(({ line }) => line)).toEqual([2, 3, 4]);
});

test("semicolons and tabs, as spreadsheets write them, and their empty rows", () => {
  for (const [separator, csv] of [
    [";", "id;split;a;b\n0001;train;1;0\n;;;\n0002;val;0;1\n"],
    ["tab", "id\tsplit\ta\tb\n0001\ttrain\t1\t0\n\t\t\t\n0002\tval\t0\t1\n"],
    [",", "id,split,a,b\n0001,train,1,0\n,,,\n0002,val,0,1\n"],
  ]) {
    const rows = parseLabels(csv, multilabel);
    expect(
      rows.map(({ id, line, labels }) => [id, line, labels.get("a"), labels.get("b")]),
      separator,
    ).toEqual([
      ["0001", 2, 1, 0],
      ["0002", 4, 0, 1],
    ]);
  }
});

test("a split is chosen; an unknown one lists those there are", () => {
  const csv = "id,split,a,b\nx,train,0,1\ny,val,1,1\n";
  expect(parseLabels(csv, { ...multilabel, split: "val" }).map(({ id }) => id)).toEqual(["y"]);
  expect(() => parseLabels(csv, { ...multilabel, split: "test" })).toThrow(/"test"; there are train, val/);
});

test("a single label column: 0/1 for binary, id, name or number for multiclass", () => {
  expect(parseLabels("path,label\nx.nii,1\n", binary)[0].labels.get("sick")).toBe(1);
  const rows = parseLabels("id,label\nx,dog\ny,Cat\nz,1\n", multiclass);
  expect(rows.map(({ labels }) => labels.get("dog"))).toEqual([1, 0, 1]);
});

test("numeric class ids are ids, not positions; positions count only where no class is a number", () => {
  const graded: LabelsOptions = { ...multiclass, task: { kind: "multiclass", labels: ["0", "2", "1"].map((id) => ({ id, name: `Grade ${id}` })) } };
  const rows = parseLabels("id,label\nx,1\ny,2\nz,Grade 0\n", graded);
  expect(rows.map(({ labels }) => [...labels].find(([, value]) => value)?.[0])).toEqual(["1", "2", "0"]);
  const fromOne: LabelsOptions = { ...multiclass, task: { kind: "multiclass", labels: ["1", "2"].map((id) => ({ id, name: `Grade ${id}` })) } };
  expect(() => parseLabels("id,label\nx,0\n", fromOne)).toThrow(/"0" is none of 1, 2/);
});

test("quoted fields: commas in ids, spaces around labels; trailing empty columns are no concern", () => {
  const rows = parseLabels('id,a,b,,\n"x, left"," 1","1.0 ",,\n', multilabel);
  expect(rows[0].id).toBe("x, left");
  expect([...rows[0].labels.values()]).toEqual([1, 1]);
});

test("multiclass with a column a class: one of them is 1; blanks are missing", () => {
  const rows = parseLabels("id,cat,dog\nx,0,1\ny,,\nz,0,\n", multiclass);
  expect(rows.map(({ labels }) => labels.get("dog"))).toEqual([1, undefined, undefined]);
});

test.each([
  ["id,a,b\nx,yes,1\n", multilabel, /labels\.csv: line 2, column a: "yes"/],
  ["id,a\nx,1\n", multilabel, /no column for b; found id, a/],
  ["a,b\n0,1\n", multilabel, /neither an id nor a path column/],
  ["id,a,b\nx,0,1\nx,0,1\n", multilabel, /lines 2 and 3 share the id "x"/],
  ["id,group,split,a,b\nx,p,train,0,1\ny,p,val,0,1\n", multilabel, /group "p" is in split train and in val/],
  ["id,label\nx,bird\n", multiclass, /"bird" is none of 0 \(cat\), 1 \(dog\)/],
  ["id,group,split,a,b\nx,p,train,0,1\ny,p,,0,1\n", multilabel, /group "p" is in split train and in \(none\)/],
  ["id,a,b,a\nx,0,1,1\n", multilabel, /column "a" appears twice/],
  ["id,cat,dog\nx,1,1\n", multiclass, /line 2: 2 of cat, dog are 1/],
  ["id,cat,dog\nx,0,0\n", multiclass, /line 2: 0 of cat, dog are 1/],
  ["id,malignancy\nx,2\ny,4\n", ordinal, /labels\.csv: line 3, column malignancy: "4" is none of 1, 2, 3/],
  ["id,malignancy\nx,2.5\n", ordinal, /line 2, column malignancy: "2\.5" is none of 1, 2, 3/],
  ["id,label\nx,2\n", ordinal, /no column for malignancy; found id, label/],
  ["id,diameter_mm\nx,3.1\ny,large\n", regression, /line 3, column diameter_mm: "large" is no number; expected a value such as 12\.5, or blank/],
  ['id;diameter_mm\nx;"12,5"\n', regression, /line 2, column diameter_mm: "12,5" is no number; write it with a point, 12\.5/],
  ["id,diameter_mm\nx,NaN\n", regression, /"NaN" is no number/],
  ["id,diameter_mm\nx,Infinity\n", regression, /"Infinity" is no number/],
  ["id,diameter_mm\nx,3.1\ny,1e999\n", regression, /line 3, column diameter_mm: "1e999" is no number/],
  ["id,size\nx,1\n", regression, /no column for diameter_mm; found id, size/],
  ["id,a,b\n", multilabel, /no rows/],
  ["path:t1,a,b\nx.nii,1,0\n", multilabel, /neither an id nor a path column/],
  ["id,path:t1,path:t2,a,b\nx,x1.nii,,1,0\n", multilabel, /line 2, column path:t2: no path/],
  ['id,a,b\n"x,0,1\n', multilabel, /not a CSV table/],
])("refused: %j", (csv, options, message) => {
  expect(() => parseLabels(csv, options)).toThrow(message);
});

test("a mask column holds paths; a blank cell means no mask", () => {
  const rows = parseLabels("id,mask,a,b\nx,masks/x.nii.gz,0,1\ny,,1,1\n", multilabel);
  expect(rows.map(({ mask }) => mask)).toEqual(["masks/x.nii.gz", null]);
  expect(parseLabels("id,a,b\nx,0,1\n", multilabel)[0].mask).toBeUndefined();
});

test("several volumes a study: a path:SOURCE column each", () => {
  const [row] = parseLabels("id,path:t1,path:t2,a,b\nx,x/t1.nii,/data/t2.nii,0,1\n", multilabel);
  expect(imagePaths(row, ["t1", "t2"], "/study")).toEqual({ t1: "/study/x/t1.nii", t2: "/data/t2.nii" });
  expect(imagePaths(row, ["t2"], "/study")).toEqual({ t2: "/data/t2.nii" });
  expect(() => imagePaths(row, ["t1", "flair"], "/study")).toThrow(/path:t1, path:flair; found path:t1, path:t2/);
  const [single] = parseLabels("path,a,b\nx.nii,0,1\n", multilabel);
  expect(imagePaths(single, ["ct"], "/study")).toEqual({ ct: "/study/x.nii" });
  expect(() => imagePaths(single, ["t1", "t2"], "/study")).toThrow(/need the columns path:t1, path:t2/);
});

test("images are found as images/ID.* beside the file; none or several are refused", () => {
  const folder = mkdtempSync(join(tmpdir(), "anymc3d-labels-"));
  mkdirSync(join(folder, "images"));
  for (const name of ["one.nii.gz", "two.nii", "two.nii.gz"]) writeFileSync(join(folder, "images", name), "");
  try {
    expect(imagePath({ id: "one" }, folder)).toBe(join(folder, "images/one.nii.gz"));
    expect(imagePath({ id: "x", path: "other/x.nii" }, folder)).toBe(join(folder, "other/x.nii"));
    expect(() => imagePath({ id: "two" }, folder)).toThrow(/two\.nii\.gz and two\.nii/);
    expect(() => imagePath({ id: "three" }, folder)).toThrow(/images\/three\.\*: no such image/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what spreadsheets write: sep=;, blank lines first, UTF-16, class positions as 1.0", () => {
  const ids = (text: string) => parseLabels(text, binary).map(({ id, line }) => [id, line]);
  expect(ids("sep=;\r\nid;label\r\nx;1\r\n")).toEqual([["x", 3]]);
  expect(ids("\ufeffsep=;\nid;label\nx;1\n")).toEqual([["x", 3]]);
  expect(ids("\n\nid;label\nx;1\n")).toEqual([["x", 4]]);
  const utf16 = Buffer.from("\ufeffid\tlabel\nå\t1\n", "utf16le");
  expect(ids(decodeTable(utf16))).toEqual([["å", 2]]);
  expect(ids(decodeTable(utf16.swap16()))).toEqual([["å", 2]]);
  expect([...parseLabels("id,label\nx,1.0\n", multiclass)[0].labels]).toEqual([["cat", 0], ["dog", 1]]); // biome-ignore format: a line
});

test("splits by any of their names", () => {
  const csv = "id,split,a,b\nx,Training,0,1\ny,validation,0,1\nz,dev,1,1\nu,fold 3,1,1\n";
  expect(parseLabels(csv, { ...multilabel, split: "val" }).map(({ id }) => id)).toEqual(["y", "z"]);
  expect(parseLabels(csv, { ...multilabel, split: "Valid" }).map(({ id }) => id)).toEqual(["y", "z"]);
  expect(parseLabels(csv, { ...multilabel, split: "fold 3" }).map(({ id }) => id)).toEqual(["u"]);
  expect(() => parseLabels("id,group,split,a,b\nx,p,val,0,1\ny,p,validation,0,1\n", multilabel)).not.toThrow();
});

test.each([
  ["id,Group,a,b\nx,p,0,1\n", /column "Group" is not read; call it "group"/],
  ["id,Split,a,b\nx,val,0,1\n", /column "Split" is not read; call it "split"/],
  ["id,patient_id,a,b\nx,p,0,1\n", /column "patient_id" is not read; call it "group"/],
  ["id,group,a,b\nx,p,0,1\ny,,0,1\n", /line 3, column group: blank/],
])("columns that are meant but not read are refused: %j", (csv, message) => {
  expect(() => parseLabels(csv, multilabel)).toThrow(message);
});

test("a patient's name beside a group, or an empty group column, is fine", () => {
  expect(parseLabels("id,group,patient,a,b\nx,p,Q,0,1\n", multilabel)[0].group).toBe("p");
  expect(parseLabels("id,group,a,b\nx,,0,1\ny,,0,1\n", multilabel).map(({ group }) => group)).toEqual(["x", "y"]);
});

test("ordered classes: a column of the task's own with ids, names or values, whole numbers also as 2.0; blank is unknown", () => {
  const rows = parseLabels("id,malignancy\nw,3\nx,Grade 1\ny,2.0\nz,\n", ordinal);
  expect(rows.map(({ labels }) => [...labels].flatMap(([id, value]) => (value === 1 ? [id] : [])).join())).toEqual(["3", "1", "2", ""]);
  const named = ["low", "high"].map((id, i) => ({ id, name: id, value: 10 * i }));
  const [first, second] = parseLabels("id,label\nx,10\ny,low\n", { ...ordinal, task: { kind: "ordinal", labels: named } });
  expect([first.labels.get("high"), second.labels.get("low")]).toEqual([1, 1]);
});

test("a quantity: plain numbers, with an exponent, negative; blank is unknown; the column may be called label", () => {
  const rows = parseLabels("id,diameter_mm\na,12.5\nb,-.5\nc,1e2\nd,\ne,+3.\n", regression);
  expect(rows.map(({ labels }) => labels.get("diameter_mm"))).toEqual([12.5, -0.5, 100, undefined, 3]);
  expect(parseLabels("id,label\na,7\n", regression)[0].labels.get("diameter_mm")).toBe(7);
});
