// What is used of @npmcli/config, which has no types.

declare module "@npmcli/config" {
  export default class Config {
    constructor(options: Record<string, unknown>);
    load(): Promise<void>;
    readonly flat: Record<string, unknown>;
    get(key: string): unknown;
    /** Whether nothing sets it: no .npmrc, no npm_config_*. */
    isDefault(key: string): boolean;
  }
}

declare module "@npmcli/config/lib/definitions/index.js" {
  const parts: { readonly definitions: unknown; readonly shorthands: unknown; readonly flatten: unknown };
  export default parts;
}
