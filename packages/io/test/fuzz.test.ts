// Mutated files of every format: an AnyMC3DError or a volume that fits its shape, soon, in bounded memory. FUZZ=10000 for the whole.
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readNifti } from "../src/index.js";
import { nifti } from "./build.js";
import { fuzz, MAX_BYTES, mutated, ROUNDS } from "./mutate.js";

const limits = { maxBytes: MAX_BYTES };
/** Milliseconds for all rounds of one format. */
const TIME = 60_000 + 20 * ROUNDS;

describe("mutated files", () => {
  it("are the same for the same numbers", () => {
    const seeds = [nifti(), gzipSync(nifti())];
    for (let round = 0; round < 40; round++) expect(mutated(seeds, 3, round)).toEqual(mutated(seeds, 3, round));
    expect(mutated(seeds, 3, 0)).not.toEqual(mutated(seeds, 4, 0));
  });

  it(
    "NIfTI",
    async () => {
      const kinds = [nifti(), nifti({ version: 2, little: false }), nifti({ dims: [2, 2, 2, 3] }), nifti({ sform: 0, qform: 1, slope: 2 })];
      const seen = await fuzz({
        name: "NIfTI",
        seeds: [...kinds, ...kinds.map((bytes) => gzipSync(bytes))],
        read: (bytes) => readNifti(bytes, { frame: 0, ...limits }),
      });
      for (const code of ["volume", "FORMAT_UNKNOWN", "FORMAT_INVALID", "FILE_TRUNCATED"]) expect(seen.get(code), code).toBeGreaterThan(0);
    },
    TIME,
  );
});
