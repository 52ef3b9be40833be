// An engine around another one that remembers what it has encoded: the same slices under the same adapter are not computed twice.

/** Slices that are the same have the same hash; a LoRA is told by the object that the adapter keeps it in. */
async function hashOf(pixels) {
  const digest = await crypto.subtle.digest("SHA-256", pixels);
  return Buffer.from(digest).toString("hex");
}

const idOf = new WeakMap();
let count = 0;
function identity(object) {
  if (object === undefined) return "none";
  if (!idOf.has(object)) idOf.set(object, ++count);
  return idOf.get(object);
}

/**
 * @param inner an engine, which is this one's from now on
 * @param counts told of what was computed and what was remembered
 */
export function rememberingEngine(inner, counts = { computed: 0, remembered: 0 }) {
  const known = new Map();
  return {
    id: `remembering ${inner.id}`,
    precision: inner.precision,
    backbone: inner.backbone,
    warnings: inner.warnings,
    async forward(slices, lora, want, signal) {
      // What goes backwards, or enters and leaves between blocks, is not for remembering.
      if (want.gradients?.length || want.from || want.until !== undefined) return inner.forward(slices, lora, want, signal);
      const pixels = await slices.read(0, slices.count);
      const { attention = false, patches = false, lastInput = false } = want;
      const key = JSON.stringify([await hashOf(pixels), slices.count, identity(lora?.tensors), attention, patches, lastInput]);
      if (known.has(key)) {
        counts.remembered++;
        want.onSlices?.(slices.count);
      } else {
        const { encoded, release } = await inner.forward(slices, lora, want, signal);
        release();
        known.set(key, encoded);
        counts.computed++;
      }
      return { encoded: known.get(key), release() {} };
    },
    dispose: () => inner.dispose(),
  };
}
