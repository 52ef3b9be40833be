// Which class a cell of a label column means: shared by tables and arrays.

export interface Named {
  readonly id: string;
  readonly name: string;
  /** Of ordered classes that are numbers. */
  readonly value?: number;
}

/** A number never means a position where it could mean a class. */
const numbered = (labels: readonly Named[]) => labels.some(({ id, name, value }) => value !== undefined || /^\d+$/.test(id) || /^\d+$/.test(name));

/** The class with this id, else this name, else this value, else at this position from 0 (where no class has a number for an id, name or value); -1 where none fits. */
export function classAt(cell: string, labels: readonly Named[]): number {
  const text = /^\d+\.0*$/.test(cell) ? cell.slice(0, cell.indexOf(".")) : cell; // as programs write whole numbers in a column with blanks
  for (const of of [({ id }: Named) => id, ({ name }: Named) => name, ({ value }: Named) => String(value ?? "")]) {
    const at = labels.findIndex((label) => of(label) === cell || of(label) === text);
    if (at >= 0) return at;
  }
  return !numbered(labels) && /^\d+$/.test(text) ? labels.findIndex((_, i) => Number(text) === i) : -1;
}

/** What {@link classAt} takes, for messages: "0 (cat), 1 (dog)". */
export const classChoices = (labels: readonly Named[]): string =>
  labels.map(({ id, value }, i) => (value !== undefined && String(value) !== id ? `${id} (${value})` : numbered(labels) ? id : `${i} (${id})`)).join(", ");
