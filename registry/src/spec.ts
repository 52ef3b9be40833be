// What a user asks for: "lung-nodule", "lung-nodule@^1", "@me/adapter-x@next", the address of a tarball.

import { AnyMC3DError } from "@anymc3d/core";

export type Kind = "adapter" | "backbone";

export type Spec =
  | { readonly kind: "package"; readonly name: string /** A range, an exact version or a tag. */; readonly wanted: string }
  | { readonly kind: "tarball"; readonly url: string };

const NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/**
 * Reads a spec. A bare name is one of this project's packages: "lung-nodule" is "@anymc3d/adapter-lung-nodule"; names that begin with
 * "anymc3d-adapter-" or "adapter-", and scoped ones, stand for themselves.
 * @throws AnyMC3DError `OPTION_INVALID`
 */
export function parseSpec(text: string, kind: Kind): Spec {
  if (/^https?:\/\//i.test(text)) return { kind: "tarball", url: text };
  const at = text.indexOf("@", 1);
  const [given, wanted] = at > 0 ? [text.slice(0, at), text.slice(at + 1)] : [text, "latest"];
  const name = /[@/]|^(?:anymc3d-)?(?:adapter|backbone)-/.test(given) ? given : `@anymc3d/${kind}-${given}`;
  if (given === "" || name.length > 214 || !NAME.test(name) || wanted.trim() === "") {
    throw new AnyMC3DError(
      "OPTION_INVALID",
      `"${text}" names no ${kind}: expected a name such as lung-nodule, @me/${kind}-x@^1 or x@next, or the address of a tarball.`,
    );
  }
  return { kind: "package", name, wanted: wanted.trim() };
}
