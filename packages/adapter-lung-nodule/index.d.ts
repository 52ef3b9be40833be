/** Where this adapter's files are: pass it to `classify(source, adapter)`. */
declare const adapter: { readonly name: string; readonly manifest: URL; readonly weights: URL };
export default adapter;

/** A nodule CT crop from LIDC-IDRI (CC BY 3.0), to try the adapter with. */
export declare const sample: URL;
