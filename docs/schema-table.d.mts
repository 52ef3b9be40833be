/** A JSON Schema as Markdown tables: "## PART" for every object at the top, the fields beside them first. */
export function schemaTables(schema: unknown): string;
