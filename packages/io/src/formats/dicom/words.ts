// How messages name a frame, and list choices.

import type { Choice } from "@anymc3d/core/errors";
import type { DicomFrame } from "./image.js";

export const where = ({ image, index }: DicomFrame): string => (image.frames > 1 ? `${image.file.name} frame ${index + 1}` : image.file.name);

/** As a message lists them, one a line. */
export const listed = (choices: readonly Choice[]): string => choices.map(({ value, text }) => `  ${value}: ${text}`).join("\n");
