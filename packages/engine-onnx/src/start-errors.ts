// Why a session did not start, in words that help.

import { AnyMC3DError, isAnyMC3DError } from "@anymc3d/core";
import { inNode } from "./runtime.js";

/** A folder's address with its slash. */
export const asFolder = (address: string): string => (address.endsWith("/") ? address : `${address}/`);

/** How browsers say, inside of ONNX Runtime's own words, that a file could not be fetched. */
const UNFETCHED = /failed to fetch|networkerror|load failed|importing a module|imported module/i;

/** The error to throw in the runtime's place: `ENGINE_UNAVAILABLE`, `ASSET_INVALID` or `OUT_OF_MEMORY`. */
export async function explainStart(error: unknown, id: string, wasmPaths: string | undefined): Promise<unknown> {
  if (isAnyMC3DError(error)) return error;
  const text = String(error);
  if (/Content Security Policy/i.test(text))
    return new AnyMC3DError("ENGINE_UNAVAILABLE", `${id}: the page's Content-Security-Policy forbids WebAssembly; add 'wasm-unsafe-eval' to script-src.`, {
      cause: error,
      details: { engine: id, reason: "policy" },
    });
  if (/magic word|fell off end|Incorrect response MIME|Failed to fetch dynamically imported|wasm.*(404|text\/html)/i.test(text)) {
    const found = wasmPaths ? await probe(new URL("ort-wasm-simd-threaded.wasm", new URL(asFolder(wasmPaths), globalThis.location?.href)).href) : "";
    return new AnyMC3DError(
      "ASSET_INVALID",
      `${id}: onnxruntime-web's .wasm file did not load${found}. Serve the files of onnxruntime-web/dist and name the folder with the option wasmPaths. Reason: ${text}`,
      { cause: error, details: { engine: id, reason: UNFETCHED.test(text) ? "network" : "content" } },
    );
  }
  if (/bad_alloc|out of memory|memory allocation|Array buffer allocation/i.test(text)) {
    return new AnyMC3DError("OUT_OF_MEMORY", `${id}: the backbone does not fit the memory of this device. Reason: ${text}`, { cause: error });
  }
  return new AnyMC3DError("ENGINE_UNAVAILABLE", `${id} could not start. Choose another device${inNode ? ", or run `anymc3d doctor`" : ""}. Reason: ${text}`, {
    cause: error,
    details: { engine: id, ...(UNFETCHED.test(text) && { reason: "network" }) },
  });
}

async function probe(url: string): Promise<string> {
  try {
    const response = await fetch(url, { method: "HEAD" });
    return `: ${url} answered ${response.status} ${response.headers.get("content-type") ?? "without content type"}`;
  } catch {
    return `: ${url} could not be reached`;
  }
}
