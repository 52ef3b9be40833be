// One run at a time: TensorFlow.js has one current backend per process, and everything computes on it.

const KEY = Symbol.for("anymc3d.tfjs.queue");
const holder = globalThis as { [KEY]?: Promise<unknown> };

/** Runs `work` after all work queued before it, by any engine of any copy of this package. */
export function exclusively<T>(work: () => Promise<T>): Promise<T> {
  const turn = (holder[KEY] ?? Promise.resolve()).then(work);
  holder[KEY] = turn.catch(() => undefined);
  return turn;
}
