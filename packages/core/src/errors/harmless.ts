// Text of strangers, made harmless before it reaches a terminal, a page or a log. Titles, labels, file names, headers, servers' answers: what this
// program did not write may hold signs that move a cursor, repaint a line, turn its order round or hide words. They are shown as escapes instead.

/**
 * Control characters (C0, DEL, C1), lone surrogates, separators of lines and paragraphs, signs of interlinear text, and all that Unicode draws as
 * nothing: direction marks, overrides and isolates, zero-width characters, tags, variation selectors.
 */
const HARMFUL = /[\p{Cc}\p{Cs}\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]/gu;
/** Scripts whose words are spelled with joiners (U+200C, U+200D). */
const JOINED = String.raw`[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Malayalam}\p{Script=Sinhala}]`;
const SPELLED = new RegExp(`(?<=${JOINED})[\\u200c\\u200d](?=${JOINED})`, "uy");
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escapeOf(found: string, at: number, text: string): string {
  SPELLED.lastIndex = at;
  if (SPELLED.test(text)) return found;
  const code = found.codePointAt(0) as number;
  if (Object.hasOwn(SHORT, found)) return SHORT[found];
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\u{${code.toString(16)}}`;
}

/** A text for one line: `\x1b`, `\u202e`, `\n` in place of what it must not hold. Doing it twice changes nothing. */
export const harmless = (text: string): string => text.replace(HARMFUL, escapeOf);

/** A text of several lines: as {@link harmless}, but line feeds and tabs stay. */
export const harmlessLines = (text: string): string =>
  text.replaceAll("\r\n", "\n").replace(HARMFUL, (found, at, whole) => (found === "\n" || found === "\t" ? found : escapeOf(found, at, whole)));

/** Whether a text holds something that {@link harmless} would escape. */
export const isHarmless = (text: string): boolean => harmless(text) === text;

const RTL = String.raw`[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\u200c\u200d]`;
/** Letters that are written from right to left, with single blanks and points between them; digits, which may be ours, end it. */
const RTL_WORDS = new RegExp(`${RTL}(?:[\\p{M} .,'"/-]?${RTL}|\\p{M})*`, "gu");

/** Honest words from right to left between U+2068 and U+2069, so that what stands beside them keeps its place. For text that is harmless already. */
export const isolated = (text: string): string => text.replace(RTL_WORDS, "\u2068$&\u2069");

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** A text for HTML, as content or in an attribute's quotes. */
export const harmlessHtml = (text: string): string => isolated(harmlessLines(text)).replace(/[&<>"']/g, (found) => ENTITIES[found]);

/** JSON in ASCII where a terminal could be moved: the same value when parsed. */
export function harmlessJson(value: unknown, indent?: number): string {
  const unit = (code: number) => `\\u${code.toString(16).padStart(4, "0")}`;
  const units = (found: string) => Array.from({ length: found.length }, (_, i) => unit(found.charCodeAt(i))).join("");
  return JSON.stringify(value, null, indent).replace(HARMFUL, (found) => (found === "\n" ? found : units(found)));
}

const MOST = 8000;

/** A message of any length, cut where nobody reads on. */
export const bounded = (text: string, most = MOST): string => (text.length <= most ? text : `${text.slice(0, most)} … (${text.length - most} more characters)`);
