// What an adapter's package would publish, and what must not be in it: undeclared files, too large ones, secrets, scans of patients.

import { execFile } from "node:child_process";
import { lstat, open, readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { constants, gunzipSync } from "node:zlib";
import { AnyMC3DError } from "@anymc3d/core";
import { endingOf, isDicom } from "@anymc3d/io";
import { isSample } from "@anymc3d/train/node";
import { type VerifyFlags, verifyFolder } from "../commands/adapter/verify.js";

/** Most bytes of an unpacked package. */
const MOST_BYTES = 64 * 2 ** 20;
/** All that an adapter consists of, by exact name, at the top of its folder. */
const TEXTS = /^(?:adapter\.json|package\.json|index\.js|index\.d\.ts|task\.json|README\.md|CHANGELOG\.md|(?:LICENSE|NOTICE)(?:\.md|\.txt)?)$/;
/** Of the card or the report. */
const PICTURE = /^(?:card|report)[a-z0-9_-]*\.png$/;
const isPart = (path: string): boolean => path === "weights.safetensors" || TEXTS.test(path) || PICTURE.test(path) || isSample(path);
/** Folders that a training run leaves and that are never packed. */
const WORKING = new Set(["node_modules", "run", "compare", ".git"]);
const SECRETS: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/_authToken|_password\s*=|:_auth\s*=/, "a registry token"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, "a private key"],
  [/\b(?:npm_[A-Za-z0-9]{36}|gh[pousr]_[A-Za-z0-9]{36,}|AKIA[0-9A-Z]{16})\b/, "an access token"],
];

/** A password before a host: user:password@, or on the web a token alone. The user of git+ssh://git@host is none. */
const ADDRESS = /([a-z][a-z0-9+.-]*:)?\/\/([^\s/?#"'<>`\\]+)@([^\s/?#@"'<>`\\)\]]+)/gi;

/** Addresses that hold a password, each without it. */
export function addressFaults(path: string, text: string): string[] {
  const plain = path.endsWith(".json")
    ? text.replace(/\\u([0-9a-f]{4})/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16))).replaceAll("\\/", "/")
    : text;
  const secret = [...plain.matchAll(ADDRESS)].filter(([, scheme = "", user]) => /:|%3a/i.test(user) || /^https?:$/i.test(scheme));
  const hosts = new Set(secret.map(([, scheme = "", , host]) => `${scheme}//…@${host}`));
  return [...hosts].map((host) => `${path} holds an address with a password or token, ${host}; remove it, and change it where it was shared`);
}

export interface PackedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

interface Packed {
  readonly filename: string;
  readonly files: readonly PackedFile[];
}

/** `npm pack` in a folder, nothing of it run. @throws AnyMC3DError `DATA_INVALID` where npm refuses */
export async function npmPack(folder: string, args: readonly string[]): Promise<Packed> {
  const { stdout } = await promisify(execFile)("npm", ["pack", "--json", "--ignore-scripts", ...args], { cwd: folder, maxBuffer: 2 ** 26 }).catch((cause) => {
    throw new AnyMC3DError("DATA_INVALID", `${folder}: npm cannot pack it: ${String(cause.stderr ?? cause.message).trim()}`, { cause });
  });
  // npm 11 prints a list, later ones an object by package name.
  const parsed: unknown = JSON.parse(stdout);
  const [found] = Array.isArray(parsed) ? parsed : Object.values(parsed as object);
  return found as Packed;
}

/** All that forbids publishing or packing a folder, and the files that would go out. */
export async function examine(folder: string, flags: VerifyFlags): Promise<{ faults: string[]; packed: PackedFile[] }> {
  const checks = (await verifyFolder(folder, flags)).filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
  const packed = (await npmPack(folder, ["--dry-run"])).files.map(({ path, size }) => ({ path, size }));
  return { faults: [...checks, ...(await contentFaults(folder, packed))], packed };
}

