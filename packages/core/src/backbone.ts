// A backbone's spec and tensors: reading, checking that they fit each other, loading with its hash verified.

import * as z from "zod";
import { AnyMC3DError } from "./errors.js";
import { contentHash } from "./hash.js";
import { readSafetensors, toFloat32 } from "./safetensors.js";
import { faultsOf, fieldsOf, line, npmName, paragraphs } from "./schema-fields.js";
import type { Backbone, BackboneSpec, Tensor, Tensors } from "./types.js";

const triple = (each: z.ZodNumber) => z.tuple([each, each, each]);
const count = z.int().min(1).max(100_000);

const backboneSpecSchema = z.strictObject({
  family: z.enum(["dinov2", "dinov3", "vit"]),
  patch: count.max(64),
  width: count,
  depth: count.max(200),
  heads: count.max(512),
  mlp: z.strictObject({ kind: z.enum(["plain", "gated"]), activation: z.enum(["gelu", "silu"]), hidden: count }),
  layerScale: z.boolean(),
  registers: z.int().min(0).max(64),
  position: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("learned"), grid: z.tuple([count.max(1024), count.max(1024)]), antialias: z.boolean() }),
    z.strictObject({ kind: z.literal("rope"), theta: z.number().min(1).max(1e9) }),
  ]),
  normEps: z.number().positive().max(1),
  mean: triple(z.number().min(-1000).max(1000)),
  std: triple(z.number().min(1e-6).max(1000)),
});

/** `backbone.json`. */
export const backboneManifestSchema = z.strictObject({
  $schema: z.string().optional(),
  schemaVersion: z.literal(1),
  name: npmName,
  version: line,
  spec: backboneSpecSchema,
  hash: z.string().regex(/^sha256-[0-9a-f]{64}$/),
  parameters: z.int().positive(),
  source: paragraphs,
  license: line,
  selfTest: z.strictObject({ seed: z.int(), plain: z.array(z.number()), lora: z.array(z.number()), madeBy: line }).optional(),
});

/** backbone.json, checked: name, spec, content hash, self-test. */
export type BackboneManifest = z.infer<typeof backboneManifestSchema>;

/** Every tensor that a spec implies, with its shape. */
export function backboneShapes(spec: BackboneSpec): Map<string, number[]> {
  const { width: D, depth, mlp } = spec;
  const shapes = new Map<string, number[]>();
  shapes
    .set("patch.weight", [D, 3 * spec.patch * spec.patch])
    .set("patch.bias", [D])
    .set("cls", [D]);
  if (spec.registers) shapes.set("registers", [spec.registers, D]);
  if (spec.position.kind === "learned") shapes.set("position", [1 + spec.position.grid[0] * spec.position.grid[1], D]);
  const fc1 = mlp.kind === "gated" ? 2 * mlp.hidden : mlp.hidden;
  for (let i = 0; i < depth; i++) {
    const block = `blocks.${i}`;
    shapes.set(`${block}.norm1.weight`, [D]).set(`${block}.norm1.bias`, [D]);
    shapes.set(`${block}.qkv.weight`, [3 * D, D]).set(`${block}.qkv.bias`, [3 * D]);
    shapes.set(`${block}.proj.weight`, [D, D]).set(`${block}.proj.bias`, [D]);
    shapes.set(`${block}.norm2.weight`, [D]).set(`${block}.norm2.bias`, [D]);
    shapes.set(`${block}.fc1.weight`, [fc1, D]).set(`${block}.fc1.bias`, [fc1]);
    shapes.set(`${block}.fc2.weight`, [D, mlp.hidden]).set(`${block}.fc2.bias`, [D]);
    if (spec.layerScale) shapes.set(`${block}.scale1`, [D]).set(`${block}.scale2`, [D]);
  }
  return shapes.set("norm.weight", [D]).set("norm.bias", [D]);
}

/**
 * Refuses tensors that are missing, extra or of another shape than expected, listing all of them.
 * @throws AnyMC3DError `TENSORS_MISMATCH`
 */
export function checkTensors(what: string, tensors: ReadonlyMap<string, { shape: readonly number[] }>, expected: ReadonlyMap<string, readonly number[]>): void {
  const missing = [...expected.keys()].filter((name) => !tensors.has(name));
  const unexpected = [...tensors.keys()].filter((name) => !expected.has(name));
  const shapes = [...expected].flatMap(([name, shape]) => {
    const found = tensors.get(name)?.shape;
    return found && found.join() !== shape.join() ? [{ name, found, expected: shape }] : [];
  });
  const faults = [
    ...missing.map((name) => `missing ${name} [${expected.get(name)}]`),
    ...shapes.map(({ name, found, expected: shape }) => `${name} is [${found}], expected [${shape}]`),
    ...unexpected.map((name) => `unused ${name}`),
  ];
  if (faults.length === 0) return;
  const shown = faults.slice(0, 12).join("; ") + (faults.length > 12 ? `; and ${faults.length - 12} more` : "");
  throw new AnyMC3DError("TENSORS_MISMATCH", `${what}: the tensors are not those its manifest implies: ${shown}. Export it again, or mend the manifest.`, {
    details: { missing, unexpected, shapes },
  });
}

/** @throws AnyMC3DError `BACKBONE_INVALID` */
export function parseBackboneManifest(json: unknown, name = "backbone.json"): BackboneManifest {
  const parsed = backboneManifestSchema.safeParse(json);
  if (!parsed.success)
    throw new AnyMC3DError("BACKBONE_INVALID", `${name}: ${faultsOf(parsed.error)}`, { details: { file: name, fields: fieldsOf(parsed.error) } });
  const { spec } = parsed.data;
  if (spec.width % spec.heads !== 0) {
    throw new AnyMC3DError("BACKBONE_INVALID", `${name}: width ${spec.width} is not divisible by ${spec.heads} heads`, {
      details: { file: name, fields: ["spec.width", "spec.heads"] },
    });
  }
  return parsed.data;
}

/**
 * Reads a backbone from its two files and verifies the content hash that its manifest states.
 * @throws AnyMC3DError `BACKBONE_INVALID`, `SAFETENSORS_INVALID`, `TENSORS_MISMATCH`, `BACKBONE_MISMATCH`
 */
export async function loadBackbone(manifestJson: unknown, weights: Uint8Array): Promise<Backbone> {
  const manifest = parseBackboneManifest(manifestJson);
  const raw = readSafetensors(weights, `${manifest.name} weights`);
  checkTensors(`backbone ${manifest.name}`, raw, backboneShapes(manifest.spec));
  const hash = await contentHash(raw);
  if (hash !== manifest.hash) {
    throw new AnyMC3DError(
      "BACKBONE_MISMATCH",
      `backbone ${manifest.name}: the weights' content hash is ${hash}, its manifest states ${manifest.hash}. The file was changed or damaged; install the package again.`,
      { details: { backbone: manifest.name, expected: manifest.hash, found: hash } },
    );
  }
  const tensors = new Map<string, Tensor>();
  for (const [key, tensor] of raw) tensors.set(key, { shape: tensor.shape, data: toFloat32(tensor) });
  return { name: manifest.name, version: manifest.version, hash, spec: manifest.spec, tensors, selfTest: manifest.selfTest };
}

/** A tensor that must be there. */
export function tensorOf(tensors: Tensors, name: string): Tensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new AnyMC3DError("TENSORS_MISMATCH", `tensor ${name} is missing`, { details: { missing: [name] } });
  return tensor;
}
