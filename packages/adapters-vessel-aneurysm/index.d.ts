declare const adapter: { readonly name: string; readonly manifest: URL; readonly weights: URL };
export default adapter;