/** What of a folder's files must not go out; empty where nothing is. */
async function contentFaults(folder: string, packed: readonly PackedFile[]): Promise<string[]> {
  const faults = packed
    .filter(({ path }) => !isPart(path))
    .map(({ path }) => `${path} would be published, and is no file of an adapter; take it out of "files" in package.json, or move it out of the folder`);
  const total = packed.reduce((sum, { size }) => sum + size, 0);
  if (total > MOST_BYTES) faults.push(`${total} bytes in all, over the limit of ${MOST_BYTES}; an adapter has about a million`);
  for (const path of await filesIn(folder, folder)) faults.push(...(await fileFaults(folder, path)));
  return faults;
}

async function filesIn(folder: string, root: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return folder === root && WORKING.has(entry.name) ? [] : filesIn(path, root);
      return [relative(root, path)];
    }),
  );
  return found.flat();
}

const HEAD = 4096;
const MOST_TEXT = 2 ** 20;

/** By content, packed by gzip too: a name says nothing. Of the weights, whose first bytes are a length, only what no length can be is DICOM. */
function holdsDicom(head: Buffer, path: string): boolean {
  const packed = head[0] === 0x1f && head[1] === 0x8b;
  // The head of a packed file ends in the middle: what can be unpacked of it is enough.
  const start = packed ? unpacked(head) : head;
  return path === "weights.safetensors" ? start.toString("latin1", 128, 132) === "DICM" : isDicom(start);
}

function unpacked(head: Buffer): Buffer {
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return head;
  }
}

/** Of scans that the reader does not know by name, of archives, and of other programs' arrays. */
const FOREIGN = /\.(?:dicom|z?raw|mat|h5|hdf5|mnc|par|rec|fdf|vtk|vti|svs|tiff?|zip|7z|rar|tar|tgz|gz|bz2|xz|zst)$/i;
const isScanName = (path: string): boolean => endingOf(path) !== undefined || FOREIGN.test(path) || /(?:^|\/)DICOMDIR$/i.test(path);
const PNG = [0x89, 0x50, 0x4e, 0x47];

async function fileFaults(folder: string, path: string): Promise<string[]> {
  if (!(await lstat(join(folder, path))).isFile()) return [`${path} is a link, which leads out of what was checked; put the file itself there, or remove it`];
  const file = await open(join(folder, path));
  try {
    const head = Buffer.alloc(HEAD);
    const { bytesRead } = await file.read(head, 0, HEAD, 0);
    if (PICTURE.test(path) && !PNG.every((byte, i) => head[i] === byte)) return [`${path} is no PNG picture; move it out of the folder`];
    if (holdsDicom(head.subarray(0, bytesRead), path)) return [`${path} is a DICOM file, which may name a patient; move it out of the folder`];
  } finally {
    await file.close();
  }
  if (isScanName(path) && !isSample(path))
    return [
      `${path} is called like a scan or an archive, which may be of a patient; move it out of the folder (one volume to try the adapter with is called sample.nii.gz)`,
    ];
  if (/(?:^|\/)\.(?:npmrc|env)/.test(path)) return [`${path} holds settings that may be secret; move it out of the folder`];
  const { size } = await stat(join(folder, path));
  if (TEXTS.test(path) && size > MOST_TEXT) return [`${path} has ${size} bytes, over the ${MOST_TEXT} that a text of an adapter may have`];
  if (size > MOST_TEXT) return [];
  const text = await readFile(join(folder, path), "latin1");
  if (TEXTS.test(path) && text.includes("\0")) return [`${path} is no text; what is in it goes out with the package`];
  return [
    ...SECRETS.filter(([pattern]) => pattern.test(text)).map(([, what]) => `${path} holds what looks like ${what}; remove it, and revoke it if it was shared`),
    ...(TEXTS.test(path) ? addressFaults(path, Buffer.from(text, "latin1").toString("utf8")) : []),
  ];
}
