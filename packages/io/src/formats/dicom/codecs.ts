// From a compressed frame to its samples: JPEG and RLE here, JPEG-LS, JPEG 2000 and HTJ2K in WebAssembly that is loaded when a file needs it.

import { AnyMC3DError } from "@anymc3d/core";
import { decodeGreyJpeg } from "../../compression/jpeg-sequential.js";
import { decodeRle } from "../../compression/rle.js";
import { codecFile } from "./codec-files.js";

export type Codec = "native" | "rle" | "jpeg" | "jpeg-ls" | "jpeg-2000" | "htj2k";

/** By transfer syntax (PS3.6 table A-1). */
export const CODECS: ReadonlyMap<string, Codec> = new Map<string, Codec>([
  ["1.2.840.10008.1.2", "native"],
  ["1.2.840.10008.1.2.1", "native"],
  ["1.2.840.10008.1.2.1.99", "native"],
  ["1.2.840.10008.1.2.2", "native"],
  ["1.2.840.10008.1.2.5", "rle"],
  ["1.2.840.10008.1.2.4.50", "jpeg"],
  ["1.2.840.10008.1.2.4.51", "jpeg"],
  ["1.2.840.10008.1.2.4.57", "jpeg"],
  ["1.2.840.10008.1.2.4.70", "jpeg"],
  ["1.2.840.10008.1.2.4.80", "jpeg-ls"],
  ["1.2.840.10008.1.2.4.81", "jpeg-ls"],
  ["1.2.840.10008.1.2.4.90", "jpeg-2000"],
  ["1.2.840.10008.1.2.4.91", "jpeg-2000"],
  ["1.2.840.10008.1.2.4.201", "htj2k"],
  ["1.2.840.10008.1.2.4.202", "htj2k"],
  ["1.2.840.10008.1.2.4.203", "htj2k"],
]);

/** Where an application hosts the decoders' .wasm files; called with the file's name. Default: beside the package's own files, which bundlers ship. */
export type CodecUrl = (file: string) => string | URL;

export interface FrameShape {
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: number;
}

/** What the WebAssembly decoders have in common. */
interface WasmDecoder {
  getEncodedBuffer(length: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  decode(): void;
  getFrameInfo(): { width: number; height: number; bitsPerSample: number; componentCount: number; isSigned: boolean };
  delete(): void;
}

type WasmModule = Record<string, new () => WasmDecoder>;
type Factory = (options: { print: (text: string) => void; printErr: (text: string) => void; locateFile?: (file: string) => string }) => Promise<WasmModule>;

/** The decoders chat. */
const silent = (): void => undefined;

const WASM: Readonly<Record<"jpeg-ls" | "jpeg-2000" | "htj2k", { decoder: string; load: () => Promise<{ default: unknown }> }>> = {
  "jpeg-ls": { decoder: "JpegLSDecoder", load: () => import("@cornerstonejs/codec-charls/decodewasmjs") },
  "jpeg-2000": { decoder: "J2KDecoder", load: () => import("@cornerstonejs/codec-openjpeg/decodewasmjs") },
  htj2k: { decoder: "HTJ2KDecoder", load: () => import("@cornerstonejs/codec-openjph") },
};

const loaded = new Map<string, Promise<WasmModule>>();

/** A WebAssembly codec, loaded once. @throws AnyMC3DError `ASSET_INVALID` where it cannot be loaded */
function wasmModule(codec: keyof typeof WASM, codecUrl: CodecUrl | undefined): Promise<WasmModule> {
  const known = loaded.get(codec);
  if (known) return known;
  const loading = (async () => {
    try {
      const factory = (await WASM[codec].load()).default as Factory;
      const locate = codecUrl ?? codecFile;
      return await factory({ print: silent, printErr: silent, ...(locate && { locateFile: (file: string) => String(locate(file)) }) });
    } catch (cause) {
      loaded.delete(codec);
      throw new AnyMC3DError(
        "ASSET_INVALID",
        `The ${codec} decoder could not be loaded (${(cause as Error).message ?? cause}). Is its .wasm file served with the page? The option \`codecUrl\` says where else it is.`,
        { cause, details: { decoder: codec } },
      );
    }
  })();
  loaded.set(codec, loading);
  return loading;
}

/**
 * The samples of one compressed frame, unsigned words as the stream holds them.
 * @throws AnyMC3DError `FORMAT_INVALID` (damaged, of another size or with several components), `FILE_TRUNCATED`, `ASSET_INVALID`
 */
export async function decodeFrame(
  codec: Exclude<Codec, "native">,
  bytes: Uint8Array,
  shape: FrameShape,
  name: string,
  codecUrl?: CodecUrl,
): Promise<Uint8Array | Uint16Array | Uint32Array> {
  const count = shape.rows * shape.columns;
  if (codec === "rle") {
    // Pixels of one bit are packed into bytes first, each frame by itself (PS3.5 8.2.2); some writers give each a byte.
    if (shape.bitsAllocated === 1) {
      const packed = decodeRle(bytes, [count, Math.ceil(count / 8)], 1, name);
      if (packed.length === count) return packed;
      return Uint8Array.from({ length: count }, (_, i) => (packed[i >> 3] >> (i & 7)) & 1);
    }
    const width = shape.bitsAllocated / 8;
    const words = decodeRle(bytes, count, width, name);
    return width === 1 ? words : width === 2 ? new Uint16Array(words.buffer) : new Uint32Array(words.buffer);
  }
  if (codec === "jpeg") {
    return decodeGreyJpeg(bytes, name, (width, height) => checkSize(width, height, shape, name)).samples;
  }
  return decodeWasm(await wasmModule(codec, codecUrl), codec, bytes, shape, name);
}

function decodeWasm(module: WasmModule, codec: keyof typeof WASM, bytes: Uint8Array, shape: FrameShape, name: string): Uint8Array | Uint16Array | Uint32Array {
  checkHeader(codec, bytes, shape, name);
  const decoder = new module[WASM[codec].decoder]();
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const { width, height, bitsPerSample, componentCount, isSigned } = decoder.getFrameInfo();
    checkSize(width, height, shape, name);
    // OpenJPEG's build cuts negative samples of 8 bits off at 0.
    if (isSigned && bitsPerSample <= 8) throw damaged(name, "signed samples of 8 bits, which its decoder does not give back");
    if (componentCount !== 1) throw damaged(name, `${componentCount} components, one is expected`);
    const out = decoder.getDecodedBuffer();
    const size = bitsPerSample > 16 ? 4 : bitsPerSample > 8 ? 2 : 1;
    if (out.length !== width * height * size) throw damaged(name, `${out.length} bytes decoded for ${width}×${height} samples of ${bitsPerSample} bits`);
    const copy = out.slice();
    return size === 1 ? copy : size === 2 ? new Uint16Array(copy.buffer) : new Uint32Array(copy.buffer);
  } catch (cause) {
    if (cause instanceof AnyMC3DError) throw cause;
    // The decoders throw numbers (pointers to C++ exceptions) or strings.
    throw damaged(name, `the ${codec} decoder gave up${cause instanceof Error ? ` (${cause.message})` : ""}`, cause);
  } finally {
    decoder.delete();
  }
}

