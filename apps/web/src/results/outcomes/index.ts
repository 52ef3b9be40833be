// The table of forms that an outcome can have. Page, report, picture and spoken text follow from it; a new form is a file and a line here.

import type { ClassifyResult } from "@anymc3d/core";
import { classes } from "./classes.js";
import { forced } from "./forced.js";
import type { OutcomeForm } from "./form.js";
import { ordered } from "./ordered.js";
import { quantity } from "./quantity.js";
import { yesNo } from "./yes-no.js";

/** The first that fits; what was forced is shown as that, whatever it is. */
export const FORMS: readonly OutcomeForm[] = [forced, yesNo, classes, ordered, quantity];

/** How a result is drawn and worded. @throws Error for a result that no form fits */
export function formOf(result: ClassifyResult): OutcomeForm {
  const form = FORMS.find(({ fits }) => fits(result));
  if (!form) throw new Error(`This page cannot show the result of a task of kind ${result.task}. A newer page may.`);
  return form;
}
