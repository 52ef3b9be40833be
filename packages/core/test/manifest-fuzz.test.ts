// adapter.json changed at random, by its schema: taken, or refused as MANIFEST_INVALID in few words that are harmless to print. FUZZ=10000 for the whole.
import { readFileSync } from "node:fs";
import { checkStudy, isAnyMC3DError, parseAdapterManifest, taskKind } from "@anymc3d/core";
import { isHarmless } from "@anymc3d/core/errors";
import { adapterJsonSchema, seededRandom, syntheticVolume } from "@anymc3d/core/learn";
import { type Loose, manifestJson } from "@anymc3d/testkit/expectations";
import { expect, test } from "vitest";

const ROUNDS = Number(process.env.FUZZ ?? 300);
/** Milliseconds that one manifest may take. */
const SLOWEST = 5000;

const schema = adapterJsonSchema() as Loose;
const shipped = ["lung-nodule", "adrenal-shape", "vessel-aneurysm"].map((name) =>
  JSON.parse(readFileSync(new URL(`../../adapters-${name}/adapter.json`, import.meta.url), "utf8")),
);
const TASKS: Loose[] = [
  { kind: "multiclass", labels: ["a", "b", "c"].map((id) => ({ id, name: id })) },
  { kind: "ordinal", labels: ["a", "b", "c"].map((id, i) => ({ id, name: id, value: i })) },
  { kind: "regression", labels: [{ id: "size", name: "Size", unit: "mm", range: [0, 100] }] },
];
const seeds: Loose[] = [
  ...shipped,
  manifestJson(),
  ...TASKS.map((task) =>
    manifestJson((m) => {
      m.task = task;
      m.modules.head = taskKind(task).head;
      m.conformance.logits = new Array(taskKind(task).outputs(task)).fill(0);
    }),
  ),
];

type Random = () => number;
const below = (next: Random, end: number): number => Math.floor(next() * end);
const pick = <T>(next: Random, from: readonly T[]): T => from[below(next, from.length)];

const NUMBERS = [0, -0, -1, 1, 0.5, 1e-320, 1e-7, 2 ** 31, 2 ** 53, -(2 ** 53), 1e12, 1e13, 1e39, 1e308, -1e308, Number.MAX_VALUE, Number.MIN_VALUE];
const TEXTS = [
  "",
  " ",
  "\0",
  "\x1b[2J",
  "\x9b31m",
  "\u202egnp.exe",
  "a\nb",
  "\ud800",
  "__proto__",
  "constructor",
  "toString",
  "../..",
  "x".repeat(100_000),
  "\u{e0041}".repeat(5000),
  "|`<script>",
  "NaN",
  "1e400",
];
const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);
const ANY = (next: Random): unknown =>
  pick<() => unknown>(next, [
    () => null,
    () => next() < 0.5,
    () => pick(next, NUMBERS),
    () => pick(next, TEXTS),
    () => [],
    () => ({}),
    () => nested(pick(next, [2, 5000])),
    () => new Array(below(next, 20_000)).fill(pick(next, TEXTS.slice(0, 12))),
    () => JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}'),
    () => Object.fromEntries(Array.from({ length: below(next, 3000) }, (_, i) => [`${pick(next, TEXTS.slice(0, 12))}${i}`, i])),
  ])();

