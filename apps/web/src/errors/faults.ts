// What goes wrong with the page's own parts and with registries, in words for people who use the page.

import {
  AnyMC3DError,
  ERRORS,
  type ErrorCode,
  type ErrorEntry,
  isAbortError,
  isAnyMC3DError,
  type MissingOption,
  reworded,
  type Unfetched,
} from "@anymc3d/core/errors";
import { forgetDamaged, megabytes, missingParts, type Part } from "../offline/offline.js";
import { addressIn, isUnfetched } from "./browser-texts.js";

export interface Fault {
  /** A code of the table, or one of the page's own: a part of it is missing or damaged, or it failed in a way that nobody foresaw. */
  readonly code: ErrorCode | "PART_MISSING" | "PART_DAMAGED" | "UNEXPECTED";
  readonly message: string;
  /** What the reader has to be told. */
  readonly asks?: MissingOption;
}

const entryOf = (code: ErrorCode): ErrorEntry => ERRORS[code];

/** An error in words; where a stored part was damaged, it is let go of. */
export async function faultOf(error: unknown): Promise<Fault> {
  const message = error instanceof Error ? error.message : String(error);
  const lost = lostPart(error);
  if (lost) return { code: "PART_MISSING", message: unfetched(lost, await missingParts()) };
  if (!isAnyMC3DError(error)) return { code: "UNEXPECTED", message };
  const { code } = error;
  const { action } = entryOf(code);
  const damaged = action === "refetch" ? await forgetDamaged() : [];
  if (damaged.length > 0)
    return { code: "PART_DAMAGED", message: `What this page had stored of ${listed(damaged)} was damaged. It is fetched anew: try again. (${message})` };
  return { code, message, ...(action === "choose" && { asks: error.details as MissingOption | undefined }) };
}

/** Whether the same once more may go well. */
export const mayGoWell = ({ code }: Pick<Fault, "code">): boolean =>
  code === "PART_MISSING" || code === "PART_DAMAGED" || (code !== "UNEXPECTED" && entryOf(code).action === "retry");

/** What is known of a part that did not come: its address, or what it is for. */
interface Lost {
  readonly file?: string;
  readonly role?: string;
}

/** Which part of the page an error says could not be fetched; undefined for errors that say something else. */
function lostPart(error: unknown): Lost | undefined {
  if (!isAnyMC3DError(error)) return isUnfetched(error) ? { file: addressIn(error) } : undefined;
  if (isAnyMC3DError(error, "FILE_UNREADABLE") && error.details?.reason === "network") return { file: error.details.file };
  if (isAnyMC3DError(error, "ASSET_INVALID")) {
    const { file, reason, decoder, engine } = error.details ?? ({} as Partial<Unfetched> & { decoder?: string; engine?: string });
    if (decoder || reason === "network") return { file, role: decoder ?? engine };
  }
  if (isAnyMC3DError(error, "ENGINE_UNAVAILABLE") && error.details) {
    const { engine, reason, tried = [] } = error.details;
    const lost = [{ engine, reason }, ...tried].find((one) => one.reason === "network");
    if (lost) return { role: lost.engine };
  }
  return undefined;
}

function unfetched({ file, role }: Lost, missing: readonly Part[]): string {
  const named = missing.filter((part) => file?.endsWith(part.path) || (part.role !== undefined && role?.startsWith(part.role)));
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

/** An error of asking a registry, in words. @param spec the adapter that was asked for; undefined: a search */
export function registryFault(error: unknown, host: string, spec?: string): unknown {
  if (isAbortError(error)) return error;
  if (error instanceof Error && error.name === "TimeoutError")
    return new AnyMC3DError("REGISTRY_UNREACHABLE", `${host} did not answer in time. Try again.`, { cause: error, details: { reason: "timeout" } });
  if (!isAnyMC3DError(error)) return error;
  const words = registryWords(error, host, spec);
  return words === undefined ? error : reworded(error, words);
}

function registryWords(error: AnyMC3DError, host: string, spec: string | undefined): string | undefined {
  const { code, message } = error;
  // What only its author can mend.
  const notUsable = `${spec} cannot be used: it is not put together as it should be. Tell its author. (${message})`;
  if (isAnyMC3DError(error, "INTEGRITY_MISMATCH") && error.details?.of === "weights") return notUsable;
  switch (code) {
    case "REGISTRY_UNREACHABLE":
      return navigator.onLine
        ? `${host} does not answer. Is the address right, the registry running, and may pages like this one ask it?`
        : `You are offline, and ${spec ? `${spec} is` : "a registry's list is"} not stored on this device.`;
    case "PACKAGE_NOT_FOUND":
      return spec ? `${host} has no adapter called ${spec}.` : `${host} cannot be searched. Is it a registry?`;
    case "VERSION_NOT_FOUND":
      return `${host} has no such version: ${spec}.`;
    case "ACCESS_DENIED":
      return `${host} asks for a login, which this page cannot give.`;
    case "ASSET_INVALID":
      return `${host} answers, but not as a registry does. Is the address right?`;
    case "INTEGRITY_MISMATCH":
    case "SIGNATURE_INVALID":
      return `What ${host} sent as ${spec} is not what its author published. Nothing of it was used; try again, and tell who runs the registry.`;
    case "FILE_TOO_LARGE":
      return `${spec} is larger than this page takes.`;
    default:
      return entryOf(code).about === "adapter" ? notUsable : undefined;
  }
}
