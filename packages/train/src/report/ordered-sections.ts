// Sections of the report on ordered classes: which were taken for which, and the cases that went most wrong.

import { classTable } from "./class-table.js";
import type { ReportParts } from "./report.js";
import { worstPart } from "./worst-part.js";

export const orderedSections = (parts: ReportParts): { title: string; html: string }[] => [
  { title: "Classes", html: classTable(parts) + worstPart(parts.worst) },
];
