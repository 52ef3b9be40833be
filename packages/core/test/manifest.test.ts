// adapter.json: what is refused, and that the message names the field; the JSON Schema says the same as the parser.
import { readFile } from "node:fs/promises";
import { parseAdapterManifest } from "@anymc3d/core";
import { adapterJsonSchema, adapterManifestSchema } from "@anymc3d/core/learn";
import { type Loose, manifestJson, refusal } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";

const shipped = JSON.parse(await readFile(new URL("../../adapters-lung-nodule/adapter.json", import.meta.url), "utf8"));

test("the shipped adapter's manifest is valid, and so is the small one of these tests", () => {
  expect(parseAdapterManifest(shipped).task.labels.map((l) => l.id)).toEqual(["malignant", "spiculated", "lobulated", "calcified", "subsolid"]);
  expect(() => parseAdapterManifest(manifestJson())).not.toThrow();
});

const second = (m: Loose) => m.task.labels.push({ id: "other", name: "Other", threshold: 0.5 });
const view = (m: Loose) => m.input.views[0];
const lora = (change: Loose) => (m: Loose) => {
  m.modules.lora = { rank: 8, alpha: 16, targets: ["qkv"], ...change };
};

// biome-ignore format: a table
const faults: [string, (m: Loose) => void, RegExp][] = [
  ["unknown key at the top", (m) => { m.treshold = 1; }, /treshold/],
  ["unknown key in a view", (m) => { view(m).spacng = 1; }, /spacng[\s\S]*input\.views\[0\]/],
  ["unknown LoRA field that would change the maths", lora({ alphaPattern: {} }), /alphaPattern/],
  ["PEFT's spelling of rank-stabilised scaling", lora({ use_rslora: true }), /use_rslora/],
  ["other schema version", (m) => { m.schemaVersion = 3; }, /schemaVersion/],
  ["weights that are not pinned", (m) => { delete m.weights; }, /schemaVersion 2[\s\S]*weights/],
  ["a weights' hash of another kind", (m) => { m.weights.hash = "sha512-abc"; }, /weights\.hash/],
  ["an unknown region", (m) => { m.input.roi = { kind: "sphere" }; }, /input\.roi/],
  ["unknown features", (m) => { m.modules.features = [{ kind: "patches" }]; }, /modules\.features/],
  ["more members than are read", (m) => { m.modules.members = 3; }, /modules\.members/],
  ["a description of a source that no view reads", (m) => { m.input.sources = { t2: { title: "T2" } }; }, /no view reads t2/],
  ["a threshold that decides nothing", (m) => { m.task.kind = "multiclass"; }, /threshold/],
  ["missing section", (m) => { delete m.modules; }, /modules/],
  ["missing limits", (m) => { m.limits = []; }, /limits/],
  ["missing intended use", (m) => { m.intendedUse = ""; }, /intendedUse/],
  ["version that is no version", (m) => { m.version = "latest"; }, /version/],
  ["missing threshold", (m) => { delete m.task.labels[0].threshold; }, /threshold/],
  ["threshold of 50", (m) => { m.task.labels[0].threshold = 50; }, /task\.labels\[0\]\.threshold/],
  ["SNOMED code with letters", (m) => { m.task.labels[0].snomed = "M-12345"; }, /task\.labels\[0\]\.snomed/],
  ["SNOMED code of 5 digits", (m) => { m.task.labels[0].snomed = "12345"; }, /snomed/],
  ["SNOMED code as a number", (m) => { m.task.labels[0].snomed = 427359005; }, /snomed/],
  ["label id with a blank", (m) => { m.task.labels[0].id = "two words"; }, /task\.labels\[0\]\.id/],
  ["no label", (m) => { m.task.labels = []; }, /task\.labels/],
  ["two labels in a binary task", second, /binary/],
  ["one label in a multiclass task", (m) => { m.task = { kind: "multiclass", labels: [{ id: "a", name: "A" }] }; }, /multiclass/],
  ["two labels of one id", (m) => { second(m); m.task.kind = "multilabel"; m.task.labels[1].id = "finding"; m.conformance.logits = [0, 0]; }, /share an id/],
  ["backbone hash in upper case", (m) => { m.backbone.hash = m.backbone.hash.toUpperCase(); }, /backbone\.hash/],
  ["no view", (m) => { m.input.views = []; }, /input\.views/],
  ["unknown plane", (m) => { view(m).plane = "transverse"; }, /input\.views\[0\]\.plane/],
  ["spacing of 0", (m) => { view(m).spacing = 0; }, /spacing/],
  ["spacing missing", (m) => { delete view(m).spacing; }, /spacing/],
  ["size of 0", (m) => { view(m).size = [0, 32]; }, /size/],
  ["size that no memory holds", (m) => { view(m).size = [1e6, 1e6]; }, /size/],
  ["slice count of 0", (m) => { view(m).slices = { choice: "even", count: 0 }; }, /slices/],
  ["slice count missing", (m) => { view(m).slices = { choice: "even" }; }, /slices/],
  ["two windows", (m) => { view(m).intensity = { kind: "windows", windows: [[0, 1], [0, 1]] }; }, /intensity/],
  ["window upside down", (m) => { view(m).intensity = { kind: "windows", windows: [[400, -1000]] }; }, /intensity/],
  ["range upside down", (m) => { view(m).intensity = { kind: "range", range: [1, 0] }; }, /intensity/],
  ["percentile of 101", (m) => { view(m).intensity = { kind: "percentile", low: 0, high: 101 }; }, /intensity/],
  ["percentiles upside down", (m) => { view(m).intensity = { kind: "percentile", low: 99, high: 1 }; }, /percentile/],
  ["unknown expectation", (m) => { view(m).expect = { manufacturer: "x" }; }, /manufacturer/],
  ["expectation without a consequence", (m) => { view(m).expect = { minimum: { range: [0, 1] } }; }, /minimum/],
  ["fusion with one view", (m) => { m.modules.fusion = "attention"; }, /modules\.fusion/],
  ["concatenation of one view", (m) => { m.modules.fusion = "concat"; }, /modules\.fusion/],
  ["two views without fusion", (m) => { m.input.views.push(structuredClone(view(m))); }, /modules\.fusion/],
  ["rank of 0", lora({ rank: 0 }), /modules\.lora\.rank/],
  ["alpha of 0", lora({ alpha: 0 }), /modules\.lora\.alpha/],
  ["unknown target", lora({ targets: ["fc1"] }), /modules\.lora\.targets/],
  ["no target", lora({ targets: [] }), /modules\.lora\.targets/],
  ["conformance of another length", (m) => { m.conformance.logits = [0, 0]; }, /conformance\.logits/],
  ["conformance missing", (m) => { delete m.conformance; }, /conformance/],
  ["tolerance of 0", (m) => { m.conformance.tolerance = 0; }, /conformance\.tolerance/],
  ["tolerance that lets everything through", (m) => { m.conformance.tolerance = 1e6; }, /tolerance/],
  ["logits beyond computing", (m) => { m.conformance.logits = [1e308]; }, /conformance\.logits/],
  ["alpha beyond float32", lora({ alpha: 1e308 }), /modules\.lora\.alpha/],
  ["alpha that is as good as 0", lora({ alpha: 1e-300 }), /modules\.lora\.alpha/],
  ["window of no width", (m) => { view(m).intensity = { kind: "windows", windows: [[40, 40]] }; }, /above low/],
  ["third window of no width", (m) => { view(m).intensity = { kind: "windows", windows: [[0, 1], [0, 1], [5, 5]] }; }, /above low/],
  ["range of no width", (m) => { view(m).intensity = { kind: "range", range: [7, 7] }; }, /above low/],
  ["range that float32 cannot tell apart", (m) => { view(m).intensity = { kind: "range", range: [1e6, 1e6 + 0.1] }; }, /above low/],
  ["range as wide as double precision", (m) => { view(m).intensity = { kind: "range", range: [-1e308, 1e308] }; }, /intensity/],
  ["NaN in a range", (m) => { view(m).intensity = { kind: "range", range: [Number.NaN, 1] }; }, /intensity/],
  ["infinity in a range", (m) => { view(m).intensity = { kind: "range", range: [0, Number.POSITIVE_INFINITY] }; }, /intensity/],
  ["equal percentiles", (m) => { view(m).intensity = { kind: "percentile", low: 50, high: 50 }; }, /percentile/],
  ["percentiles as good as equal", (m) => { view(m).intensity = { kind: "percentile", low: 50, high: 50 + 1e-12 }; }, /percentile/],
  ["pad beyond float32", (m) => { view(m).pad = 1e39; }, /pad/],
  ["foreground beyond float32", (m) => { view(m).crop = { foreground: { above: -1e308, margin: 0 } }; }, /above/],
  ["margin of a kilometre", (m) => { view(m).crop = { foreground: { above: 0, margin: 1e6 } }; }, /margin/],
  ["spacing of a nanometre", (m) => { view(m).spacing = 1e-6; }, /spacing/],
  ["spacing of a kilometre", (m) => { view(m).spacing = 1e6; }, /spacing/],
  ["slices of sixteen million pixels", (m) => { view(m).size = [4088, 4088]; }, /size/],
  ["a backbone that no package is called", (m) => { m.backbone.name = "../../evil"; }, /backbone\.name/],
  ["a backbone by its address", (m) => { m.backbone.name = "https://example.org/backbone"; }, /backbone\.name/],
  ["a backbone in capitals", (m) => { m.backbone.name = "DINOv2"; }, /backbone\.name/],
  ["ESC in the title", (m) => { m.title = "Lung\x1b[2K nodule"; }, /\\x1b[\s\S]*title/],
  ["a second line in the title", (m) => { m.title = "Lung\nnodule"; }, /\\n[\s\S]*title/],
  ["a blank title", (m) => { m.title = " "; }, /blank[\s\S]*title/],
  ["a title of a megabyte", (m) => { m.title = "x".repeat(1e6); }, /title/],
  ["C1 in a label's name", (m) => { m.task.labels[0].name = "a\x9b31m"; }, /\\x9b[\s\S]*labels\[0\]\.name/],
  ["right-to-left override in a label's name", (m) => { m.task.labels[0].name = "\u202etnangilam"; }, /\\u202e[\s\S]*labels\[0\]\.name/],
  ["zero width in a label's name", (m) => { m.task.labels[0].name = "be\u200bnign"; }, /\\u200b[\s\S]*labels\[0\]\.name/],
  ["a label that every object has", (m) => { m.task.labels[0].id = "constructor"; }, /labels\[0\]\.id/],
  ["a carriage return in the description", (m) => { m.description = "fine\rforged"; }, /\\r[\s\S]*description/],
  ["tags in a limit", (m) => { m.limits = ["none\u{e0041}"]; }, /e0041[\s\S]*limits\[0\]/],
  ["a bell in a body part", (m) => { m.input.bodyParts = ["lung\x07"]; }, /\\x07[\s\S]*bodyParts/],
  ["a lone surrogate in the licence", (m) => { m.license = "MIT\ud800"; }, /\\ud800[\s\S]*license/],
  ["ESC in an unknown key", (m) => { m["x\x1b[1A"] = 1; }, /x\\x1b\[1A/],
  ["a source that every object has", (m) => { view(m).source = "__proto__"; }, /source/],
  ["text for a number", (m) => { view(m).pad = "-1000"; }, /pad/],
];

describe("MANIFEST_INVALID, naming the field", () => {
  test.each(faults)("%s", async (_, change, message) => {
    const error = await refusal(() => parseAdapterManifest(manifestJson(change), "x/adapter.json"));
    expect(error.code).toBe("MANIFEST_INVALID");
    expect(error.message).toContain("x/adapter.json");
    expect(error.message).toMatch(message);
  });

  test("paragraphs and honest names of any script are taken", () => {
    const parsed = parseAdapterManifest(
      manifestJson((m) => {
        m.description = "First line.\n\tSecond line.";
        m.title = "عقيدات الرئة";
        m.task.labels[0].name = "خبيث";
      }),
    );
    expect(parsed.task.labels[0].name).toBe("خبيث");
  });

  test("as data: file and fields", async () => {
    const change = (m: Loose) => {
      m.input.views[0].pad = "-1000";
    };
    const { details } = await refusal(() => parseAdapterManifest(manifestJson(change), "x/adapter.json"));
    expect(details).toEqual({ file: "x/adapter.json", fields: ["input.views.0.pad"] });
  });

  test.each([null, undefined, 7, "{}", [], {}])("%j", async (json) => expect((await refusal(() => parseAdapterManifest(json))).code).toBe("MANIFEST_INVALID"));

  test("several faults are all named", async () => {
    const error = await refusal(() =>
      parseAdapterManifest(
        manifestJson((m) => {
          m.version = "1";
          m.license = "";
          m.extra = 1;
        }),
      ),
    );
    for (const field of [/version/, /license/, /extra/]) expect(error.message).toMatch(field);
  });
});

describe("JSON Schema", () => {
  const schema = adapterJsonSchema() as Loose;

  /** Walks a JSON value along the schema: every key known, every required key there, every constant and choice kept. */
  function faultsOf(node: Loose, value: Loose, at = "$"): string[] {
    if (node.$ref)
      return faultsOf(
        node.$ref
          .split("/")
          .slice(1)
          .reduce((n: Loose, k: string) => n[k], schema),
        value,
        at,
      );
    const choices = node.anyOf ?? node.oneOf;
    if (choices) return choices.some((choice: Loose) => faultsOf(choice, value, at).length === 0) ? [] : [`${at}: no choice fits`];
    if ("const" in node && value !== node.const) return [`${at}: not ${node.const}`];
    if (node.enum && !node.enum.includes(value)) return [`${at}: not one of ${node.enum}`];
    if (node.type === "null") return value === null ? [] : [`${at}: not null`];
    if (node.pattern && !new RegExp(node.pattern).test(value)) return [`${at}: not ${node.pattern}`];
    if (node.type === "array") {
      if (!Array.isArray(value)) return [`${at}: not a list`];
      if (node.prefixItems && value.length !== node.prefixItems.length) return [`${at}: not ${node.prefixItems.length} items`];
      return value.flatMap((v: Loose, i: number) => faultsOf(node.prefixItems?.[i] ?? node.items, v, `${at}[${i}]`));
    }
    if (node.type === "object") {
      if (typeof value !== "object" || value === null) return [`${at}: not an object`];
      const missing = (node.required ?? []).filter((key: string) => !(key in value)).map((key: string) => `${at}.${key}: missing`);
      const inner = Object.entries(value).flatMap(([key, v]) =>
        node.properties[key] ? faultsOf(node.properties[key], v, `${at}.${key}`) : node.additionalProperties === false ? [`${at}.${key}: unknown`] : [],
      );
      return [...missing, ...inner];
    }
    const kinds: Record<string, (v: Loose) => boolean> = {
      string: (v) => typeof v === "string",
      number: (v) => typeof v === "number",
      integer: Number.isInteger,
      boolean: (v) => typeof v === "boolean",
    };
    return node.type && !kinds[node.type](value) ? [`${at}: not a ${node.type}`] : [];
  }

  test("draft 2020-12, accepts the shipped manifest", () => {
    expect(schema.$schema).toContain("2020-12");
    expect(faultsOf(schema, shipped)).toEqual([]);
    expect(faultsOf(schema, manifestJson())).toEqual([]);
  });

  test("refuses unknown and missing keys as the parser does", () => {
    expect(faultsOf(schema, { ...shipped, treshold: 1 })).toEqual(["$.treshold: unknown"]);
    for (const key of Object.keys(shipped)) {
      const { [key]: _, ...rest } = shipped;
      expect(faultsOf(schema, rest), key).toEqual([`$.${key}: missing`]);
      expect(adapterManifestSchema.safeParse(rest).success, key).toBe(false);
    }
  });

  test("fields with a default may be left out", () => {
    const found = parseAdapterManifest(
      manifestJson((m) => {
        lora({})(m);
        view(m).intensity = { kind: "zscore" };
      }),
    );
    expect(found.modules.lora?.rankStabilised).toBe(false);
    expect(found.input.views[0].intensity).toEqual({ kind: "zscore", over: "all" });
    expect(faultsOf(schema, manifestJson(lora({})))).toEqual([]);
  });
});
