// Makes fixtures/dicom/htj2k.dcm out of raw-12.dcm with OpenJPH's encoder.   usage: node make_htj2k.mjs   (after a first run of make_dicom_syntaxes.py)
import { readFileSync, writeFileSync } from "node:fs";
import openjph from "@cornerstonejs/codec-openjph";

const folder = new URL("../fixtures/dicom/", import.meta.url);
const raw = readFileSync(new URL("raw-12.dcm", folder));
const pixels = raw.subarray(raw.length - 38 * 29 * 2);
const module = await openjph();
const encoder = new module.HTJ2KEncoder();
encoder.getDecodedBuffer({ width: 38, height: 29, bitsPerSample: 12, componentCount: 1, isSigned: false, isUsingColorTransform: false }).set(pixels);
encoder.setQuality(true, 0);
encoder.encode();
let stream = Buffer.from(encoder.getEncodedBuffer());
if (stream.length % 2) stream = Buffer.concat([stream, Buffer.alloc(1)]);
const syntax = Buffer.from("1.2.840.10008.1.2.4.201\0");
const at = raw.indexOf(Buffer.from([0x02, 0x00, 0x10, 0x00]));
const meta = raw.subarray(0, at);
// The group length grows with the transfer syntax.
meta.writeUInt32LE(meta.readUInt32LE(140) + syntax.length - raw.readUInt16LE(at + 6), 140);
const head = Buffer.concat([
  meta,
  Buffer.from([0x02, 0x00, 0x10, 0x00, 0x55, 0x49, syntax.length, 0]),
  syntax,
  raw.subarray(at + 8 + raw.readUInt16LE(at + 6), raw.length - pixels.length - 12),
]);
const item = (length) => Buffer.from(new Uint8Array(Uint32Array.of(0xe000fffe, length).buffer));
const value = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x42, 0, 0, 0xff, 0xff, 0xff, 0xff]);
writeFileSync(
  new URL("htj2k.dcm", folder),
  Buffer.concat([head, value, item(0), item(stream.length), stream, Buffer.from([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0])]),
);
