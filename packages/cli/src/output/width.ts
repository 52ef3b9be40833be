// How many columns of a terminal a text takes, and texts brought to a width.

/** Drawn over the character before them. */
const NONE = /\p{M}/u;
/** Two columns each: scripts of East Asia and pictures. */
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;
const columnsOf = (character: string): number => (NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

export const widthOf = (text: string): number => [...text].reduce((sum, character) => sum + columnsOf(character), 0);

/** With blanks behind it. */
export const padded = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - widthOf(text)));

/** In lines of at most so many columns. */
export function folded(text: string, most: number): string[] {
  const lines = [""];
  let width = 0;
  for (const character of text) {
    width += columnsOf(character);
    if (width > most) {
      lines.push("");
      width = columnsOf(character);
    }
    lines[lines.length - 1] += character;
  }
  return lines;
}

/** The beginning of a text that is too wide, and "…". */
export const cut = (text: string, most: number): string => (widthOf(text) <= most ? text : `${folded(text, most - 1)[0]}…`);
