// A JSON Schema as tables that people read: a row a field, with its path, type, default and meaning; a section for each part at the top.

/** @returns Markdown, "## PART" for every object at the top, the fields beside them first */
export function schemaTables(schema) {
  const parts = Object.entries(schema.properties);
  const isPart = ([, node]) => objectsOf(node.type === "array" ? node.items : node).length > 0;
  const seen = new Map();
  const top = parts.filter((part) => !isPart(part)).flatMap(([name, node]) => fieldRows(name, node, isRequired(schema, name), seen));
  const sections = parts.filter(isPart).map(([name, node]) => {
    const [first, ...rows] = fieldRows(name, node, isRequired(schema, name), seen);
    const note = first.type === "object" ? "" : ` (${first.type})`;
    return `## ${name}\n\n${first.meaning}${note}${first.byDefault === "required" ? "" : ` May be left out${leftOut(first)}.`}\n\n${table(rows)}`;
  });
  return [`## At the top\n\n${table(top)}`, ...sections].join("\n\n");
}

const leftOut = ({ byDefault }) => (byDefault === "as below" ? "; the defaults are below" : byDefault && `: ${byDefault}`);

const table = (rows) => {
  const lines = rows.map(({ path, type, byDefault, meaning }) => `| ${breakable(path)} | ${type} | ${byDefault} | ${meaning} |`);
  return ['<div class="fields">\n', "| field | type | default | meaning |", "| --- | --- | --- | --- |", ...lines, "\n</div>"].join("\n");
};

/** Long paths break after their dots. */
const breakable = (path) => `<code>${path.replaceAll(".", ".<wbr>")}</code>`;

const isRequired = (node, name) => (node.required ?? []).includes(name) && node.properties[name].default === undefined;
const choicesOf = (node) => node.oneOf ?? node.anyOf ?? [node];
const objectsOf = (node) => choicesOf(node).filter(({ type }) => type === "object");

/** A field's row, and those of the fields below it. A shape that stands elsewhere already is named, not repeated. */
function fieldRows(path, node, required, seen) {
  const inner = node.type === "array" && node.items ? node.items : node;
  const shape = JSON.stringify({ ...node, description: undefined, default: undefined });
  const known = objectsOf(inner).length ? seen.get(shape) : undefined;
  const row = { path, type: known ? `as \`${known}\`` : typeOf(node), byDefault: defaultOf(node, required), meaning: node.description ?? "" };
  if (known) return [row];
  if (objectsOf(inner).length) seen.set(shape, path);
  return [row, ...rowsBelow(inner === node ? path : `${path}[]`, inner, seen)];
}

function rowsBelow(path, node, seen) {
  const choices = choicesOf(node).filter(({ type }) => type !== "null");
  const several = choices.length > 1 && choices.some(({ description }) => description);
  return choices.flatMap((choice) => {
    const fields = Object.entries(choice.properties ?? {}).filter(([, field]) => field.const === undefined || choices.length === 1);
    const tag = Object.entries(choice.properties ?? {}).find(([, field]) => field.const !== undefined);
    const named = tag && choices.length > 1 ? `\`${tag[0]}\`: \`${JSON.stringify(tag[1].const)}\`` : typeOf(choice);
    const own = several && choice.description ? [{ path, type: named, byDefault: "", meaning: choice.description }] : [];
    return [...own, ...fields.flatMap(([name, field]) => fieldRows(`${path}.${name}`, field, isRequired(choice, name), seen))];
  });
}

function defaultOf(node, required) {
  if (required) return "required";
  if (node.default === undefined) return "";
  const text = JSON.stringify(node.default).replace(/([:,])(?=\S)/g, "$1 ");
  return text.length > 160 ? "as below" : `\`${text}\``;
}

/** In words: "whole number, 1 to 256", "list of text", "`[number, number]`". */
function typeOf(node) {
  const choices = node.oneOf ?? node.anyOf;
  if (choices) return [...new Set(choices.map(typeOf))].join(", or ");
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``;
  if (node.enum) return node.enum.map((value) => `\`${JSON.stringify(value)}\``).join(" or ");
  if (node.prefixItems) return `\`${tuple(node)}\``;
  if (node.type === "array") return `list of ${node.items.enum ? typeOf(node.items) : plural(typeOf(node.items))}`;
  if (node.type === "integer" || node.type === "number") return `${node.type === "integer" ? "whole number" : "number"}${bounds(node)}`;
  return { string: node.format ?? "text", boolean: "true or false" }[node.type] ?? node.type;
}

const plural = (word) => ({ object: "objects", number: "numbers" })[word] ?? word;
const tuple = (node) => (node.prefixItems ? `[${node.prefixItems.map(tuple).join(", ")}]` : node.type);

function bounds({ minimum, exclusiveMinimum, maximum }) {
  const [low, high] = [minimum, maximum].map((bound) => (Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined));
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}`;
  if (low !== undefined) return ` from ${low}`;
  return exclusiveMinimum === undefined ? "" : ` above ${exclusiveMinimum}`;
}
