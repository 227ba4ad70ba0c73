import type { FeatureBins } from './binning.ts';
import type { Link, TreeEnsemble } from './tree-ensemble.ts';

/** One split as the kernel grew it, in bins. Children are node numbers within the tree. */
export interface GrownSplit {
  readonly feature: number;
  /** Last bin that goes left. */
  readonly bin: number;
  readonly left: number;
  readonly right: number;
  readonly defaultLeft: boolean;
  /** Of a categorical split: bit b is set when bin b goes left. [8] */
  readonly bitset: ArrayLike<number>;
}

/** Collects grown trees and turns their bins into thresholds and sets of codes. */
export class EnsembleBuilder {
  private readonly bins: readonly FeatureBins[];
  private readonly leafWidth: number;
  private readonly roots: number[] = [];
  private readonly treeOutput: number[] = [];
  private feature = new Int32Array(0);
  private threshold = new Float32Array(0);
  private left = new Uint32Array(0);
  private right = new Uint32Array(0);
  private defaultLeft = new Uint8Array(0);
  private bitsetStart = new Int32Array(0);
  private bitsetWords = new Uint16Array(0);
  private leafValues = new Float64Array(0);
  private readonly bitsets: number[] = [];
  private nodes = 0;
  private leaves = 0;
  private first = 0;

  constructor(bins: readonly FeatureBins[], leafWidth: number) {
    this.bins = bins;
    this.leafWidth = leafWidth;
  }

  get trees(): number {
    return this.roots.length;
  }

  /** Starts a tree of `nodes` nodes that adds to `output`; its nodes follow in order, the root first. */
  beginTree(output: number, nodes: number): void {
    this.first = this.nodes;
    this.roots.push(this.first);
    this.treeOutput.push(output);
    const needed = this.nodes + nodes;
    if (needed <= this.feature.length) return;
    const capacity = Math.max(needed, 2 * this.feature.length);
    this.feature = enlarged(this.feature, new Int32Array(capacity));
    this.threshold = enlarged(this.threshold, new Float32Array(capacity));
    this.left = enlarged(this.left, new Uint32Array(capacity));
    this.right = enlarged(this.right, new Uint32Array(capacity));
    this.defaultLeft = enlarged(this.defaultLeft, new Uint8Array(capacity));
    this.bitsetStart = enlarged(this.bitsetStart, new Int32Array(capacity));
    this.bitsetWords = enlarged(this.bitsetWords, new Uint16Array(capacity));
    this.leafValues = enlarged(this.leafValues, new Float64Array(capacity * this.leafWidth));
  }

  /** @param values where the leaf's `leafWidth` values lie, from `from` on */
  addLeaf(values: Float64Array, from: number): void {
    const at = this.leaves * this.leafWidth;
    for (let i = 0; i < this.leafWidth; i++) this.leafValues[at + i] = values[from + i];
    const node = this.nodes++;
    this.feature[node] = -1;
    this.left[node] = this.leaves++;
    this.bitsetStart[node] = -1;
  }

  addSplit(split: GrownSplit): void {
    const feature = this.bins[split.feature];
    const node = this.nodes++;
    this.feature[node] = split.feature;
    this.left[node] = this.first + split.left;
    this.right[node] = this.first + split.right;
    if (feature.categorical) {
      const words = Math.ceil(feature.binOfCode.length / 32);
      this.bitsetStart[node] = this.bitsets.length;
      this.bitsetWords[node] = words;
      for (let word = 0; word < words; word++) this.bitsets.push(codesLeft(feature, split.bitset, word));
    } else {
      const { thresholds } = feature;
      this.threshold[node] = split.bin < thresholds.length ? thresholds[split.bin] : Number.POSITIVE_INFINITY;
      this.defaultLeft[node] = split.defaultLeft ? 1 : 0;
      this.bitsetStart[node] = -1;
    }
  }

  /**
   * The first `trees` trees as an ensemble.
   * @param scale what every leaf is multiplied with
   */
  build(options: {
    link: Link;
    outputs: number;
    base: Float64Array;
    trees?: number;
    scale?: number;
  }): TreeEnsemble {
    const { link, outputs, base, trees = this.trees, scale = 1 } = options;
    const nodes = trees < this.trees ? this.roots[trees] : this.nodes;
    const feature = this.feature.slice(0, nodes);
    let leaves = 0;
    for (const f of feature) if (f < 0) leaves++;
    const leafValues = this.leafValues.slice(0, leaves * this.leafWidth);
    if (scale !== 1) for (let i = 0; i < leafValues.length; i++) leafValues[i] *= scale;
    return {
      width: this.bins.length,
      outputs,
      leafWidth: this.leafWidth,
      link,
      base,
      roots: Uint32Array.from(this.roots.slice(0, trees)),
      treeOutput: Uint16Array.from(this.treeOutput.slice(0, trees)),
      feature,
      threshold: this.threshold.slice(0, nodes),
      left: this.left.slice(0, nodes),
      right: this.right.slice(0, nodes),
      defaultLeft: this.defaultLeft.slice(0, nodes),
      bitsetStart: this.bitsetStart.slice(0, nodes),
      bitsetWords: this.bitsetWords.slice(0, nodes),
      bitsets: Uint32Array.from(this.bitsets),
      leafValues,
    };
  }
}

/** Word `word` of the set of codes whose bin goes left. */
function codesLeft(feature: FeatureBins, bitset: ArrayLike<number>, word: number): number {
  let bits = 0;
  const end = Math.min(32, feature.binOfCode.length - word * 32);
  for (let bit = 0; bit < end; bit++) {
    const bin = feature.binOfCode[word * 32 + bit];
    if ((bitset[bin >> 5] >>> (bin & 31)) & 1) bits |= 1 << bit;
  }
  return bits >>> 0;
}

function enlarged<A extends { set(from: A): void }>(old: A, larger: A): A {
  larger.set(old);
  return larger;
}
