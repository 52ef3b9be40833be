// The shipped backbone: its hash by another program, its rounding by numpy, and what is refused.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { loadBackbone } from "@anymc3d/core";
import { backboneShapes, contentHash, parseBackboneManifest, readSafetensors, sha256 } from "@anymc3d/core/engine";
import { type Loose, reference, refusal } from "@anymc3d/testkit/expectations";
import { describe, expect, test } from "vitest";

const folder = fileURLToPath(new URL("../../backbone-dinov2-small", import.meta.url));
const weights = await readFile(`${folder}/weights.safetensors`);
const text = await readFile(`${folder}/backbone.json`, "utf8");
const manifest = (change: (m: Loose) => void = () => {}) => {
  const json = JSON.parse(text);
  change(json);
  return json;
};
const wanted = reference<{ contentHash: string; float16: Record<string, string> }>("hashes");

test("SHA-256 of the empty string and of abc (FIPS 180-4)", async () => {
  expect(await sha256(new Uint8Array(0))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(await sha256(new TextEncoder().encode("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

describe("content hash", () => {
  test("equals hashlib's by the documented recipe, and the one in backbone.json", async () => {
    const hash = await contentHash(readSafetensors(weights));
    expect(hash).toBe(wanted.contentHash);
    expect(hash).toBe(manifest().hash);
  });

  test("depends on name, dtype, shape and bytes, not on the order in the file", async () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    const a = { dtype: "F32", shape: [1], bytes } as const;
    const hash = (entries: [string, Loose][]) => contentHash(new Map(entries));
    const base = await hash([
      ["a", a],
      ["b", a],
    ]);
    const line = (name: string) => `${name} F32 1 ${createHash("sha256").update(bytes).digest("hex")}\n`;
    expect(base).toBe(
      `sha256-${createHash("sha256")
        .update(line("a") + line("b"))
        .digest("hex")}`,
    );
    expect(
      await hash([
        ["b", a],
        ["a", a],
      ]),
    ).toBe(base);
    for (const other of [
      { ...a, dtype: "BF16" },
      { ...a, shape: [1, 1] },
      { ...a, bytes: Uint8Array.of(1, 2, 3, 5) },
    ]) {
      expect(
        await hash([
          ["a", a],
          ["b", other],
        ]),
      ).not.toBe(base);
    }
    expect(
      await hash([
        ["a", a],
        ["c", a],
      ]),
    ).not.toBe(base);
  });
});

test("the weights are numpy's float16 rounding of the fp32 checkpoint", () => {
  const tensors = readSafetensors(weights);
  const found = Object.keys(wanted.float16).map((name) => [
    name,
    createHash("sha256")
      .update(tensors.get(name)?.bytes ?? "")
      .digest("hex"),
  ]);
  expect(Object.fromEntries(found)).toEqual(wanted.float16);
});

describe("loading", () => {
  test("gives every tensor of the spec, 22,056,192 parameters", async () => {
    const backbone = await loadBackbone(manifest(), weights);
    expect([...backbone.tensors.values()].reduce((sum, { data }) => sum + data.length, 0)).toBe(22_056_192);
    expect(backbone.tensors.get("position")?.shape).toEqual([1 + 37 * 37, 384]);
  });

  test("a flipped byte is refused: BACKBONE_MISMATCH with both hashes", async () => {
    const damaged = Buffer.from(weights);
    damaged[damaged.length - 5] ^= 1;
    const error = await refusal(() => loadBackbone(manifest(), damaged));
    expect(error.code).toBe("BACKBONE_MISMATCH");
    expect(error.message).toContain(manifest().hash);
    expect(error.details).toEqual({ backbone: manifest().name, expected: manifest().hash, found: expect.stringMatching(/^sha256-[0-9a-f]{64}$/) });
  });

  test("another hash in the manifest is refused", async () => {
    expect(
      (
        await refusal(() =>
          loadBackbone(
            manifest((m) => {
              m.hash = `sha256-${"0".repeat(64)}`;
            }),
            weights,
          ),
        )
      ).code,
    ).toBe("BACKBONE_MISMATCH");
  });

  test("a spec the tensors do not fit is refused with the tensors' names", async () => {
    const error = await refusal(() =>
      loadBackbone(
        manifest((m) => {
          m.spec.registers = 4;
          m.spec.position.grid = [36, 37];
        }),
        weights,
      ),
    );
    expect(error.code).toBe("TENSORS_MISMATCH");
    expect(error.message).toMatch(/missing registers \[4,384\]/);
    expect(error.message).toMatch(/position is \[1370,384\], expected \[1333,384\]/);
  });

  test("a truncated download is refused", async () => {
    expect((await refusal(() => loadBackbone(manifest(), weights.subarray(0, 1_000_000)))).code).toBe("SAFETENSORS_INVALID");
  });
});

describe("backbone.json", () => {
  const cases: [string, (m: Loose) => void, RegExp][] = [
    [
      "unknown key",
      (m) => {
        m.spec.dropout = 0;
      },
      /dropout/,
    ],
    [
      "width not divisible by heads",
      (m) => {
        m.spec.heads = 7;
      },
      /384.*7/,
    ],
    [
      "patch of 0",
      (m) => {
        m.spec.patch = 0;
      },
      /patch/,
    ],
    [
      "endless depth",
      (m) => {
        m.spec.depth = 1e9;
      },
      /depth/,
    ],
    [
      "hash in another form",
      (m) => {
        m.hash = "md5-1";
      },
      /hash/,
    ],
    [
      "other schema version",
      (m) => {
        m.schemaVersion = 2;
      },
      /schemaVersion/,
    ],
  ];
  test.each(cases)("%s is BACKBONE_INVALID", async (_, change, message) => {
    const error = await refusal(() => parseBackboneManifest(manifest(change)));
    expect(error.code).toBe("BACKBONE_INVALID");
    expect(error.message).toMatch(message);
  });

  test("the parameter count of the spec is that of DINOv2 ViT-S/14 without mask token", () => {
    const total = [...backboneShapes(manifest().spec).values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(total).toBe(22_056_576 - 384);
  });
});
