import { defineConfig } from "tsup";
import { writeLicences } from "../../scripts/third-party-licences.mjs";

const PROTOBUF = [
  "protobufjs",
  "@protobufjs/aspromise",
  "@protobufjs/base64",
  "@protobufjs/eventemitter",
  "@protobufjs/float",
  "@protobufjs/pool",
  "@protobufjs/utf8",
];

export default defineConfig([
  { entry: ["src/index.ts"], format: "esm", dts: true, clean: true, target: "es2022", treeshake: true },
  // For browsers protobufjs is inside: it is CommonJS, which a bundler's dev server does not convert in a worker.
  {
    entry: ["src/index.ts"],
    outDir: "dist/browser",
    format: "esm",
    platform: "browser",
    target: "es2022",
    treeshake: true,
    noExternal: [/^protobufjs/, /^@protobufjs/, "long"],
    async onSuccess() {
      writeLicences(PROTOBUF, "dist/browser");
    },
  },
]);
