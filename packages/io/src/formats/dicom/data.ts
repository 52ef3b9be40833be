// A DICOM data set: elements by tag, and their values as text, numbers or items. Nothing is read before it is asked for.

import { AnyMC3DError, own } from "@anymc3d/core";

export interface DicomElement {
  readonly vr: string;
  /** Of the value in the file. */
  readonly offset: number;
  /** Bytes; of an encapsulated or sequence value of undefined length, up to its delimiter, or -1 where that was not looked for. */
  readonly length: number;
  readonly items?: readonly DicomData[];
}

/** ISO 8859 and Asian sets that TextDecoder knows (PS3.3 C.12.1.1.2); the default is ISO 646, which ISO 8859-1 holds. */
const CHARACTER_SETS: Readonly<Record<string, string>> = {
  "ISO_IR 101": "iso-8859-2",
  "ISO_IR 109": "iso-8859-3",
  "ISO_IR 110": "iso-8859-4",
  "ISO_IR 144": "iso-8859-5",
  "ISO_IR 127": "iso-8859-6",
  "ISO_IR 126": "iso-8859-7",
  "ISO_IR 138": "iso-8859-8",
  "ISO_IR 148": "windows-1254",
  "ISO_IR 166": "windows-874",
  "ISO_IR 13": "shift_jis",
  "ISO_IR 192": "utf-8",
  GB18030: "gb18030",
  GBK: "gbk",
};

const WIDTH: Readonly<Record<string, number>> = { AT: 4, US: 2, SS: 2, UL: 4, SL: 4, FL: 4, FD: 8, OW: 2, OV: 8, UV: 8, SV: 8 };

export class DicomData {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly littleEndian: boolean;
  readonly elements = new Map<number, DicomElement>();

  /** @param view of all of `bytes`: of the many items of a file, one */
  constructor(bytes: Uint8Array, littleEndian: boolean, view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)) {
    this.#bytes = bytes;
    this.#view = view;
    this.littleEndian = littleEndian;
  }

  has(tag: number): boolean {
    return this.elements.has(tag);
  }

  /** Items of a sequence; none where it is absent. */
  items(tag: number): readonly DicomData[] {
    return this.elements.get(tag)?.items ?? [];
  }

  /** The first item of a sequence. */
  item(tag: number): DicomData | undefined {
    return this.items(tag)[0];
  }

  /** The value as it lies in the file; none where the element is absent or empty. */
  bytes(tag: number): Uint8Array | undefined {
    const element = this.elements.get(tag);
    return element && element.length > 0 ? this.#bytes.subarray(element.offset, element.offset + element.length) : undefined;
  }

  /** The text values, without padding; none where the element is absent or empty. */
  texts(tag: number, decoder?: TextDecoder): string[] {
    const element = this.elements.get(tag);
    if (!element || element.length <= 0) return [];
    const bytes = this.#bytes.subarray(element.offset, element.offset + element.length);
    const text = decoder ? decoder.decode(bytes) : latin1(bytes);
    const values = text.split("\\").map((value) => value.replace(/[\s\0]+$/, "").trimStart());
    return values.length === 1 && values[0] === "" ? [] : values;
  }

  text(tag: number, decoder?: TextDecoder): string | undefined {
    return this.texts(tag, decoder)[0];
  }

  /**
   * Numbers: binary, or written as text (DS, IS).
   * @throws AnyMC3DError `FORMAT_INVALID` for text that is no number
   */
  numbers(tag: number, name: string): number[] {
    const element = this.elements.get(tag);
    if (!element || element.length <= 0) return [];
    const width = own(WIDTH, element.vr);
    if (width === undefined) return this.texts(tag).flatMap((text) => (text === "" ? [] : [parsed(text, tag, name)]));
    return Array.from({ length: Math.floor(element.length / width) }, (_, i) => this.#number(element.vr, element.offset + i * width));
  }

  number(tag: number, name: string): number | undefined {
    return this.numbers(tag, name)[0];
  }

  #number(vr: string, at: number): number {
    const [view, little] = [this.#view, this.littleEndian];
    switch (vr) {
      case "SS":
        return view.getInt16(at, little);
      case "UL":
        return view.getUint32(at, little);
      case "SL":
        return view.getInt32(at, little);
      case "FL":
        return view.getFloat32(at, little);
      case "FD":
        return view.getFloat64(at, little);
      case "AT":
        return view.getUint16(at, little) * 65536 + view.getUint16(at + 2, little);
      case "OV":
      case "UV":
        return Number(view.getBigUint64(at, little));
      case "SV":
        return Number(view.getBigInt64(at, little));
      default:
        return view.getUint16(at, little);
    }
  }

  /** Decodes this data set's text; a set that is not known is taken as ISO 8859-1, which does no harm to ASCII. */
  decoder(characterSet: number): TextDecoder {
    const [set = ""] = this.texts(characterSet);
    return new TextDecoder(own(CHARACTER_SETS, set.replace(/^ISO 2022 IR /, "ISO_IR ")) ?? "iso-8859-1");
  }
}

/** Tag as people write it: (0028,0010). */
export function tagText(tag: number): string {
  const hex = (tag >>> 0).toString(16).padStart(8, "0").toUpperCase();
  return `(${hex.slice(0, 4)},${hex.slice(4)})`;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return text;
}

function parsed(text: string, tag: number, name: string): number {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text);
  throw new AnyMC3DError("FORMAT_INVALID", `${name}: ${tagText(tag)} is "${text.slice(0, 64)}", not a number. Correct the header.`);
}
