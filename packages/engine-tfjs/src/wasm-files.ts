// Where tfjs-wasm's binaries lie: installed package in Node, bundled assets or a folder of your own in browsers. Never a CDN.

import { AnyMC3DError } from "@anymc3d/core";
import * as tf from "@tensorflow/tfjs-core";
import { bundledFiles } from "./bundled-files.js";

/** A folder (URL or path) that holds the three .wasm files, or one URL for each file name. */
export type WasmPaths = string | Readonly<Record<string, string>>;

const WASM_FILES = ["tfjs-backend-wasm.wasm", "tfjs-backend-wasm-simd.wasm", "tfjs-backend-wasm-threaded-simd.wasm"] as const;

export const inNode = typeof process !== "undefined" && Boolean(process.versions?.node);

async function installedFolder(): Promise<string> {
  const { createRequire } = await import(/* @vite-ignore */ /* webpackIgnore: true */ "node:module");
  const manifest = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json");
  return manifest.replace(/package\.json$/, "dist/");
}

const inFolder = (folder: string): Record<string, string> => {
  const base = /[/\\]$/.test(folder) ? folder : `${folder}/`;
  return Object.fromEntries(WASM_FILES.map((file) => [file, base + file]));
};

async function nodePath(location: string): Promise<string> {
  return location.startsWith("file:") ? (await import(/* @vite-ignore */ /* webpackIgnore: true */ "node:url")).fileURLToPath(location) : location;
}

/** The address of every binary. In Node: file paths. */
export async function wasmFiles(paths?: WasmPaths): Promise<Record<string, string>> {
  const given = typeof paths === "string" ? inFolder(paths) : paths;
  if (given) checkComplete(given);
  if (!inNode) return { ...(given ?? bundledFiles()) };
  const files = given ?? inFolder(await installedFolder());
  return Object.fromEntries(await Promise.all(WASM_FILES.map(async (file) => [file, await nodePath(files[file])])));
}

function checkComplete(files: Readonly<Record<string, string>>): void {
  const missing = WASM_FILES.filter((file) => !files[file]);
  if (missing.length === 0) return;
  throw new AnyMC3DError("OPTION_INVALID", `option wasmPaths names no file for ${missing.join(", ")}; give all three, or one folder`);
}

/** The binary that tfjs-wasm is going to load here. */
async function chosenFile(): Promise<string> {
  const [simd, threads] = await Promise.all([tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"), tf.env().getAsync("WASM_HAS_MULTITHREAD_SUPPORT")]);
  return WASM_FILES[simd ? (threads ? 2 : 1) : 0];
}

/**
 * Looks at the first bytes of the binary before tfjs-wasm is told to load it: after a failure tfjs-wasm never answers again.
 * @throws AnyMC3DError `ASSET_INVALID` with the address, what was found there and the option to set
 */
export async function checkWasmFile(files: Readonly<Record<string, string>>): Promise<void> {
  const address = files[await chosenFile()];
  const { first, found, unreached } = await (inNode ? peekFile(address) : peekUrl(address));
  if (first && isWasm(first)) return;
  throw new AnyMC3DError(
    "ASSET_INVALID",
    `tfjs/wasm: ${address} is no WebAssembly file: ${found}. Serve the .wasm files of @tensorflow/tfjs-backend-wasm/dist and name their folder with the option wasmPaths.`,
    { details: { file: address, engine: "tfjs/wasm", reason: unreached ? "network" : "content" } },
  );
}

/** "\0asm" */
export function isWasm(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
}

interface Peek {
  readonly first?: Uint8Array;
  readonly found: string;
  readonly unreached?: true;
}

export async function peekUrl(url: string): Promise<Peek> {
  const response = await fetch(url).catch((reason: unknown) => String(reason));
  if (typeof response === "string") return { found: `it could not be reached (${response})`, unreached: true };
  const reader = response.body?.getReader();
  const first = (await reader?.read())?.value;
  void reader?.cancel().catch(() => undefined);
  const type = response.headers.get("content-type") ?? "none";
  return { first: response.ok ? first : undefined, found: `the server answered ${response.status} with content type ${type}` };
}

async function peekFile(path: string): Promise<Peek> {
  const { open } = await import(/* @vite-ignore */ /* webpackIgnore: true */ "node:fs/promises");
  const file = await open(path).catch((reason: unknown) => String(reason));
  if (typeof file === "string") return { found: file };
  const { buffer } = await file.read(new Uint8Array(4), 0, 4, 0).finally(() => file.close());
  return { first: buffer, found: "the file begins with other bytes" };
}

/** Whether a worker may be started from a blob: address here, which a Content-Security-Policy can forbid. */
export async function blobWorkersRun(): Promise<boolean> {
  const address = URL.createObjectURL(new Blob(["postMessage(true)"], { type: "text/javascript" }));
  try {
    const worker = new Worker(address);
    const runs = await new Promise<boolean>((resolve) => {
      worker.onmessage = () => resolve(true);
      worker.onerror = () => resolve(false);
      setTimeout(() => resolve(false), 10_000);
    });
    worker.terminate();
    return runs;
  } catch {
    return false;
  } finally {
    URL.revokeObjectURL(address);
  }
}
