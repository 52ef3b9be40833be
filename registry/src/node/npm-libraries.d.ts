// What is used of npm's libraries that have no types.

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

declare module "make-fetch-happen" {
  /** minipass-fetch's answer. */
  interface Answer {
    readonly status: number;
    readonly statusText: string;
    readonly headers: { get(name: string): string | null; raw(): Record<string, string[]> };
    readonly body: NodeJS.ReadableStream & AsyncIterable<Uint8Array>;
  }
  export default function fetch(url: string, options: Record<string, unknown>): Promise<Answer>;
}
