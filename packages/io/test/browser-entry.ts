// What the page of chromium.browser.test.ts brings along: reading volumes from Files, by the build for browsers, as a bundler takes it.
import { maskOf, type ReadOptions, readRegions, readVolume } from "@anymc3d/io";

async function sha256(bytes: ArrayBuffer): Promise<string> {
  return [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Voxels of a volume that is handed out whole. */
const SMALL = 1000;

export const pageTools = {
  /** @param files name and content in base64 */
  async read(files: readonly (readonly [name: string, base64: string])[], options: ReadOptions = {}) {
    const given = files.map(([name, base64]) => new File([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], name));
    try {
      const { data, shape, affine, noData, labels } = await readVolume(given.length === 1 ? given[0] : given, options);
      const small = data.length < SMALL && { data: [...data], ...(noData && { noData: [...noData] }) };
      return { shape, affine, sha256: await sha256(Float32Array.from(data).buffer), ...(labels && { labels }), ...small };
    } catch (error) {
      return { code: (error as { code?: string }).code, message: (error as Error).message };
    }
  },
  /** Names, places and voxels of the regions in a file. @param grid that contours become a mask on */
  async regions(name: string, base64: string, grid?: { shape: readonly [number, number, number]; affine: readonly number[] }) {
    const { kind, regions } = await readRegions(new File([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], name));
    return {
      kind,
      regions: regions.map((region) => ({
        name: region.name,
        point: region.point,
        code: region.error?.code,
        count: region.mask || (grid && region.contours) ? [...maskOf(region, grid ?? { shape: [1, 1, 1] }).data].filter(Boolean).length : undefined,
      })),
    };
  },
};

export const create = () => undefined;
