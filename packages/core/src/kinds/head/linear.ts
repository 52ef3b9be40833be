// The linear head: a row and a bias for every logit.

export const linear = {
  id: "linear",
  text: "a row of weights and a bias for every logit",
  shapes: (outputs: number, width: number) => ({ weight: [outputs, width], bias: [outputs] }),
  faults: () => [],
} as const;
