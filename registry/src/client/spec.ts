// What a user asks for: "lung-nodule", "lung-nodule@^1", "@me/adapter-x@next", the address of a tarball, a folder or file.

import { AnyMC3DError, isPackageName, type PackageKind, packageName } from "@anymc3d/core";
import { parsed, withoutSecrets } from "../protocol/address.js";

export type Spec =
  | { readonly kind: "package"; readonly name: string /** A range, an exact version or a tag; undefined: any. */; readonly wanted: string | undefined }
  | { readonly kind: "tarball"; readonly url: string }
  | { readonly kind: "path"; readonly path: string };

const PATH = /^(?:\.{0,2}[\\/]|[a-z]:[\\/]|file:)|\.tgz$/i;

/**
 * Reads a spec. Which package a name stands for, `packageName` of core says. What begins with ./, ../, / or file:, or ends in .tgz, is a path.
 * @throws AnyMC3DError `OPTION_INVALID`
 */
export function parseSpec(text: string, kind: PackageKind): Spec {
  if (/^\s*https?:/i.test(text)) {
    const url = parsed(text);
    if (!url) throw new AnyMC3DError("OPTION_INVALID", `"${withoutSecrets(text)}" is no address.`);
    if (url.username || url.password)
      throw new AnyMC3DError(
        "OPTION_INVALID",
        `an address with a name or password in it: it would be shown and kept. Put the token into .npmrc, or pass it as \`auth\`.`,
      );
    return { kind: "tarball", url: url.href };
  }
  if (PATH.test(text) || text === "." || text === "..") return { kind: "path", path: text.replace(/^file:(?:\/\/)?/i, "") };
  if (/\.zip$/i.test(text))
    throw new AnyMC3DError("OPTION_INVALID", `${text} is a bundle: \`anymc3d adapter add ${text}\` takes in what it holds, which is used by name then.`);
  const at = text.indexOf("@", 1);
  const [given, wanted] = at > 0 ? [text.slice(0, at), text.slice(at + 1).trim()] : [text, undefined];
  const name = packageName(kind, given);
  if (isPackageName(name.toLowerCase()) && name !== name.toLowerCase())
    throw new AnyMC3DError("OPTION_INVALID", `"${text}": names of packages are lower case. Did you mean ${text.toLowerCase()}? A path begins with ./`);
  if (given === "" || !isPackageName(name) || wanted === "") {
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `"${withoutSecrets(text)}" names no ${kind}: expected a name such as lung-nodule, @me/${kind}-x@^1 or x@next, the address of a tarball, or a path that begins with ./`,
    );
  }
  return { kind: "package", name, wanted };
}