/** A value of a schema, at its edges and a little beyond. */
function made(of: Loose, next: Random): unknown {
  const choices = of.anyOf ?? of.oneOf;
  if (choices) return made(pick(next, choices), next);
  if ("const" in of) return of.const;
  if (of.enum) return pick(next, of.enum);
  if (of.type === "object") {
    const named = Object.entries(of.properties ?? {}).filter(([name]) => of.required?.includes(name) || next() < 0.5);
    const free = of.additionalProperties ? [[pick(next, ["volume", "t2", "__proto__"]), made(of.additionalProperties, next)] as const] : [];
    return Object.fromEntries([...named.map(([name, each]) => [name, made(each, next)] as const), ...free]);
  }
  if (of.type === "array") {
    if (of.prefixItems) return of.prefixItems.map((each: Loose) => made(each, next));
    return Array.from({ length: (of.minItems ?? 0) + below(next, 3) }, () => made(of.items ?? {}, next));
  }
  if (of.type === "number" || of.type === "integer") {
    const edges = [of.minimum, of.maximum, of.exclusiveMinimum, of.exclusiveMaximum].filter((edge) => edge !== undefined);
    return pick(next, [...edges, ...edges.map((edge: number) => edge * (1 + 1e-9)), ...NUMBERS]);
  }
  if (of.type === "string") return pick(next, ["volume", "1.0.0", "a", "2024-01-01", `sha256-${"0".repeat(64)}`, ...TEXTS]);
  if (of.type === "boolean") return next() < 0.5;
  return ANY(next);
}

/** A place in a manifest with its schema, if that is known there. */
function place(root: Loose, next: Random): { holder: Loose; name: string | number; of: Loose | undefined } {
  let [holder, of]: [Loose, Loose] = [root, schema];
  for (;;) {
    const names = Object.keys(holder);
    const wanted = Object.keys(of?.properties ?? {});
    const name = next() < 0.2 && wanted.length ? pick(next, wanted) : pick(next, names.length ? names : ["0"]);
    const inside = holder[name];
    const below = of?.properties?.[name] ?? (Array.isArray(holder) ? (of?.prefixItems?.[Number(name)] ?? of?.items) : undefined);
    if (typeof inside !== "object" || inside === null || Object.keys(inside).length === 0 || next() < 0.25) return { holder, name, of: below };
    [holder, of] = [inside, below];
  }
}

/** As JSON.parse makes a field, `__proto__` too. */
const put = (holder: Loose, name: string | number, value: unknown) =>
  Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true });

function mutate(manifest: Loose, next: Random): unknown {
  if (next() < 0.02) return ANY(next);
  for (let i = 1 + below(next, 3); i > 0; i--) {
    const { holder, name, of } = place(manifest, next);
    const what = next();
    if (what < 0.45 && of) put(holder, name, made(of, next));
    else if (what < 0.7) put(holder, name, ANY(next));
    else if (what < 0.8) delete holder[name];
    else if (what < 0.9 && !Array.isArray(holder)) put(holder, pick(next, TEXTS.slice(2)), ANY(next));
    else if (Array.isArray(holder)) for (let n = below(next, 2000); n > 0; n--) holder.push(holder[0]);
  }
  return manifest;
}

test(`${ROUNDS} manifests`, { timeout: 60_000 + 100 * ROUNDS }, () => {
  let taken = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const next = seededRandom(1000 + round);
    const manifest = mutate(structuredClone(pick(next, seeds)), next);
    const started = performance.now();
    try {
      const { task, input, conformance } = parseAdapterManifest(manifest);
      taken++;
      // What is taken can be worked with.
      const { labels } = taskKind(task).outcome(task, Float32Array.from(conformance.logits).sort().reverse());
      expect(
        labels.every(({ probability }) => probability >= 0 && probability <= 1),
        `round ${round}`,
      ).toBe(true);
      checkStudy(Object.fromEntries(input.views.map((view) => [view.source, syntheticVolume(view, conformance.seed)])), parseAdapterManifest(manifest));
    } catch (error) {
      if (!isAnyMC3DError(error, "MANIFEST_INVALID")) throw new Error(`round ${round}: ${error}`, { cause: error });
      expect(error.message.length, `round ${round}`).toBeLessThan(3000);
      expect(isHarmless(error.message.replaceAll("\n", "")), `round ${round}: ${error.message}`).toBe(true);
      expect(JSON.stringify(error.details).length, `round ${round}`).toBeLessThan(15_000);
    }
    expect(performance.now() - started, `round ${round}`).toBeLessThan(SLOWEST);
  }
  expect({}).not.toHaveProperty("polluted");
  expect(taken).toBeGreaterThan(ROUNDS / 100);
  expect(taken).toBeLessThan(ROUNDS / 2);
});
