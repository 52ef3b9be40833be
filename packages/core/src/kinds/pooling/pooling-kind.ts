// What a kind of pooling must say of itself.

/** A view's vector from its slices', and the way back. */
interface Pooled {
  /** Of the slices; they sum to 1. */
  readonly weights: Float32Array;
  /** [width] */
  readonly embedding: Float32Array;
  backward(dEmbedding: Float32Array): { readonly rows: Float32Array; readonly query: Float32Array | undefined };
}

/** A kind of pooling. */
export interface PoolingKind {
  /** `modules.pooling` of a manifest. */
  readonly id: string;
  /** How slices become one vector, after "How a view's slices become one vector:". */
  readonly text: string;
  /** Whether it has a learned query, `views.V.pool.query` [width]. */
  readonly query: boolean;
  /** @param rows [slices, width] @param query [width], where it has one */
  forward(rows: Float32Array, width: number, query: Float32Array | undefined): Pooled;
}
