/** Where this backbone's two files are: pass it to `createClassifier({ backbone })`. */
declare const backbone: { readonly name: string; readonly manifest: URL; readonly weights: URL };
export default backbone;
