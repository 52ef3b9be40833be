// What the page of chromium.browser.test.ts brings along: reading volumes from Files, by the build for browsers, as a bundler takes it.
import { type ReadOptions, readVolume } from "@anymc3d/io";

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
      const { data, shape, affine } = await readVolume(given.length === 1 ? given[0] : given, options);
      return { shape, affine, sha256: await sha256(Float32Array.from(data).buffer), ...(data.length < SMALL && { data: [...data] }) };
    } catch (error) {
      return { code: (error as { code?: string }).code, message: (error as Error).message };
    }
  },
};

export const create = () => undefined;
