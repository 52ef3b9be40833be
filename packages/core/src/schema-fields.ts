// Which fields of a file break its schema.

import type * as z from "zod";

/** The fields that an error of a schema names, `task.labels.0.id`; none without an error. */
export const fieldsOf = (error: z.ZodError | undefined): string[] => [...new Set(error?.issues.map(({ path }) => path.join(".")))];
