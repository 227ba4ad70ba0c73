import type { OnnxAttribute } from '#engine';
import type { TreeEnsemble } from './tree-ensemble.ts';

type Mode = 'BRANCH_LEQ' | 'BRANCH_EQ' | 'BRANCH_GT' | 'LEAF';

/** Where a node's number still has to be written: the places of its parents, as "true" or "false" branch. */
interface Branch {
  readonly node: number;
  readonly trueOf: readonly number[];
  readonly falseOf: number;
}

/**
 * Trees as the attributes of one `TreeEnsembleRegressor` (ai.onnx.ml 3).
 *
 * A set of codes becomes a chain of `x = c` tests that share one child; ONNX Runtime joins the neighbours among
 * them that test one column for 1 … 32. When fewer codes are outside than inside, the outside ones are tested,
 * after `x > last code of the set`.
 *
 * @source https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleRegressor.html
 */
export class OnnxTreeTable {
  private readonly trees: TreeEnsemble;
  private readonly column: (feature: number, window: number) => number;
  private readonly treeIds: number[] = [];
  private readonly nodeIds: number[] = [];
  private readonly featureIds: number[] = [];
  private readonly modes: Mode[] = [];
  private readonly values: number[] = [];
  private readonly missingTracksTrue: number[] = [];
  private readonly trueIds: number[] = [];
  private readonly falseIds: number[] = [];
  private readonly leafTrees: number[] = [];
  private readonly leafNodes: number[] = [];
  private readonly leafTargets: number[] = [];
  private readonly leafWeights: number[] = [];
  private treeCount = 0;
  /** Place of the first node of the tree being added. */
  private first = 0;

  /** @param column number of the column that holds a feature's code − 32 × window */
  constructor(trees: TreeEnsemble, column: (feature: number, window: number) => number) {
    this.trees = trees;
    this.column = column;
  }

  /** Number of nodes. */
  get size(): number {
    return this.nodeIds.length;
  }

  /** Adds tree `t` of the ensemble. */
  add(t: number): void {
    const { feature, left, right, bitsetStart, roots } = this.trees;
    this.first = this.size;
    const stack: Branch[] = [{ node: roots[t], trueOf: [], falseOf: -1 }];
    while (stack.length > 0) {
      const { node, trueOf, falseOf } = stack.pop() as Branch;
      const id = this.size - this.first;
      for (const parent of trueOf) this.trueIds[parent] = id;
      if (falseOf >= 0) this.falseIds[falseOf] = id;
      if (feature[node] < 0) {
        this.addLeaf(t, node);
      } else if (bitsetStart[node] < 0) {
        const at = this.addSplit(node);
        stack.push(
          { node: left[node], trueOf: [at], falseOf: -1 },
          { node: right[node], trueOf: [], falseOf: at },
        );
      } else {
        const { chain, trueChild, falseChild } = this.addSet(node);
        stack.push(
          { node: trueChild, trueOf: chain, falseOf: -1 },
          { node: falseChild, trueOf: [], falseOf: chain[chain.length - 1] },
        );
      }
    }
    this.treeCount++;
  }

  /** The attributes that describe the trees. */
  attributes(): Record<string, OnnxAttribute> {
    return {
      nodes_treeids: { ints: Int32Array.from(this.treeIds) },
      nodes_nodeids: { ints: Int32Array.from(this.nodeIds) },
      nodes_featureids: { ints: Int32Array.from(this.featureIds) },
      nodes_modes: { strings: this.modes },
      nodes_values: { floats: Float32Array.from(this.values) },
      nodes_missing_value_tracks_true: { ints: Int32Array.from(this.missingTracksTrue) },
      nodes_truenodeids: { ints: Int32Array.from(this.trueIds) },
      nodes_falsenodeids: { ints: Int32Array.from(this.falseIds) },
      target_treeids: { ints: Int32Array.from(this.leafTrees) },
      target_nodeids: { ints: Int32Array.from(this.leafNodes) },
      target_ids: { ints: Int32Array.from(this.leafTargets) },
      target_weights: { floats: Float32Array.from(this.leafWeights) },
    };
  }

  private addLeaf(t: number, node: number): void {
    const { left, leafWidth, leafValues, treeOutput } = this.trees;
    // ONNX Runtime 1.30 joins tests of one column whose leaves have equal node values, even when the leaves' weights
    // differ (seen with several targets). Numbered leaves are never taken for one another.
    const at = this.addNode(0, 'LEAF', this.size - this.first, 0);
    for (let k = 0; k < leafWidth; k++) {
      this.leafTrees.push(this.treeCount);
      this.leafNodes.push(at - this.first);
      this.leafTargets.push(treeOutput[t] + k);
      this.leafWeights.push(leafValues[left[node] * leafWidth + k]);
    }
  }

  private addSplit(node: number): number {
    const { feature, threshold, defaultLeft } = this.trees;
    return this.addNode(feature[node], 'BRANCH_LEQ', threshold[node], defaultLeft[node]);
  }

  /** The places of a chain of tests for one set; each leads to `trueChild` when true, the last else to the other. */
  private addSet(node: number): { chain: number[]; trueChild: number; falseChild: number } {
    const { feature, left, right } = this.trees;
    const column = feature[node];
    const { inside, outside } = splitCodes(this.trees, node);
    const chain: number[] = [];
    const testOutside = inside.length > outside.length + 1;
    if (testOutside) {
      const last = inside[inside.length - 1];
      chain.push(this.addNode(column, 'BRANCH_GT', last, 0));
    }
    for (const code of testOutside ? outside : inside) {
      const window = Math.max(0, (code - 1) >> 5);
      chain.push(this.addNode(this.column(column, window), 'BRANCH_EQ', code - 32 * window, 0));
    }
    // An empty set: no code is below 0.
    if (chain.length === 0) chain.push(this.addNode(column, 'BRANCH_EQ', -1, 0));
    for (let i = 1; i < chain.length; i++) this.falseIds[chain[i - 1]] = chain[i] - this.first;
    return testOutside
      ? { chain, trueChild: right[node], falseChild: left[node] }
      : { chain, trueChild: left[node], falseChild: right[node] };
  }

  private addNode(column: number, mode: Mode, value: number, missingTracksTrue: number): number {
    const at = this.size;
    this.treeIds.push(this.treeCount);
    this.nodeIds.push(at - this.first);
    this.featureIds.push(column);
    this.modes.push(mode);
    this.values.push(value);
    this.missingTracksTrue.push(missingTracksTrue);
    this.trueIds.push(0);
    this.falseIds.push(0);
    return at;
  }
}

/** Codes of the set at `node`, and the codes below its last one that are not in it, both ascending. */
function splitCodes(trees: TreeEnsemble, node: number): { inside: number[]; outside: number[] } {
  const { bitsetStart, bitsetWords, bitsets } = trees;
  const inside: number[] = [];
  const gaps: number[] = [];
  let outside = 0;
  for (let code = 0; code < 32 * bitsetWords[node]; code++) {
    if ((bitsets[bitsetStart[node] + (code >>> 5)] >>> (code & 31)) & 1) {
      inside.push(code);
      outside = gaps.length;
    } else gaps.push(code);
  }
  return { inside, outside: gaps.slice(0, outside) };
}
