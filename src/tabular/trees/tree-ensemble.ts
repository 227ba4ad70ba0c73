/** How raw scores become predictions. */
export type Link =
  /** values as they are (regression) */
  | 'identity'
  /** exp(score): Poisson, Tweedie */
  | 'exp'
  /** one score per row → [1 − p, p] with p = 1 / (1 + e^−score) */
  | 'logistic'
  /** K scores per row → softmax */
  | 'softmax'
  /**
   * leaves hold class probabilities and trees are averaged (forests): K scores per row, or with two classes one
   * score p → [1 − p, p]
   */
  | 'probability';

/**
 * Decision trees in flat arrays. M nodes in all, T trees, L leaves.
 *
 * A row starts at node `roots[t]` of each tree. At an inner node with feature value x (float32):
 * numeric: left when x ≤ threshold; NaN goes left when `defaultLeft`, else right.
 * categorical: left when bit `x` of its bitset is 1; codes beyond the bitset go right.
 * The leaf's `leafWidth` values are added to the outputs: to output `treeOutput[t]` when `leafWidth` is 1, to all
 * outputs when `leafWidth` equals `outputs`.
 */
export interface TreeEnsemble {
  /** D, the width of the matrix. */
  readonly width: number;
  /** Scores per row: 1, or K. */
  readonly outputs: number;
  readonly leafWidth: number;
  readonly link: Link;
  /** [outputs] added to every row's scores. */
  readonly base: Float64Array;
  /** [T] node number of each tree's root. */
  readonly roots: Uint32Array;
  /** [T] output a tree adds to; all 0 when `leafWidth` equals `outputs`. */
  readonly treeOutput: Uint16Array;
  /** [M] feature of an inner node, −1 for a leaf. */
  readonly feature: Int32Array;
  /** [M] float32 threshold of a numeric split, never NaN; +∞ splits missing values from all others. */
  readonly threshold: Float32Array;
  /** [M] node numbers; for a leaf `left` is the leaf's number in `leafValues` and `right` is 0. */
  readonly left: Uint32Array;
  readonly right: Uint32Array;
  /** [M] 1 when NaN goes left. */
  readonly defaultLeft: Uint8Array;
  /** [M] for a categorical split the first 32-bit word of its bitset in `bitsets`, else −1. */
  readonly bitsetStart: Int32Array;
  /** [M] number of 32-bit words of that bitset, else 0. */
  readonly bitsetWords: Uint16Array;
  readonly bitsets: Uint32Array;
  /** [L × leafWidth] already shrunk by the learning rate; forests hold probabilities divided by T. */
  readonly leafValues: Float64Array;
}
