// Adapters trained with Hugging Face PEFT → our tensors and modules. Exact: nothing is approximated, factors are folded into B.

import { type AdapterManifest, AnyMC3DError, type BackboneSpec, type Tensor, type Tensors, type Warning } from "@anymc3d/core";
import { loraMapPlace, loraMaps } from "@anymc3d/core/engine";
import type { TensorDifference } from "@anymc3d/core/errors";
import { isTargeted, type PeftConfig, parsePeftConfig, rankAndScale } from "./peft-config.js";
import { modulePlaces } from "./peft-names.js";

/** What `peft.PeftModel.save_pretrained` writes. */
export interface PeftFolder {
  /** For messages. */
  readonly name: string;
  /** adapter_config.json */
  readonly config: unknown;
  /** adapter_model.safetensors. May also hold `head.*`, `fusion.query` and the view's `pool.query`. */
  readonly tensors: Tensors;
}

/** LoRA, pooling query and head that were trained in PyTorch, under the names of adapter packages. */
export interface PeftImport {
  /** `modules.lora` of the manifest: one rank and one scale for all maps of all views. */
  readonly lora: NonNullable<AdapterManifest["modules"]["lora"]>;
  /** Under the names of adapter packages: `views.0.lora.patch.A`, …, and what the files held of pooling, fusion and head. */
  readonly tensors: Map<string, Tensor>;
  /** `LORA_ZERO`: a view whose B are all zero. */
  readonly warnings: Warning[];
}

/** One adapted module: A [rank, in], B [rows, rank], B's rows beginning at `row` of the map; W' = W + scale·B·A. */
interface Part {
  readonly rank: number;
  readonly scale: number;
  readonly row: number;
  readonly rows: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

interface View {
  readonly config: PeftConfig;
  /** By map. */
  readonly parts: Map<string, Part[]>;
  /** Pooling, fusion and head. */
  readonly others: Map<string, Tensor>;
}

/** The manifest's limit. */
const MAX_RANK = 256;

/**
 * Maps PEFT adapters, one a view, to an adapter's tensors.
 *
 * Query, key and value with a LoRA each become one of the fused map: A = [Aq; Ak; Av], B block-diagonal, rank the sum of theirs
 * (equal A are kept once). Scales that differ between modules are folded into B; lower ranks are filled up with zeros.
 * @param views in the order of the manifest's views
 * @param head `pool.query` (or `views.V.pool.query`), `fusion.query`, `head.weight`, `head.bias`, where the views' own files do not hold them
 * @throws AnyMC3DError `CONFIG_INVALID` for a config that asks for more than plain LoRA, `TENSORS_MISMATCH` listing missing, unused and mis-shaped tensors
 */
export function importPeft(views: readonly PeftFolder[], head: { name: string; tensors: Tensors }, spec: BackboneSpec): PeftImport {
  const read = views.map((folder) => readFolder(folder, spec));
  const all = read.flatMap(({ parts }) => [...parts.values()].flat());
  const merged = read.map(({ parts }) => new Map([...parts].map(([map, list]) => [map, shareEqual(list)] as const)));
  const ranks = merged.flatMap((maps) => [...maps.values()].map((groups) => groups.reduce((sum, { rank }) => sum + rank, 0)));
  const rank = Math.max(...ranks);
  if (rank > MAX_RANK)
    throw new AnyMC3DError(
      "CONFIG_INVALID",
      `${views[0].name}: the merged LoRA has rank ${rank}, at most ${MAX_RANK} can be carried. Separate maps for query, key and value add their ranks up; train with a lower r.`,
    );
  const { scale } = all[0];
  const lora = { rank, ...alphaOf(read[0].config, rank, scale), ...adapted(merged, spec) };
  const tensors = new Map<string, Tensor>();
  merged.forEach((maps, v) => {
    for (const [map, size] of loraMaps(spec))
      if (isAdapted(lora, map, spec)) {
        const { a, b } = pair(maps.get(map) ?? [], size, rank, scale);
        tensors.set(`views.${v}.lora.${map}.A`, a).set(`views.${v}.lora.${map}.B`, b);
      }
  });
  addOthers(tensors, [...read.map(({ others }, v) => ({ name: views[v].name, view: v, tensors: others })), { ...head, view: 0 }]);
  return { lora, tensors, warnings: read.flatMap(({ parts }, v) => zeroWarning(views[v].name, parts)) };
}

/** What a file holds of pooling, fusion and head, for an adapter without LoRA: as `importPeft`, which needs no call of this. */
export function importHead(head: { name: string; tensors: Tensors }): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  addOthers(tensors, [{ ...head, view: 0 }]);
  return tensors;
}

const KEY = /^(.+)\.lora_([AB])(?:\.([^.]+))?\.weight$/;
const OTHERS = /^(?:(?:views\.\d+\.)?pool\.query|fusion\.query|head\.(?:weight|bias))$/;

