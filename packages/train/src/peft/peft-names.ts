// Names of the adaptable modules in the vision transformers of transformers (4 and 5), timm and DINOv2's own repository → our maps.

import type { BackboneSpec } from "@anymc3d/core";

/** Where a module lies: one of our maps, and of a fused qkv which third (0 query, 1 key, 2 value; absent: all of it). */
export interface Place {
  readonly map: string;
  readonly third?: 0 | 1 | 2;
}

interface Style {
  readonly patch: string;
  /** `N` stands for the block's number. */
  readonly block: string;
  /** Query, key, value; or the one fused map. */
  readonly qkv: readonly string[];
  readonly proj: string;
}

const SPLIT = { qkv: ["attention.q_proj", "attention.k_proj", "attention.v_proj"], proj: "attention.o_proj" };
const CONVOLUTION = "embeddings.patch_embeddings.projection";

const STYLES: readonly Style[] = [
  // transformers 5: DINOv2 with and without registers; ViT; DINOv3 ViT
  { patch: CONVOLUTION, block: "encoder.layer.N", ...SPLIT },
  { patch: CONVOLUTION, block: "layers.N", ...SPLIT },
  { patch: "embeddings.patch_embeddings", block: "model.layer.N", ...SPLIT },
  // transformers 4: DINOv2 with and without registers, ViT; DINOv3 ViT
  {
    patch: CONVOLUTION,
    block: "encoder.layer.N",
    qkv: ["attention.attention.query", "attention.attention.key", "attention.attention.value"],
    proj: "attention.output.dense",
  },
  { patch: "embeddings.patch_embeddings", block: "layer.N", ...SPLIT },
  // timm, and the repositories of DINOv2 and DINOv3
  { patch: "patch_embed.proj", block: "blocks.N", qkv: ["attn.qkv"], proj: "attn.proj" },
];

/** What may stand before a backbone's own names: the attribute that holds it in a larger module, or a wrapper's. */
const WRAPPERS = /^(?:(?:model|module|backbone|encoder|_orig_mod|dinov2|dinov2_with_registers|dinov3_vit|vit)\.)/;

/** "", and every beginning of the name that consists of wrappers. */
function wrappersOf(module: string): string[] {
  const found = [""];
  for (let rest = module, match = WRAPPERS.exec(rest); match; match = WRAPPERS.exec(rest)) {
    found.push(found[found.length - 1] + match[0]);
    rest = rest.slice(match[0].length);
  }
  return found;
}

function placesIn(spec: BackboneSpec, style: Style, wrapper: string): Map<string, Place> {
  const places = new Map<string, Place>([[wrapper + style.patch, { map: "patch" }]]);
  for (let i = 0; i < spec.depth; i++) {
    const block = `${wrapper}${style.block.replace("N", String(i))}`;
    style.qkv.forEach((name, third) =>
      places.set(`${block}.${name}`, { map: `blocks.${i}.qkv`, ...(style.qkv.length === 3 && { third: third as 0 | 1 | 2 }) }),
    );
    places.set(`${block}.${style.proj}`, { map: `blocks.${i}.proj` });
  }
  return places;
}

/**
 * The adaptable modules of the model that an adapter was made on, by the names it uses.
 * @param modules names of the adapted modules; those of another naming, or of maps that cannot be adapted, are no key of the result
 * @param isTargeted decides between namings that explain as many of the modules: the one with more targeted modules
 */
export function modulePlaces(spec: BackboneSpec, modules: Iterable<string>, isTargeted: (module: string) => boolean): Map<string, Place> {
  const given = [...modules];
  const wrappers = [...new Set(["", ...given.flatMap(wrappersOf)])];
  let best = { places: new Map<string, Place>(), explained: -1, targeted: -1 };
  for (const style of STYLES) {
    for (const wrapper of wrappers) {
      const places = placesIn(spec, style, wrapper);
      const explained = given.filter((module) => places.has(module)).length;
      if (explained < best.explained) continue;
      const targeted = [...places.keys()].filter(isTargeted).length;
      if (explained > best.explained || targeted > best.targeted) best = { places, explained, targeted };
    }
  }
  return best.places;
}
