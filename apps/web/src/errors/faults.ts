// What goes wrong with the page's own parts and with registries, in words for people who use the page.

import { AnyMC3DError, isAbortError } from "@anymc3d/core";
import { forgetDamaged, megabytes, missingParts, type Part } from "../offline/offline.js";

/** After these a stored part of the page may be the fault. */
const SUSPECT = new Set([
  "ASSET_INVALID",
  "SAFETENSORS_INVALID",
  "TENSORS_MISMATCH",
  "BACKBONE_INVALID",
  "BACKBONE_MISMATCH",
  "MANIFEST_INVALID",
  "ENGINE_SELF_TEST",
  "ENGINE_UNAVAILABLE",
]);
/** How browsers and libraries say that something could not be fetched. */
const UNFETCHED = /failed to fetch|could not be fetched|networkerror|load failed|importing a module|imported module|decoder could not be loaded/i;

export interface Fault {
  readonly code: string;
  readonly message: string;
}

/** An error in words; where a stored part was damaged, it is let go of. */
export async function faultOf(error: unknown): Promise<Fault> {
  const { code = "UNEXPECTED", message } = error as { code?: string; message: string };
  if (code.startsWith("REGISTRY_")) return { code, message };
  if (UNFETCHED.test(message)) return { code: "PART_MISSING", message: unfetched(message, await missingParts()) };
  const damaged = SUSPECT.has(code) ? await forgetDamaged() : [];
  if (damaged.length === 0) return { code, message };
  return { code: "PART_DAMAGED", message: `What this page had stored of ${listed(damaged)} was damaged. It is fetched anew: try again. (${message})` };
}

function unfetched(message: string, missing: readonly Part[]): string {
  const named = missing.filter(({ path, what }) => message.includes(path) || message.toLowerCase().replace("jpeg-2000", "jpeg 2000").includes(what));
  const about = named.length > 0 ? named : missing.filter(({ later }) => later);
  const what = about.length > 0 ? listed(about) : "a part of this page";
  const are = about.length > 1 ? "were" : "was";
  if (!navigator.onLine) return `You are offline, and ${what} ${are} not stored yet. With a network it is fetched once, and stays.`;
  return `${what[0].toUpperCase()}${what.slice(1)} could not be fetched. Is the network there? Try again; if it stays, tell who runs this page.`;
}

/** As "the backbone (44 MB) and the engine (14 MB)". */
export function listed(some: readonly Part[]): string {
  const sizes = new Map<string, number>();
  for (const { what, bytes } of some) sizes.set(what, (sizes.get(what) ?? 0) + bytes);
  const texts = [...sizes].map(([what, bytes]) => `${what} (${megabytes(bytes)})`);
  return new Intl.ListFormat("en-GB").format(texts);
}

/** Faults of a package that only its author can mend. */
const AUTHORS = new Set(["MANIFEST_INVALID", "SAFETENSORS_INVALID", "TENSORS_MISMATCH", "LORA_SHAPE", "PACKAGE_INVALID", "CONFORMANCE_FAILED"]);

/** An error of asking a registry, in words. @param spec the adapter that was asked for; undefined: a search */
export function registryFault(error: unknown, host: string, spec?: string): unknown {
  if (isAbortError(error)) return error;
  const { code = "REGISTRY_FAULT", name, message } = error as { code?: string; name?: string; message: string };
  const told = (words: string) => new AnyMC3DError(code as AnyMC3DError["code"], words, { cause: error });
  if (name === "TimeoutError") return new AnyMC3DError("REGISTRY_UNREACHABLE", `${host} did not answer in time. Try again.`, { cause: error });
  switch (code) {
    case "REGISTRY_UNREACHABLE":
      return told(
        navigator.onLine
          ? `${host} does not answer. Is the address right, the registry running, and may pages like this one ask it?`
          : `You are offline, and ${spec ? `${spec} is` : "a registry's list is"} not stored on this device.`,
      );
    case "PACKAGE_NOT_FOUND":
      return told(spec ? `${host} has no adapter called ${spec}.` : `${host} cannot be searched. Is it a registry?`);
    case "VERSION_NOT_FOUND":
      return told(`${host} has no such version: ${spec}.`);
    case "ACCESS_DENIED":
      return told(`${host} asks for a login, which this page cannot give.`);
    case "ASSET_INVALID":
      return told(`${host} answers, but not as a registry does. Is the address right?`);
    case "INTEGRITY_MISMATCH":
    case "SIGNATURE_INVALID":
      return told(`What ${host} sent as ${spec} is not what its author published. Nothing of it was used; try again, and tell who runs the registry.`);
    case "FILE_TOO_LARGE":
      return told(`${spec} is larger than this page takes.`);
    default:
      return AUTHORS.has(code) ? told(`${spec} cannot be used: it is not put together as it should be. Tell its author. (${message})`) : error;
  }
}
