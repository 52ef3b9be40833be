import { defineConfig } from "tsup";
import { browserBuild } from "../../scripts/browser-build.mjs";
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
  // protobufjs is CommonJS, which a bundler's dev server does not convert in a worker.
  browserBuild({
    inside: [/^protobufjs/, /^@protobufjs/, "long"],
    onSuccess: async () => writeLicences(PROTOBUF, "dist/browser"),
  }),
]);
