// The build for browsers of a package whose dependencies are not fit for bundlers as they are: with those inside, in dist/browser.
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @param inside packages whose code goes into the build
 * @param replaced URL of a source file X.browser.ts that goes in place of X.ts
 * @param onlyNode modules that code inside names and never reaches in a browser
 */
export function browserBuild({ inside, replaced, onlyNode = [], ...options }) {
  const setup = (build) => {
    const path = fileURLToPath(replaced);
    build.onResolve({ filter: new RegExp(`^\\./${basename(path, ".browser.ts")}\\.js$`) }, () => ({ path }));
    build.onResolve({ filter: new RegExp(`^(${onlyNode.join("|")})$`) }, (module) => ({ path: module.path, namespace: "only-node" }));
    build.onLoad({ filter: /.*/, namespace: "only-node" }, () => ({ contents: "export default {}" }));
  };
  return {
    entry: ["src/index.ts"],
    outDir: "dist/browser",
    format: "esm",
    platform: "browser",
    target: "es2022",
    treeshake: true,
    noExternal: inside,
    external: [/^node:/],
    esbuildPlugins: replaced ? [{ name: "browser", setup }] : [],
    ...options,
  };
}
