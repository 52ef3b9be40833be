// PEFT's adapter_config.json: which modules it adapts, with which rank and scale. What would change the maths otherwise is refused by name.

import { AnyMC3DError } from "@anymc3d/core";
import * as z from "zod";

const names = z.array(z.string());

/** The fields that are read. `init_lora_weights`: only those that leave the base weights as they were. */
const fields = {
  peft_type: z.literal("LORA"),
  r: z.int().min(1),
  lora_alpha: z.number().positive(),
  use_rslora: z.boolean().default(false),
  target_modules: z.union([z.string(), names.min(1)]),
  exclude_modules: z.union([z.string(), names]).nullish(),
  layers_to_transform: z.union([z.int(), z.array(z.int())]).nullish(),
  layers_pattern: z.union([z.string(), names]).nullish(),
  rank_pattern: z.record(z.string(), z.int().min(1)).nullish(),
  alpha_pattern: z.record(z.string(), z.number().positive()).nullish(),
  bias: z.literal("none").default("none"),
  init_lora_weights: z
    .union([z.boolean(), z.enum(["gaussian", "orthogonal", "eva"])], {
      error:
        "an initialisation that may change the base weights; convert the adapter to plain LoRA with path_initial_model_for_weight_conversion of save_pretrained",
    })
    .default(true),
  /** Kept whole in the folder's file: only what an adapter here has a place for. */
  modules_to_save: z.array(z.enum(["head", "pool", "fusion"])).nullish(),
};

/** Fields that say where the adapter came from or how it was trained, not what it computes. */
const HARMLESS = new Set([
  "task_type",
  "auto_mapping",
  "peft_version",
  "base_model_name_or_path",
  "revision",
  "inference_mode",
  "lora_dropout",
  "megatron_core",
  "qalora_group_size",
  "eva_config",
  "runtime_config",
]);

export type PeftConfig = z.infer<z.ZodObject<typeof fields>>;

/** null, false, "" and empty lists and objects: a feature that is not used. */
function isOff(value: unknown): boolean {
  return value === null || value === false || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
}

/**
 * Checks an adapter_config.json.
 * @param name the folder, for messages
 * @throws AnyMC3DError `CONFIG_INVALID`, naming every field at fault
 */
export function parsePeftConfig(json: unknown, name: string): PeftConfig {
  const parsed = z.looseObject(fields).safeParse(json);
  const faults = parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join(".") || "the file"}: ${found(json, path)}${message}`);
  if (parsed.success && parsed.data.target_modules === "all-linear")
    faults.push('target_modules is "all-linear": list the attention\'s maps instead; the MLP cannot be adapted here');
  if (typeof json === "object" && json !== null) {
    for (const [field, value] of Object.entries(json))
      if (!Object.hasOwn(fields, field) && !HARMLESS.has(field) && !isOff(value))
        faults.push(`${field} is ${short(value)}: it may change what the adapter computes, and is not supported`);
  }
  if (!parsed.success || faults.length)
    throw new AnyMC3DError(
      "CONFIG_INVALID",
      `${name}/adapter_config.json: ${faults.join("; ")}. Importable is plain LoRA on the attention's and the patch embedding's linear maps.`,
    );
  return parsed.data;
}

const short = (value: unknown): string => JSON.stringify(value)?.slice(0, 60) ?? "undefined";

function found(json: unknown, path: readonly PropertyKey[]): string {
  const value = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], json);
  return value === undefined ? "" : `is ${short(value)}, `;
}

/** A Python pattern as a JavaScript one; the two differ in named groups and `\Z` only, as far as module names go. */
function pattern(python: string, before: string, field: string): RegExp {
  try {
    return new RegExp(`^${before}(?:${python.replaceAll("(?P<", "(?<").replaceAll("\\Z", "$")})$`);
  } catch (cause) {
    throw new AnyMC3DError(
      "CONFIG_INVALID",
      `adapter_config.json: ${field} holds the pattern ${short(python)}, which cannot be read; list the modules' names`,
      {
        cause,
      },
    );
  }
}

const isNamed = (module: string, list: readonly string[]) => list.some((name) => module === name || module.endsWith(`.${name}`));

/** Whether a config adapts a module, by PEFT's own rules (`check_target_module_exists` of peft.tuners.tuners_utils). */
export function isTargeted(config: PeftConfig, module: string): boolean {
  const { target_modules: targets, exclude_modules: excluded } = config;
  if (excluded && (typeof excluded === "string" ? pattern(excluded, "", "exclude_modules").test(module) : isNamed(module, excluded))) return false;
  if (typeof targets === "string") return pattern(targets, "", "target_modules").test(module);
  return targets.includes(module) || (isNamed(module, targets) && inLayers(config, module));
}

function inLayers({ layers_to_transform: layers, layers_pattern: within }: PeftConfig, module: string): boolean {
  const wanted = typeof layers === "number" ? [layers] : (layers ?? []);
  if (wanted.length === 0) return true;
  const patterns = typeof within === "string" ? [within] : (within ?? []);
  const before = patterns.filter(Boolean).map((name) => pattern(`${name}\\.(\\d+)\\..*`, "(?:.*?\\.)?", "layers_pattern"));
  const places = before.length ? before : [/^.*?\.[^.]*\.(\d+)\./];
  const index = places.map((place) => place.exec(module)?.at(-1)).find((text) => text !== undefined);
  return index !== undefined && wanted.includes(Number(index));
}

/**
 * The rank and the factor of B·A that a config gives a module: alpha/r, or alpha/√r with `use_rslora` (Kalajdzievski, arXiv:2312.03732);
 * `rank_pattern` and `alpha_pattern` by PEFT's rule, the first pattern that matches the end of the module's name.
 */
export function rankAndScale(config: PeftConfig, module: string): { rank: number; scale: number } {
  const rank = byPattern(config.rank_pattern, module, "rank_pattern") ?? config.r;
  const alpha = byPattern(config.alpha_pattern, module, "alpha_pattern") ?? config.lora_alpha;
  return { rank, scale: alpha / (config.use_rslora ? Math.sqrt(rank) : rank) };
}

function byPattern(patterns: Record<string, number> | null | undefined, module: string, field: string): number | undefined {
  const key = Object.keys(patterns ?? {}).find((one) => pattern(one, "(?:.*\\.)?", field).test(module));
  return key === undefined ? undefined : patterns?.[key];
}
