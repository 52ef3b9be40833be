// A progress bar on standard error, only where somebody watches it.

import { harmless } from "@anymc3d/core/errors";
import { Presets, SingleBar } from "cli-progress";
import { watched } from "./terminal.js";

export interface Bar {
  /** Draws it. @param words for the places in the format, such as a file's name */
  show(done: number, total: number, words?: Readonly<Record<string, string>>): void;
  /** Ends it, so that lines can be printed. */
  clear(): void;
}

/**
 * @param format of cli-progress: `{bar}`, `{value}`, `{total}` and words
 * @param options `shown`: false for none at all. `stays`: its last state stays on the screen
 */
export function progressBar(format: string, { shown = true, stays = false } = {}): Bar {
  let bar: SingleBar | undefined;
  return {
    show(done, total, words = {}) {
      const stream = shown && watched();
      if (!stream) return;
      const safe = Object.fromEntries(Object.entries(words).map(([name, word]) => [name, harmless(word)]));
      if (!bar) {
        bar = new SingleBar({ format, stream, clearOnComplete: !stays, hideCursor: true, fps: 10 }, Presets.shades_classic);
        bar.start(total, done, safe);
      }
      bar.setTotal(total);
      bar.update(done, safe);
    },
    clear() {
      bar?.stop();
      bar = undefined;
    },
  };
}