type Pair = { A?: Tensor; B?: Tensor };

/** The file's tensors by adapted module; names of no known kind apart. */
function sortTensors({ name, tensors }: PeftFolder) {
  const modules = new Map<string, Pair>();
  const others = new Map<string, Tensor>();
  const unused: string[] = [];
  const adapters = new Set<string>();
  for (const [full, tensor] of tensors) {
    const bare = full.replace(/^base_model\.model\./, "");
    const [, module, side, adapter = ""] = KEY.exec(bare) ?? [];
    const known = module === undefined ? others.has(bare) : modules.get(module)?.[side as "A" | "B"] !== undefined;
    if (known)
      throw new AnyMC3DError("TENSORS_MISMATCH", `${name}: ${bare} is there twice, with and without a prefix or adapter name`, {
        details: { repeated: [bare] },
      });
    if (module !== undefined) {
      modules.set(module, { ...modules.get(module), [side]: tensor });
      adapters.add(adapter);
    } else if (OTHERS.test(bare)) others.set(bare, tensor);
    else unused.push(full);
  }
  if (adapters.size > 1)
    throw new AnyMC3DError("TENSORS_MISMATCH", `${name}: holds the adapters ${[...adapters].map((a) => `"${a}"`).join(", ")}; save one of them alone`, {
      details: { unexpected: [...adapters] },
    });
  return { modules, others, unused };
}

function readFolder(folder: PeftFolder, spec: BackboneSpec): View {
  const config = parsePeftConfig(folder.config, folder.name);
  const { modules, others, unused } = sortTensors(folder);
  const places = modulePlaces(spec, modules.keys(), (module) => isTargeted(config, module));
  const expected = [...places.keys()].filter((module) => isTargeted(config, module));
  const missing: string[] = [];
  const list = (module: string, side: "A" | "B") => `${module}.lora_${side}.weight`;
  for (const module of expected) for (const side of ["A", "B"] as const) if (!modules.get(module)?.[side]) missing.push(list(module, side));
  for (const [module, sides] of modules)
    if (!expected.includes(module)) for (const side of ["A", "B"] as const) if (sides[side]) unused.push(list(module, side));
  if (missing.length || unused.length || expected.length === 0) refuseTensors(folder.name, missing, unused);
  refuseEmptyTargets(folder.name, config, expected);
  const parts = new Map<string, Part[]>();
  const shapes: WrongShape[] = [];
  for (const module of expected) {
    const { map, third } = places.get(module) as { map: string; third?: number };
    const size = loraMaps(spec).get(map) as { in: number; out: number };
    const rows = third === undefined ? size.out : spec.width;
    const part = partOf(module, modules.get(module) as Required<Pair>, { in: size.in, rows, row: (third ?? 0) * spec.width }, config, shapes);
    parts.set(map, [...(parts.get(map) ?? []), part]);
  }
  if (shapes.length) {
    const faults = shapes.map(({ name, found, expected: right }) => `${name} is [${found}], expected [${right.join(", ")}]`);
    throw new AnyMC3DError("TENSORS_MISMATCH", `${folder.name}: ${some(faults)}. Was it trained on another backbone, or another config?`, {
      details: { shapes },
    });
  }
  return { config, parts, others };
}

function some(list: readonly string[]): string {
  return list.slice(0, 12).join(", ") + (list.length > 12 ? ` and ${list.length - 12} more` : "");
}

function refuseTensors(name: string, missing: readonly string[], unused: readonly string[]): never {
  throw new AnyMC3DError(
    "TENSORS_MISMATCH",
    `${name}: the tensors are not those that adapter_config.json implies on this backbone. Missing: ${some(missing) || "none"}. Unused: ${some(unused) || "none"}. ` +
      "Only the patch embedding, query, key, value (or qkv) and the attention's output projection can be adapted, under the names of transformers or timm, with or without base_model.model.; save the backbone's PEFT model with save_pretrained.",
    { details: { missing, unexpected: unused } },
  );
}

/** A target without a tensor: its weights were lost, or it never was a module. */
function refuseEmptyTargets(name: string, config: PeftConfig, expected: readonly string[]): void {
  if (typeof config.target_modules === "string") return;
  const empty = config.target_modules.filter((target) => !expected.some((module) => module === target || module.endsWith(`.${target}`)));
  if (empty.length === 0) return;
  throw new AnyMC3DError(
    "TENSORS_MISMATCH",
    `${name}: target_modules of adapter_config.json names ${empty.join(", ")}, but there is no tensor of it. Missing weights cannot be guessed; export again, or remove the name if the model has no such module.`,
    { details: { missing: empty } },
  );
}

type WrongShape = NonNullable<TensorDifference["shapes"]>[number];

