// What a kind of fusion must say of itself.

/** One vector from the views', and the way back. */
interface Fused {
  /** Of the views; they sum to 1. */
  readonly weights: Float32Array;
  /** What the head takes. */
  readonly embedding: Float32Array;
  /** @returns rows [views, width] */
  backward(dEmbedding: Float32Array): { readonly rows: Float32Array; readonly query: Float32Array | undefined };
}

/** A kind of fusion. */
export interface FusionKind {
  /** `modules.fusion` of a manifest. */
  readonly id: string;
  /** What it does with several views, for people; absent where it takes one. */
  readonly text?: string;
  /** Whether it has a learned query, `fusion.query` [width]. */
  readonly query: boolean;
  takes(views: number): boolean;
  /** Length of the vector that the head takes. */
  width(views: number, width: number): number;
  /** @param stacked [views, width] @param query [width], where it has one */
  forward(stacked: Float32Array, views: number, query: Float32Array | undefined): Fused;
}
