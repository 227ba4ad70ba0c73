import type { FeatureMatrix } from '../features/matrix.ts';
import type { TreeEnsemble } from './tree-ensemble.ts';

/** Number in `leafValues` of the leaf of tree `t` that a row reaches; `row[j]` is the row's feature j. */
function findLeaf(trees: TreeEnsemble, t: number, row: ArrayLike<number>): number {
  const { feature, left, right } = trees;
  let node = trees.roots[t];
  while (feature[node] >= 0) node = goesLeft(trees, node, row[feature[node]]) ? left[node] : right[node];
  return left[node];
}

function goesLeft(trees: TreeEnsemble, node: number, x: number): boolean {
  const start = trees.bitsetStart[node];
  if (start < 0) return Number.isNaN(x) ? trees.defaultLeft[node] === 1 : x <= trees.threshold[node];
  if (!Number.isInteger(x) || x < 0 || x >= 32 * trees.bitsetWords[node]) return false;
  return ((trees.bitsets[start + (x >>> 5)] >>> (x & 31)) & 1) === 1;
}

/**
 * What the format means, in plain TypeScript: sums the leaves of every tree in float64, tree after tree. The
 * kernel adds in the same order, so both give the same bits.
 *
 * @returns scores [N, outputs], row-major
 */
export function sumTreesReference(trees: TreeEnsemble, X: FeatureMatrix): Float64Array {
  const { outputs, leafWidth } = trees;
  const columns = X.columns.map((_, j) => X.dense(j));
  const scores = new Float64Array(X.rows * outputs);
  const row = new Float32Array(trees.width);
  for (let i = 0; i < X.rows; i++) {
    for (let j = 0; j < row.length; j++) row[j] = columns[j][i];
    const out = i * outputs;
    scores.set(trees.base, out);
    for (let t = 0; t < trees.roots.length; t++) {
      const leaf = findLeaf(trees, t, row) * leafWidth;
      const first = out + trees.treeOutput[t];
      for (let k = 0; k < leafWidth; k++) scores[first + k] += trees.leafValues[leaf + k];
    }
  }
  return scores;
}
