// Tables looked up by what strangers wrote: a column's name, a field of a header, an account.

/** A table's own entry by a key of any origin; undefined where there is none, also for what every object has (`constructor`, `__proto__`, `toString`). */
export const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined => (Object.hasOwn(table, key) ? table[key] : undefined);