/** Reads A [r, in] (or a convolution's [r, 3, p, p]) and B [rows, r] (or [rows, r, 1, 1]); says in `wrong` what does not fit. */
function partOf(module: string, { A, B }: Required<Pair>, size: { in: number; rows: number; row: number }, config: PeftConfig, wrong: WrongShape[]): Part {
  const { rank, scale } = rankAndScale(config, module);
  const fits = ({ shape, data }: Tensor, first: number, length: number) => shape[0] === first && data.length === length;
  if (!fits(A, rank, rank * size.in)) wrong.push({ name: `${module}.lora_A.weight`, found: A.shape, expected: [rank, size.in] });
  if (!fits(B, size.rows, size.rows * rank)) wrong.push({ name: `${module}.lora_B.weight`, found: B.shape, expected: [size.rows, rank] });
  return { rank, scale, row: size.row, rows: size.rows, a: A.data, b: B.data };
}

/** Parts of one map that share their A: together they need its rank once. */
interface Group {
  readonly rank: number;
  readonly a: Float32Array;
  readonly parts: readonly Part[];
}

function shareEqual(parts: readonly Part[]): Group[] {
  const groups: { rank: number; a: Float32Array; parts: Part[] }[] = [];
  for (const part of parts) {
    const same = groups.find(({ a }) => a.length === part.a.length && a.every((value, i) => value === part.a[i]));
    if (same) same.parts.push(part);
    else groups.push({ rank: part.rank, a: part.a, parts: [part] });
  }
  return groups;
}

/** alpha and its rule: as the config states them where they still hold, else the alpha that gives the scale at this rank. */
function alphaOf(config: PeftConfig, rank: number, scale: number): { alpha: number; rankStabilised: boolean } {
  const stated = config.lora_alpha / (config.use_rslora ? Math.sqrt(rank) : rank);
  return stated === scale ? { alpha: config.lora_alpha, rankStabilised: config.use_rslora } : { alpha: scale * rank, rankStabilised: false };
}

type Targets = Pick<PeftImport["lora"], "targets" | "lastBlocks">;

/** The smallest declaration that covers every adapted map of every view; what it covers in excess gets zeros. */
function adapted(views: readonly ReadonlyMap<string, unknown>[], spec: BackboneSpec): Targets {
  const places = views.flatMap((view) => [...view.keys()].map(loraMapPlace));
  const targets = (["patch", "qkv", "proj"] as const).filter((kind) => places.some((place) => place.kind === kind));
  const first = Math.min(...places.flatMap(({ kind, block }) => (kind === "patch" ? [] : [block])));
  return Number.isFinite(first) && first > 0 ? { targets, lastBlocks: spec.depth - first } : { targets };
}

function isAdapted({ targets, lastBlocks }: Targets, map: string, spec: BackboneSpec): boolean {
  const { kind, block } = loraMapPlace(map);
  return targets.includes(kind) && (kind === "patch" || block >= spec.depth - (lastBlocks ?? spec.depth));
}

/** A [rank, in] and B [out, rank] of a map: groups one after the other along the rank, B's rows where the parts lie, zeros elsewhere. */
function pair(groups: readonly Group[], size: { in: number; out: number }, rank: number, scale: number): { a: Tensor; b: Tensor } {
  const a = new Float32Array(rank * size.in);
  const b = new Float32Array(size.out * rank);
  let from = 0;
  for (const group of groups) {
    a.set(group.a, from * size.in);
    for (const part of group.parts) {
      const factor = part.scale / scale;
      for (let r = 0; r < part.rows; r++) for (let k = 0; k < part.rank; k++) b[(part.row + r) * rank + from + k] = factor * part.b[r * part.rank + k];
    }
    from += group.rank;
  }
  return { a: { shape: [rank, size.in], data: a }, b: { shape: [size.out, rank], data: b } };
}

/** Pooling, fusion and head under their full names; one that two files hold is refused. */
function addOthers(tensors: Map<string, Tensor>, files: readonly { name: string; view: number; tensors: Tensors }[]): void {
  for (const { name, view, tensors: held } of files)
    for (const [key, tensor] of held) {
      const full = key === "pool.query" ? `views.${view}.pool.query` : key;
      if (tensors.has(full))
        throw new AnyMC3DError("TENSORS_MISMATCH", `${name}: ${full} was given already by another file; remove one of the two`, {
          details: { repeated: [full] },
        });
      tensors.set(full, tensor);
    }
}

function zeroWarning(name: string, parts: ReadonlyMap<string, readonly Part[]>): Warning[] {
  if ([...parts.values()].flat().some(({ b }) => b.some((value) => value !== 0))) return [];
  return [{ code: "LORA_ZERO", message: `${name}: every lora_B is zero, so the backbone answers as if it were not adapted. Was it saved before training?` }];
}
