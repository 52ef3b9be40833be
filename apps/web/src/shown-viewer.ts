// The viewer on the page, for those who need its picture.

import { signal } from "@preact/signals";
import type { Viewer } from "./viewer.js";

export const shownViewer = signal<Viewer>();
