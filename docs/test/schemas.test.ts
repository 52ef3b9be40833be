// The schemas of adapter.json and task.json explain every field, and the site's tables show all of it.
import { adapterJsonSchema } from "@anymc3d/core/learn";
import { trainConfigJsonSchema } from "@anymc3d/train";
import { describe, expect, test } from "vitest";

// A script of the build, without types.
const { schemaTables }: { schemaTables(schema: unknown): string } = await import("../schema-table.mjs" as string);

interface Node {
  readonly description?: string;
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
}

/** Every field of a schema: its path, with [] for items of a list, and its description. A constant that tells choices apart needs none. */
function fieldsOf(node: Node, path = "", inChoice = false): { path: string; description?: string }[] {
  const choices = node.oneOf ?? node.anyOf;
  if (choices) return choices.flatMap((choice) => fieldsOf(choice, path, true));
  if (node.items) return fieldsOf(node.items, `${path}[]`);
  return Object.entries(node.properties ?? {}).flatMap(([name, field]) => {
    const own = path ? `${path}.${name}` : name;
    if (inChoice && field.const !== undefined) return [];
    return [{ path: own, description: field.description }, ...fieldsOf(field, own)];
  });
}

const pathOf = (cell: string) => cell.replaceAll(/<[^>]*>/g, "");

describe.each([
  ["adapter.json", adapterJsonSchema(), "input.views[].expect.minimum.range"],
  ["task.json", trainConfigJsonSchema(), "training.augment.rotate.degrees"],
])("%s", (_, json, known) => {
  const fields = fieldsOf(json as Node);

  test("every field is described", () => {
    expect(fields.map(({ path }) => path)).toContain(known);
    expect(fields.filter(({ description }) => !description?.trim())).toEqual([]);
  });

  test("the table has a row for every field, with its description", () => {
    const rows = schemaTables(json)
      .split("\n")
      .map((line: string) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));
    const parts = [...schemaTables(json).matchAll(/^## (.*)$/gm)].map(([, name]) => name);
    // A shape that a row names ("as `path`") has its rows there.
    const elsewhere = rows.flatMap(([path, type]: string[]) => (type?.startsWith("as `") ? [pathOf(path)] : []));
    const missing = fields.filter(
      ({ path, description }) =>
        !parts.includes(path) &&
        !elsewhere.some((each: string) => path.startsWith(`${each}.`) || path.startsWith(`${each}[].`)) &&
        !rows.some((cells: string[]) => pathOf(cells[0]) === path && cells[3] === description),
    );
    expect(missing).toEqual([]);
    expect(elsewhere.length).toBeGreaterThan(2);
  });
});
