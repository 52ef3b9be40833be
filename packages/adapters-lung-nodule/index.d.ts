declare const adapter: { readonly name: string; readonly manifest: URL; readonly weights: URL };
export default adapter;

/** A volume to try the adapter with. */
export declare const sample: URL;
