import type { FeatureBins } from './binning.ts';
import type { Link, TreeEnsemble } from './tree-ensemble.ts';

/** One node as the kernel grew it, in bins. Children are node numbers within the tree. */
export interface GrownNode {
  /** −1 for a leaf. */
  feature: number;
  /** Last bin that goes left. */
  bin: number;
  left: number;
  right: number;
  defaultLeft: boolean;
  /** Of a categorical split: bit b is set when bin b goes left. [8] */
  bitset: ArrayLike<number>;
}

/** Collects grown trees and turns their bins into thresholds and sets of codes. */
export class EnsembleBuilder {
  private readonly bins: readonly FeatureBins[];
  private readonly roots: number[] = [];
  private readonly treeOutput: number[] = [];
  private readonly feature = new Growing(Int32Array);
  private readonly threshold = new Growing(Float32Array);
  private readonly left = new Growing(Uint32Array);
  private readonly right = new Growing(Uint32Array);
  private readonly defaultLeft = new Growing(Uint8Array);
  private readonly bitsetStart = new Growing(Int32Array);
  private readonly bitsetWords = new Growing(Uint16Array);
  private readonly bitsets = new Growing(Uint32Array);
  private readonly leafValues = new Growing(Float64Array);
  private leaves = 0;
  private first = 0;

  constructor(bins: readonly FeatureBins[]) {
    this.bins = bins;
  }

  get trees(): number {
    return this.roots.length;
  }

  /** Starts a tree that adds to `output`; its nodes follow in order, the root first. */
  beginTree(output: number): void {
    this.first = this.feature.length;
    this.roots.push(this.first);
    this.treeOutput.push(output);
  }

  addLeaf(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) this.leafValues.push(values[i]);
    this.addNode(-1, 0, this.leaves++, 0, 0, -1, 0);
  }

  addSplit(node: GrownNode): void {
    const feature = this.bins[node.feature];
    const left = this.first + node.left;
    const right = this.first + node.right;
    if (feature.categorical) {
      const start = this.bitsets.length;
      const words = Math.ceil(feature.binOfCode.length / 32);
      for (let word = 0; word < words; word++) this.bitsets.push(this.codesLeft(feature, node.bitset, word));
      this.addNode(node.feature, 0, left, right, 0, start, words);
    } else {
      const threshold =
        node.bin < feature.thresholds.length ? feature.thresholds[node.bin] : Number.POSITIVE_INFINITY;
      this.addNode(node.feature, threshold, left, right, node.defaultLeft ? 1 : 0, -1, 0);
    }
  }

  private codesLeft(feature: FeatureBins, bitset: ArrayLike<number>, word: number): number {
    let bits = 0;
    const end = Math.min(32, feature.binOfCode.length - word * 32);
    for (let bit = 0; bit < end; bit++) {
      const bin = feature.binOfCode[word * 32 + bit];
      if ((bitset[bin >> 5] >>> (bin & 31)) & 1) bits |= 1 << bit;
    }
    return bits >>> 0;
  }

  private addNode(
    feature: number,
    threshold: number,
    left: number,
    right: number,
    defaultLeft: number,
    bitsetStart: number,
    bitsetWords: number,
  ): void {
    this.feature.push(feature);
    this.threshold.push(threshold);
    this.left.push(left);
    this.right.push(right);
    this.defaultLeft.push(defaultLeft);
    this.bitsetStart.push(bitsetStart);
    this.bitsetWords.push(bitsetWords);
  }

  /**
   * The first `trees` trees as an ensemble.
   * @param scale what every leaf is multiplied with
   */
  build(options: {
    link: Link;
    outputs: number;
    leafWidth: number;
    base: Float64Array;
    trees?: number;
    scale?: number;
  }): TreeEnsemble {
    const { link, outputs, leafWidth, base, trees = this.trees, scale = 1 } = options;
    const nodes = trees < this.trees ? this.roots[trees] : this.feature.length;
    const feature = this.feature.take(nodes);
    let leaves = 0;
    for (const f of feature) if (f < 0) leaves++;
    const leafValues = this.leafValues.take(leaves * leafWidth);
    if (scale !== 1) for (let i = 0; i < leafValues.length; i++) leafValues[i] *= scale;
    return {
      width: this.bins.length,
      outputs,
      leafWidth,
      link,
      base,
      roots: Uint32Array.from(this.roots.slice(0, trees)),
      treeOutput: Uint16Array.from(this.treeOutput.slice(0, trees)),
      feature,
      threshold: this.threshold.take(nodes),
      left: this.left.take(nodes),
      right: this.right.take(nodes),
      defaultLeft: this.defaultLeft.take(nodes),
      bitsetStart: this.bitsetStart.take(nodes),
      bitsetWords: this.bitsetWords.take(nodes),
      bitsets: this.bitsets.take(this.bitsets.length),
      leafValues,
    };
  }
}

type NumberArray = Int32Array | Uint32Array | Uint16Array | Uint8Array | Float32Array | Float64Array;

/** A typed array that grows at its end. */
class Growing<A extends NumberArray> {
  length = 0;
  private array: A;
  private readonly make: new (
    length: number,
  ) => A;

  constructor(make: new (length: number) => A) {
    this.make = make;
    this.array = new make(256);
  }

  push(value: number): void {
    if (this.length === this.array.length) {
      const larger = new this.make(this.length * 2);
      larger.set(this.array);
      this.array = larger;
    }
    this.array[this.length++] = value;
  }

  take(length: number): A {
    return this.array.slice(0, length) as A;
  }
}
