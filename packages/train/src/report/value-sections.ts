// Sections of the report on a quantity: found against true values, and the cases that went most wrong.

import { harmlessHtml } from "@anymc3d/core/errors";
import { calibratedLogits } from "../metrics/judged.js";
import { chart } from "./charts.js";
import type { ReportParts } from "./report.js";
import { worstPart } from "./worst-part.js";

export function valueSections({ config: { task }, outcome, made, worst }: ReportParts): { title: string; html: string }[] {
  const [{ id, name, unit = "" }] = task.labels as readonly { readonly id: string; readonly name: string; readonly unit?: string }[];
  const points = outcome.predictions.flatMap((prediction) => {
    const truth = prediction.trainCase.labels.get(id);
    return truth === undefined ? [] : [[truth, calibratedLogits(prediction, made)[0]] as const];
  });
  const all = points.flat();
  const domain = [Math.min(...all), Math.max(...all)] as const;
  const scatter = chart({
    label: `Found against true ${name}`,
    x: { title: `true ${name}, ${unit}`, domain },
    y: { title: `found, ${unit}`, domain },
    lines: [
      { name: "validation cases", points, dots: true, joined: false },
      { name: "exact", points: domain.map((edge) => [edge, edge] as const), dashed: true },
    ],
  });
  return [{ title: name, html: `<article><h3>${harmlessHtml(name)}</h3><div class="charts">${scatter}</div>${worstPart(worst)}</article>` }];
}
