// The cumulative-logit head of ordered classes: one row, the score, and a bias for every boundary between a class and the next.

export const cumulative = {
  id: "cumulative",
  text: "one row of weights, the score, and a bias for every boundary between ordered classes",
  shapes: (outputs: number, width: number) => ({ weight: [1, width], bias: [outputs] }),
  faults(bias: ArrayLike<number>): string[] {
    const rises = Array.from(bias).findIndex((value, k, all) => k > 0 && value > all[k - 1]);
    return rises < 0 ? [] : [`head.bias rises from ${bias[rises - 1]} to ${bias[rises]} at boundary ${rises}; P(class > k) cannot grow with k, so it must not`];
  },
} as const;
