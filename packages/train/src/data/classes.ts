// Which class a cell of a label column means: shared by tables and arrays.

export interface Named {
  readonly id: string;
  readonly name: string;
}

/** A number never means a position where it could mean a class. */
const numbered = (labels: readonly Named[]) => labels.some(({ id, name }) => /^\d+$/.test(id) || /^\d+$/.test(name));

/** The class with this id, else this name, else at this position from 0 (where no class has a number for an id or name); -1 where none fits. */
export function classAt(text: string, labels: readonly Named[]): number {
  const ids = labels.findIndex(({ id }) => text === id);
  if (ids >= 0) return ids;
  const names = labels.findIndex(({ name }) => text === name);
  if (names >= 0 || numbered(labels)) return names;
  return /^\d+(\.0*)?$/.test(text) ? labels.findIndex((_, i) => Number(text) === i) : -1;
}

/** What {@link classAt} takes, for messages: "0 (cat), 1 (dog)". */
export const classChoices = (labels: readonly Named[]): string => labels.map(({ id }, i) => (numbered(labels) ? id : `${i} (${id})`)).join(", ");
