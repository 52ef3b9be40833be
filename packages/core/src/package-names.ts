// Names of adapter and backbone packages: what people call them, and what npm calls them. The one place that knows both.

/** What a package holds. */
export type PackageKind = "adapter" | "backbone";

/** The keyword in package.json by which registries find adapters. */
export const ADAPTER_KEYWORD = "anymc3d-adapter";

/** An npm package's name: lower case, with or without a scope; at most 214 characters. https://docs.npmjs.com/cli/configuring-npm/package-json#name */
export const PACKAGE_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;
export const PACKAGE_NAME_LENGTH = 214;

const PREFIX = /^(?:@[^/]*\/)?(?:anymc3d-)?(adapter|backbone)-(?=.)/;

/** Whether npm takes it as a name. */
export const isPackageName = (text: string): boolean => text.length <= PACKAGE_NAME_LENGTH && PACKAGE_NAME.test(text);

/** Whether a package is called like an adapter (or backbone): adapter-x, anymc3d-adapter-x, @anyone/adapter-x. */
export const isNamedAs = (kind: PackageKind, name: string): boolean => PREFIX.exec(name)?.[1] === kind;

/**
 * The package that a name stands for: `lung-nodule` is `@anymc3d/adapter-lung-nodule`; a scoped name, or one with the prefix adapter-,
 * backbone-, anymc3d-adapter- or anymc3d-backbone-, stands for itself.
 */
export const packageName = (kind: PackageKind, text: string): string => packageNames(kind, text)[0];

/**
 * What a name may stand for among packages that are there already, installed or locked: first {@link packageName}, then the names that
 * packages without a scope have, at last itself. A registry is asked for the first alone.
 */
export function packageNames(kind: PackageKind, text: string): readonly [string, ...string[]] {
  if (text.startsWith("@") || text.includes("/") || PREFIX.test(text)) return [text];
  return [`@anymc3d/${kind}-${text}`, `anymc3d-${kind}-${text}`, `${kind}-${text}`, text];
}

/** The shortest text of which {@link packageName} makes this name. */
export function shortName(kind: PackageKind, name: string): string {
  const short = name.replace(`@anymc3d/${kind}-`, "");
  return packageName(kind, short) === name ? short : name;
}

/** The name of a new package of one's own, without a scope, from a title or a folder's name: "My Task" is adapter-my-task. */
export function newPackageName(kind: PackageKind, text: string): string {
  const slug = text
    .toLowerCase()
    .replace(/[^a-z0-9._~-]+/g, "-")
    .replace(PREFIX, "")
    .replace(/^[-._]+|[-._]+$/g, "");
  return `${kind}-${slug || "my-task"}`.slice(0, PACKAGE_NAME_LENGTH);
}
