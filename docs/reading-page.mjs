// The page of formats and read options, from the reader's own tables.
import { formatNames, READ_OPTIONS } from "@anymc3d/io";

const HOLDS = { volume: "a volume", slice: "a slice of a volume", header: "a header, voxels in other files", voxels: "voxels of a header" };

const code = (text) => `\`${text}\``;
const row = (cells) => `| ${cells.join(" | ")} |`;
const table = (head, rows) => [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");

/** @returns Markdown */
export function readingPage() {
  const formats = formatNames().flatMap(({ title, endings }) =>
    endings.map(({ ending, holds, writes, sample }) => [title, code(ending), HOLDS[holds], writes ? "yes" : "", sample ? "yes" : ""]),
  );
  const options = Object.entries(READ_OPTIONS).map(([name, { text, flag, expected, askedBy }]) => [
    code(name),
    flag ? code(`--${flag.name} <${flag.value}>`) : "",
    `${text} (${expected})`,
    formatNames()
      .flatMap(({ title, uses }) => (uses.includes(name) ? [title] : []))
      .join(", ") || "every format",
    askedBy.map(code).join(", "),
  ]);
  return `# Formats and read options

What a file is, is told by its content; endings say which files are looked for, and what is written. Any of these may lie in a folder or a \`.zip\`. What of each is read and refused: the README of \`@anymc3d/io\`.

${table(["format", "ending", "holds", "written", "as an adapter's sample"], formats)}

## Options

Of \`readVolume()\`, \`listSeries()\`, and in \`read\` of \`classify()\`. An error that asks for one names it in \`details.option\`, with its choices.

${table(["option", "on the command line", "", "of", "asked for by"], options)}
`;
}
