// The licences of other packages' code that a build puts into ours, in one file beside it.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const modules = fileURLToPath(new URL("../node_modules/", import.meta.url));

/** Writes FOLDER/THIRD-PARTY-LICENCES.txt. @param names of packages whose code is in the folder's files */
export function writeLicences(names, folder) {
  const parts = names.map((name) => {
    const at = join(modules, name);
    const { version, license, repository, author } = JSON.parse(readFileSync(join(at, "package.json"), "utf8"));
    const file = readdirSync(at).find((entry) => /^licen[cs]e/i.test(entry));
    const who = [author?.name ?? author, repository?.url ?? repository].filter(Boolean).join(", ");
    return `${name} ${version}\nLicence: ${license}${who ? `\n${who}` : ""}${file ? `\n\n${readFileSync(join(at, file), "utf8").trim()}` : ""}\n`;
  });
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "THIRD-PARTY-LICENCES.txt"), parts.join(`\n${"-".repeat(80)}\n\n`));
}
