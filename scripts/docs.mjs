// npm run docs: builds the documentation site into docs/.vitepress/dist; with --serve it is served, too.
import { parseArgs } from "node:util";
import { run, setUp } from "./setup.mjs";

const { values } = parseArgs({ options: { serve: { type: "boolean" } } });
setUp();
run("npm", ["run", "--silent", "site", "-w", "docs"]);
if (values.serve) run("npx", ["vitepress", "serve", "docs"]);