const damaged = (name: string, what: string, cause?: unknown) =>
  new AnyMC3DError("FORMAT_INVALID", `${name}: the compressed pixel data are damaged or not what the header says: ${what}. Copy or export the file again.`, {
    cause,
  });

function checkSize(width: number, height: number, { rows, columns }: FrameShape, name: string): void {
  if (width !== columns || height !== rows) throw damaged(name, `${width}×${height} pixels in the stream, ${columns}×${rows} in the header`);
}

/** Looks at the stream's own size first: a decoder allocates what it says. */
function checkHeader(codec: keyof typeof WASM, bytes: Uint8Array, shape: FrameShape, name: string): void {
  const size = codec === "jpeg-ls" ? jpegLsSize(bytes) : codestreamSize(bytes);
  if (!size) throw damaged(name, "no frame header");
  checkSize(size.width, size.height, shape, name);
  if (size.components !== 1) throw damaged(name, `${size.components} components, one is expected`);
}

interface StreamSize {
  readonly width: number;
  readonly height: number;
  readonly components: number;
}

/** Width and height in SOF55 (ISO 14495-1 C.2.2). */
function jpegLsSize(bytes: Uint8Array): StreamSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff; at += 2 + view.getUint16(at + 2)) {
    if (bytes[at + 1] === 0xf7) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5), components: bytes[at + 9] };
  }
  return undefined;
}

/** Width and height in SIZ, with which a codestream begins (ISO 15444-1 A.5.1); boxes before it are no DICOM, but are passed over. */
function codestreamSize(bytes: Uint8Array): StreamSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + 42 <= bytes.length && view.getUint32(at) !== 0xff4fff51) {
    const length = view.getUint32(at);
    if (view.getUint32(at + 4) === CODESTREAM) at += 8;
    else if (length < 8) return undefined;
    else at += length;
  }
  if (at + 42 > bytes.length) return undefined;
  const [x, y, left, top] = [8, 12, 16, 20].map((field) => view.getUint32(at + field));
  return { width: x - left, height: y - top, components: view.getUint16(at + 40) };
}

/** The box that holds the codestream: "jp2c". */
const CODESTREAM = 0x6a703263;
