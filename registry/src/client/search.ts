// Adapters that registries have, by text, modality, body part, backbone: npm's search endpoint finds candidates, their package.json tells the rest.

import { ADAPTER_KEYWORD, type AdapterFacts, AnyMC3DError, isAnyMC3DError, isPackageName, type Warning } from "@anymc3d/core";
import { isObject, parseJson } from "../protocol/json.js";
import { chooseVersion, type PackageInfo } from "../protocol/metadata.js";
import { invalid } from "../protocol/tarball.js";
import type { LoadOptions } from "./options.js";
import type { Registries } from "./registries.js";

/** On every adapter's package, so that registries find them. */
export const KEYWORD = ADAPTER_KEYWORD;

/** What is searched for; everything given must fit. */
export interface SearchOptions extends Pick<LoadOptions, "signal" | "onWarning"> {
  /** Words that title, name or labels must hold, all of them; case does not matter. */
  readonly text?: string;
  /** DICOM modality, as CT. */
  readonly modality?: string;
  readonly bodyPart?: string;
  /** The backbone's name or short name. */
  readonly backbone?: string;
}

/** An adapter that a search found. */
export interface Found extends AdapterFacts {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly published?: string;
  readonly deprecated?: string;
}

const PAGE = 250;
const MOST_PAGES = 20;

/** Searches every configured registry. One of several that cannot be searched is told of. @throws as {@link createRegistry} */
export async function search(registries: Registries, options: SearchOptions): Promise<Found[]> {
  if (registries.offline) throw new AnyMC3DError("OPTION_INVALID", "a search asks the registry, and offline none is asked. Search without `offline`.");
  const names = new Set<string>();
  const failed: AnyMC3DError[] = [];
  for (const registry of registries.addresses) {
    const found = await candidates(registries, registry, options.signal).catch((error: unknown) => {
      if (!(error instanceof AnyMC3DError)) throw error;
      failed.push(error);
      return [];
    });
    for (const name of found) names.add(name);
  }
  if (failed.length === registries.addresses.length) throw failed[0];
  for (const { code, message } of failed) options.onWarning?.({ code, message });
  const found = await Promise.all(
    [...names].sort().map((name) =>
      one(registries, name, options).catch((error: unknown) => {
        if (options.signal?.aborted) throw options.signal.reason;
        options.onWarning?.(leftOut(name, error));
      }),
    ),
  );
  return found.filter((each) => each !== undefined).filter((each) => matches(each, options));
}

/** One package that is not what it should be costs nothing but itself. */
export function leftOut(name: string, error: unknown): Warning {
  const { code, message } = isAnyMC3DError(error) ? error : { code: "PACKAGE_INVALID" as const, message: (error as Error).message };
  return { code, message: `${name} is left out: ${message}` };
}

async function one(registries: Registries, name: string, { signal }: SearchOptions): Promise<Found> {
  if (!isPackageName(name)) throw invalid(name, "npm takes no such name");
  const { info } = await registries.info(name, signal);
  return factsOf(info);
}

/** npm's registry searches keywords; Verdaccio looks at names alone, and lists all it has for an empty text. */
async function candidates(registries: Registries, registry: string, signal?: AbortSignal): Promise<string[]> {
  const found = await listed(registries, registry, `keywords:${KEYWORD}`, signal);
  return found.length ? found : listed(registries, registry, "", signal);
}

async function listed(registries: Registries, registry: string, text: string, signal?: AbortSignal): Promise<string[]> {
  const names: string[] = [];
  for (let page = 0; page < MOST_PAGES; page++) {
    const url = `${registry}-/v1/search?text=${encodeURIComponent(text)}&size=${PAGE}&from=${page * PAGE}`;
    const answer = await registries.ask(url, signal).catch((cause: unknown) => {
      if ((cause as { code?: string }).code !== "PACKAGE_NOT_FOUND") throw cause;
      const message = `${registry} offers no search (/-/v1/search). Adapters whose names are known can be shown and added all the same.`;
      throw new AnyMC3DError("PACKAGE_NOT_FOUND", message, { cause });
    });
    const json = parseJson(answer, url);
    const objects = isObject(json) && Array.isArray(json.objects) ? json.objects : [];
    for (const each of objects) {
      const found = isObject(each) && isObject(each.package) ? each.package : {};
      const keywords = Array.isArray(found.keywords) ? found.keywords : [];
      if (typeof found.name === "string" && keywords.includes(KEYWORD)) names.push(found.name);
    }
    if (objects.length < PAGE) break;
  }
  return names;
}

function factsOf(info: PackageInfo): Found {
  const { version, facts, license, published, deprecated } = chooseVersion(info, info.tags.latest ? "latest" : "*");
  if (!facts) throw invalid(`${info.name}@${version}`, 'its package.json lacks what searches look at ("anymc3d")');
  return { name: info.name, version, ...facts, license, published, deprecated };
}

function matches(found: Found, { text = "", modality, bodyPart, backbone }: SearchOptions): boolean {
  const has = (words: readonly string[], part: string) => words.some((word) => word.toLowerCase().includes(part.toLowerCase()));
  const words = [found.name, found.title, ...found.labels, ...found.bodyParts, ...found.modalities];
  if (!text.split(/\s+/).every((part) => has(words, part))) return false;
  if (modality && found.modalities.length > 0 && !found.modalities.includes(modality.toUpperCase())) return false;
  return (!bodyPart || has(found.bodyParts, bodyPart)) && (!backbone || has([found.backbone], backbone));
}
