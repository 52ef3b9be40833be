// R, L, A, P, S, I at the edges of a plane, light on a dark ground, so that they can be read over any scan.

import type { Niivue } from "@niivue/niivue";

type Color = [red: number, green: number, blue: number, alpha: number];
const LIGHT: Color = [0.93, 0.95, 1, 1];
const GROUND: Color = [0.04, 0.05, 0.07, 0.7];
/** Height of a letter, CSS pixels. */
const HEIGHT = 17;

/** By NiiVue's number of a plane (axial, coronal, sagittal): left, right, top, bottom, as the radiological convention has them. */
const LETTERS: readonly (readonly [left: string, right: string, top: string, bottom: string])[] = [
  ["R", "L", "A", "P"],
  ["R", "L", "S", "I"],
  ["A", "P", "S", "I"],
];

/** Makes NiiVue draw the letters here. @param known whether the scan states where its voxels lie in the patient */
export function showLetters(nv: Niivue, known: boolean): void {
  nv.opts.isOrientationTextVisible = known;
  nv.opts.fontMinPx = HEIGHT;
  nv.opts.fontSizeScaling = 0;
  nv.drawSliceOrientationText = ([left, top, width, height], plane) => {
    const letters = LETTERS.at(plane);
    if (!letters) return;
    nv.gl.viewport(0, 0, nv.gl.canvas.width, nv.gl.canvas.height);
    const size = HEIGHT * (nv.uiData.dpr ?? 1);
    const gap = 0.3 * size;
    const [atLeft, atRight, atTop, atBottom] = letters;
    const wide = (letter: string) => nv.textWidth(size, letter);
    const [middleX, middleY] = [left + width / 2, top + height / 2 - size / 2];
    draw(nv, left + gap, middleY, atLeft, size);
    draw(nv, left + width - gap - wide(atRight), middleY, atRight, size);
    draw(nv, middleX - wide(atTop) / 2, top + gap, atTop, size);
    draw(nv, middleX - wide(atBottom) / 2, top + height - gap - size, atBottom, size);
  };
}

function draw(nv: Niivue, x: number, y: number, letter: string, size: number): void {
  const pad = 0.2 * size;
  nv.drawRect([x - pad, y + 0.14 * size, nv.textWidth(size, letter) + 2 * pad, size], GROUND);
  nv.drawText([x, y], letter, 1, LIGHT);
}
