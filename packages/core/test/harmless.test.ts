// Text of strangers: what is escaped, what stays, and that errors hold nothing else. Expected escapes are written out by hand from Unicode's tables.

import { describe, expect, it } from "vitest";
import { bounded, harmless, harmlessHtml, harmlessJson, harmlessLines, isHarmless } from "../src/errors/harmless.js";
import { AnyMC3DError, errorFrom } from "../src/errors.js";

const ESCAPED: readonly (readonly [what: string, found: string, escaped: string])[] = [
  ["ESC", "\x1b[2K", "\\x1b[2K"],
  ["BEL", "\x07", "\\x07"],
  ["NUL", "\0", "\\x00"],
  ["backspace", "\b", "\\x08"],
  ["carriage return", "\r", "\\r"],
  ["line feed", "\n", "\\n"],
  ["tab", "\t", "\\t"],
  ["DEL", "\x7f", "\\x7f"],
  ["C1 CSI", "\x9b31m", "\\x9b31m"],
  ["C1 NEL", "\x85", "\\x85"],
  ["C1 OSC", "\x9d0;title\x9c", "\\x9d0;title\\x9c"],
  ["right-to-left override", "\u202e", "\\u202e"],
  ["embedding and its end", "\u202a\u202c", "\\u202a\\u202c"],
  ["isolates", "\u2066\u2067\u2068\u2069", "\\u2066\\u2067\\u2068\\u2069"],
  ["marks", "\u200e\u200f\u061c", "\\u200e\\u200f\\u061c"],
  ["zero-width", "a\u200bb\u200cc\u200dd\u2060e\ufeff", "a\\u200bb\\u200cc\\u200dd\\u2060e\\ufeff"],
  ["separators", "\u2028\u2029", "\\u2028\\u2029"],
  ["tags", "\u{e0001}\u{e0041}\u{e007f}", "\\u{e0001}\\u{e0041}\\u{e007f}"],
  ["lone surrogates", "a\ud800b\udc00", "a\\ud800b\\udc00"],
  ["soft hyphen, Hangul filler, variation selector", "\u00ad\u3164\ufe0f", "\\xad\\u3164\\ufe0f"],
];

describe("harmless", () => {
  for (const [what, found, escaped] of ESCAPED) it(`escapes ${what}`, () => expect(harmless(found)).toBe(escaped));

  it.each(["malignant, 4 mm", "naïve Müller µm ±", "أورام خبيثة", "שלום", "می‌شود", "क्‍ष", "肺结节", "🫁 lungs", "a\\x1bb"])("leaves %s as it is", (text) => {
    expect(harmless(text)).toBe(text);
    expect(isHarmless(text)).toBe(true);
  });

  it("changes nothing the second time", () => {
    for (const [, found] of ESCAPED) expect(harmless(harmless(found))).toBe(harmless(found));
  });

  it("covers every control and direction character there is", () => {
    const codes = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i), 0x200e, 0x200f, 0x061c];
    for (let code = 0x202a; code <= 0x202e; code++) codes.push(code);
    for (let code = 0x2066; code <= 0x2069; code++) codes.push(code);
    for (let code = 0xe0000; code <= 0xe007f; code++) codes.push(code);
    for (const code of codes) expect(harmless(String.fromCodePoint(code)), code.toString(16)).toMatch(/^\\[a-z0-9{}]+$/);
  });
});

it("lines keep line feeds and tabs, and nothing else", () => {
  expect(harmlessLines("a\r\n\tb\rc\x1b[1A")).toBe("a\n\tb\\rc\\x1b[1A");
});

it("HTML: entities and escapes", () => {
  expect(harmlessHtml(`<img src=x onerror="a('b')">&\u202e`)).toBe("&lt;img src=x onerror=&quot;a(&#39;b&#39;)&quot;&gt;&amp;\\u202e");
});

it("JSON: nothing a terminal acts on, and the same value", () => {
  const value = { "k\u202e": ["\x9b2J", "\x7f", "\u2028", "\u{e0041}", "ab\u200f", "שלום", "\ud800"], n: 1 };
  for (const text of [harmlessJson(value), harmlessJson(value, 2)]) {
    expect(JSON.parse(text)).toEqual(value);
    expect(isHarmless(text.replaceAll("\n", ""))).toBe(true);
    expect(text).toContain("\\u009b2J");
    expect(text).toContain("\\udb40\\udc41");
  }
});

it("an error's message is harmless and bounded; its details are what was found", () => {
  const file = "scan\x1b]0;x\x07.nii";
  const error = new AnyMC3DError("FILE_NOT_FOUND", `${file}: not there`, { details: { file } });
  expect(error.message).toBe("scan\\x1b]0;x\\x07.nii: not there");
  expect(error.stack).not.toContain("\x1b");
  expect(error.details).toEqual({ file });
  expect(errorFrom({ code: "DATA_INVALID", message: "\u202eevil" }).message).toBe("\\u202eevil");
  expect(new AnyMC3DError("DATA_INVALID", "x".repeat(1e6)).message.length).toBeLessThan(8100);
});

it("what is cut says how much", () => expect(bounded("abcdef", 4)).toBe("abcd … (2 more characters)"));
