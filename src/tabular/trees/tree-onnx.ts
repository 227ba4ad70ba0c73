import type { OnnxGraph } from '#engine';
import type { TreeEnsemble } from './tree-ensemble.ts';

const BRANCH_LEQ = 0;
const BRANCH_MEMBER = 6;

/** Inner nodes, leaves and category sets, flattened the way the TreeEnsemble operator wants them. */
class TreeEnsembleAttributes {
  readonly roots: number[] = [];
  readonly featureIds: number[] = [];
  readonly splits: number[] = [];
  readonly modes: number[] = [];
  readonly missingTracksTrue: number[] = [];
  readonly next: [number[], number[]] = [[], []];
  readonly isLeaf: [number[], number[]] = [[], []];
  readonly leafTargets: number[] = [];
  readonly leafWeights: number[] = [];
  readonly members: number[] = [];
  private readonly trees: TreeEnsemble;

  constructor(trees: TreeEnsemble) {
    this.trees = trees;
  }

  /** Adds tree `t` with value `k` of its leaves. */
  add(t: number, k: number): void {
    const { feature, left, right, roots } = this.trees;
    const target = this.trees.treeOutput[t] + k;
    this.roots.push(this.featureIds.length);
    if (feature[roots[t]] < 0) {
      this.addInner(0, 0, BRANCH_LEQ, 0);
      const at = this.featureIds.length - 1;
      this.link(at, 0, this.addLeaf(roots[t], k, target), 1);
      this.link(at, 1, this.next[0][at], 1);
      return;
    }
    const stack = [{ node: roots[t], parent: -1, side: 0 as 0 | 1 }];
    while (stack.length > 0) {
      const { node, parent, side } = stack.pop()!;
      if (feature[node] < 0) {
        this.link(parent, side, this.addLeaf(node, k, target), 1);
        continue;
      }
      const at = this.featureIds.length;
      if (parent >= 0) this.link(parent, side, at, 0);
      this.addSplit(node);
      stack.push({ node: right[node], parent: at, side: 1 }, { node: left[node], parent: at, side: 0 });
    }
  }

  private addSplit(node: number): void {
    const { feature, threshold, defaultLeft, bitsetStart, bitsetWords, bitsets } = this.trees;
    const start = bitsetStart[node];
    if (start < 0) {
      this.addInner(feature[node], threshold[node], BRANCH_LEQ, defaultLeft[node]);
      return;
    }
    this.addInner(feature[node], 0, BRANCH_MEMBER, 0);
    for (let code = 0; code < 32 * bitsetWords[node]; code++) {
      if ((bitsets[start + (code >>> 5)] >>> (code & 31)) & 1) this.members.push(code);
    }
    this.members.push(Number.NaN);
  }

  private addInner(feature: number, split: number, mode: number, missingTracksTrue: number): void {
    this.featureIds.push(feature);
    this.splits.push(split);
    this.modes.push(mode);
    this.missingTracksTrue.push(missingTracksTrue);
    for (const side of [0, 1]) {
      this.next[side].push(0);
      this.isLeaf[side].push(0);
    }
  }

  private addLeaf(node: number, k: number, target: number): number {
    this.leafTargets.push(target);
    return this.leafWeights.push(this.trees.leafValues[this.trees.left[node] * this.trees.leafWidth + k]) - 1;
  }

  private link(parent: number, side: 0 | 1, to: number, leaf: 0 | 1): void {
    this.next[side][parent] = to;
    this.isLeaf[side][parent] = leaf;
  }
}

/**
 * Adds an ensemble's nodes to a graph.
 * @param features name of a float32 tensor [N, D]
 * @returns name of a float32 tensor: probabilities [N, K], or values [N, 1]
 */
export function emitTreeEnsemble(
  graph: OnnxGraph,
  features: string,
  trees: TreeEnsemble,
  classes: number,
): string {
  const attributes = new TreeEnsembleAttributes(trees);
  for (let t = 0; t < trees.roots.length; t++) {
    for (let k = 0; k < trees.leafWidth; k++) attributes.add(t, k);
  }
  const sum = graph.node('TreeEnsemble', [graph.cast(features, 'float64')], {
    domain: 'ai.onnx.ml',
    attributes: {
      n_targets: { int: trees.outputs },
      aggregate_function: { int: 1 },
      post_transform: { int: 0 },
      tree_roots: { ints: attributes.roots },
      nodes_featureids: { ints: attributes.featureIds },
      nodes_splits: {
        tensor: { data: new Float64Array(attributes.splits), dims: [attributes.splits.length] },
      },
      nodes_modes: { tensor: { data: new Uint8Array(attributes.modes), dims: [attributes.modes.length] } },
      nodes_truenodeids: { ints: attributes.next[0] },
      nodes_trueleafs: { ints: attributes.isLeaf[0] },
      nodes_falsenodeids: { ints: attributes.next[1] },
      nodes_falseleafs: { ints: attributes.isLeaf[1] },
      nodes_missing_value_tracks_true: { ints: attributes.missingTracksTrue },
      leaf_targetids: { ints: attributes.leafTargets },
      leaf_weights: {
        tensor: { data: new Float64Array(attributes.leafWeights), dims: [attributes.leafWeights.length] },
      },
      ...(attributes.members.length === 0
        ? {}
        : {
            membership_values: {
              tensor: { data: new Float64Array(attributes.members), dims: [attributes.members.length] },
            },
          }),
    },
  });
  const scores = graph.node('Add', [sum, graph.constant(trees.base, [1, trees.outputs])]);
  return emitLink(graph, scores, trees, classes);
}

function emitLink(graph: OnnxGraph, scores: string, trees: TreeEnsemble, classes: number): string {
  const { link, outputs } = trees;
  if (link === 'exp') return graph.cast(graph.node('Exp', [scores]), 'float32');
  const single = graph.cast(scores, 'float32');
  if (link === 'identity') return single;
  if (link === 'softmax') return graph.node('Softmax', [single], { attributes: { axis: { int: 1 } } });
  if (link === 'probability' && outputs === classes) return single;
  const p = link === 'logistic' ? graph.node('Sigmoid', [single]) : single;
  return graph.node('Concat', [graph.node('Sub', [graph.float(1), p]), p], {
    attributes: { axis: { int: 1 } },
  });
}
