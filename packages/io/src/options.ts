// Entry point `@anymc3d/io/options`: the table of read options, without the reader: for command lines, forms and checks.

export type { ReadOptions } from "./options/read-options.js";
export { READ_OPTIONS, type ReadOption } from "./options/table.js";
