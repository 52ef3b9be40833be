// From a table of kinds to the zod union of their schemas.

import * as z from "zod";

/** A kind, as far as its schema goes. */
interface WithSchema {
  readonly schema: z.core.$ZodTypeDiscriminable;
}

type SchemasOf<Kinds extends readonly WithSchema[]> = { [K in keyof Kinds]: Kinds[K]["schema"] };

/** One of the table's schemas, told apart by the field `key`. */
export function unionOf<const Kinds extends readonly WithSchema[], Key extends string>(kinds: Kinds, key: Key) {
  const schemas = kinds.map(({ schema }) => schema);
  return z.discriminatedUnion(key, schemas as never) as unknown as z.ZodDiscriminatedUnion<SchemasOf<Kinds>, Key>;
}
