// npm's own choice of a version, which the tests compare with; it has no types.

declare module "npm-pick-manifest" {
  export default function pickManifest(packument: unknown, wanted: string): { readonly version: string };
}
