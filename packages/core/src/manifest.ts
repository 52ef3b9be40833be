export type AdapterManifest = unknown;
