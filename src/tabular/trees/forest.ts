import { ConfigError, hashString } from '#core';
import { treeLayout as at, TreeTeam } from '#kernels';
import { effectiveWeights } from '../learners/class-weights.ts';
import type { FitContext, TrainingData } from '../learners/learner.ts';
import { Pacer } from '../learners/pacer.ts';
import { chooseBins, type FeatureBins, writeBins } from './binning.ts';
import { EnsembleBuilder } from './ensemble-builder.ts';
import type { ForestParameters } from './forest-parameters.ts';
import type { TreeEnsemble } from './tree-ensemble.ts';

/** Row visits of a slot between two looks at the deadline: some twenty milliseconds. */
const budget = 4_000_000;

export interface ForestKind extends ForestParameters {
  /** One random cut per feature instead of the best one (Geurts, Ernst and Wehenkel 2006). */
  readonly randomCuts: boolean;
}

/**
 * Averages decision trees grown side by side, one per slot of the kernel (Breiman 2001). The trees depend on the seed
 * and their number only.
 */
export async function growForest(
  where: string,
  data: TrainingData,
  kind: ForestKind,
  context: FitContext,
): Promise<TreeEnsemble> {
  checkCriterion(where, kind, data.classes);
  const pacer = new Pacer(where, context.deadline);
  const team = TreeTeam.acquire(Math.min(context.threads, kind.trees));
  try {
    const bins = await chooseBins(team, data.X, kind.maxBins, context.seed, pacer);
    const padded = Math.ceil(data.X.rows / 64) * 64;
    const columns = team.allocate(padded * bins.length);
    const place = (j: number) => ({ address: columns + j * padded, stride: 1 });
    await writeBins(team, data.X, bins, place, pacer);
    const forest = new Forest(team, data, kind, bins, columns, context.seed);
    return await forest.run(pacer);
  } finally {
    team.release();
  }
}

function checkCriterion(where: string, { criterion }: ForestKind, classes: number): void {
  if (criterion === 'auto' || (criterion === 'squared_error') === (classes === 0)) return;
  throw new ConfigError(
    `${where}: criterion must fit the task, but got "${criterion}" for ` +
      `${classes === 0 ? 'a regression' : 'a classification'}. Use "auto".`,
  );
}

class Forest {
  private readonly team: TreeTeam;
  private readonly kind: ForestKind;
  private readonly classes: number;
  private readonly seed: number;
  private readonly builder: EnsembleBuilder;
  private readonly slots: number[] = [];
  private readonly center: number;
  /** Values per leaf: K from three classes on, else 1. */
  private readonly leafWidth: number;

  constructor(
    team: TreeTeam,
    data: TrainingData,
    kind: ForestKind,
    bins: readonly FeatureBins[],
    columns: number,
    seed: number,
  ) {
    this.team = team;
    this.kind = kind;
    this.classes = data.classes;
    this.seed = seed;
    this.leafWidth = data.classes > 2 ? data.classes : 1;
    this.builder = new EnsembleBuilder(bins, this.leafWidth);
    const rows = data.X.rows;
    const padded = Math.ceil(rows / 64) * 64;
    team.setInt(at.ROWS, rows);
    team.setInt(at.PADDED_ROWS, padded);
    team.setInt(at.WIDTH, bins.length);
    team.setInt(at.COLUMN_BINS, columns);
    placeForestFeatures(team, bins);
    this.center = this.placeTargets(data, padded);
    this.placeSettings(rows, bins.length);
    this.placeSlots(rows, padded, bins.length);
  }

  /** Value and weight of every row as whole numbers. @returns what was subtracted from the values */
  private placeTargets({ y, weights, classes }: TrainingData, padded: number): number {
    const { team } = this;
    const data = { y, weights, classes } as TrainingData;
    const balanced = classes > 0 ? this.kind.classWeight : null;
    const given = weights === undefined && balanced === null ? undefined : effectiveWeights(data, balanced);
    const w = given?.every((weight) => weight === given[0]) ? undefined : given;
    const n = y.length;
    let weightSum = n;
    let mean = 0;
    if (w !== undefined) weightSum = w.reduce((sum, weight) => sum + weight, 0);
    if (classes === 0) for (let i = 0; i < n; i++) mean += ((w?.[i] ?? 1) * y[i]) / weightSum;
    // Sums over a bootstrap sample must fit 32 bits; a row is drawn a dozen times at most in practice.
    const weightScale = w === undefined ? 1 : 2 ** 28 / weightSum;
    let deviation = 0;
    if (classes === 0) for (let i = 0; i < n; i++) deviation += (w?.[i] ?? 1) * Math.abs(y[i] - mean);
    const valueScale = deviation > 0 ? 2 ** 27 / deviation : 1;
    const address = team.allocate(padded * 8);
    const words = team.i32(address, n * 2);
    for (let i = 0; i < n; i++) {
      const weight = w === undefined ? 1 : Math.max(1, Math.round(w[i] * weightScale));
      words[2 * i] = weight;
      if (classes > 2) words[2 * i + 1] = y[i];
      else if (classes === 2) words[2 * i + 1] = y[i] * weight;
      else words[2 * i + 1] = Math.round((w?.[i] ?? 1) * (y[i] - mean) * valueScale);
    }
    team.setInt(at.FOREST_ROWS, address);
    team.setInt(at.FOREST_UNWEIGHTED, w === undefined && !this.kind.bootstrap ? 1 : 0);
    if (classes === 0) {
      const targets = team.allocate(padded * 4);
      const view = team.f32(targets, n);
      for (let i = 0; i < n; i++) view[i] = y[i] - mean;
      team.setInt(at.TARGETS, targets);
    }
    return mean;
  }

  private placeSettings(rows: number, width: number): void {
    const { team, kind, classes, leafWidth } = this;
    const share = kind.maxFeatures;
    const features =
      share !== null ? Math.round(share * width) : classes === 0 ? Math.ceil(width / 3) : Math.sqrt(width);
    const draws = Math.max(1, Math.round(kind.maxSamples * rows));
    const ints: Record<number, number> = {
      [at.FOREST_DRAWS]: kind.bootstrap ? draws : 0,
      [at.FOREST_RANDOM_CUTS]: kind.randomCuts ? 1 : 0,
      [at.FOREST_FEATURES]: Math.max(1, Math.floor(features)),
      [at.FOREST_CLASSES]: leafWidth,
      [at.FOREST_ENTROPY]: kind.criterion === 'entropy' ? 1 : 0,
      [at.FOREST_NODE_LIMIT]: nodeLimit(rows, kind),
      [at.FOREST_BUDGET]: budget,
      [at.FOREST_MIN_SAMPLES_SPLIT]: kind.minSamplesSplit,
      [at.FOREST_MEANS]: classes === 0 ? 1 : 0,
      [at.MAX_DEPTH]: kind.maxDepth,
      [at.MIN_SAMPLES_LEAF]: kind.minSamplesLeaf,
    };
    for (const [field, value] of Object.entries(ints)) team.setInt(Number(field), value);
    // The kernel's score of two classes is half the Gini impurity, and entropies are in nats.
    const unit = kind.criterion === 'entropy' ? Math.LN2 : classes === 2 ? 0.5 : 1;
    team.setReal(at.FOREST_MIN_DECREASE, kind.minImpurityDecrease * unit);
    const scratchBytes = 64 + (leafWidth === 1 ? 2048 : leafWidth * 1024) + leafWidth * 16 + 3072 + 64;
    team.setInt(at.FOREST_SCRATCH_BYTES, scratchBytes);
    team.setInt(at.FOREST_SCRATCH, team.allocateZeroed(scratchBytes * team.threads));
  }

  private placeSlots(rows: number, padded: number, width: number): void {
    const { team, kind, leafWidth } = this;
    const perThread = rows > 100_000 || team.threads === 1 ? 1 : 4;
    const count = Math.min(kind.trees, team.threads * perThread);
    const nodes = nodeLimit(rows, kind);
    const table = team.allocate(count * 4);
    for (let s = 0; s < count; s++) {
      const slot = team.allocateZeroed(at.SLOT_BYTES);
      const parts = [
        padded * 4,
        padded * 8,
        padded * 4,
        padded * 8,
        nodes * at.FOREST_NODE_BYTES,
        ((nodes >> 1) + 1) * leafWidth * 8,
        width * 4,
      ].map((bytes) => team.allocate(bytes));
      team.u32(slot + 32, parts.length).set(parts);
      this.slots.push(slot);
    }
    team.u32(table, count).set(this.slots);
    team.setInt(at.FOREST_SLOTS, table);
  }

  async run(pacer: Pacer): Promise<TreeEnsemble> {
    const { team, kind, classes, slots, leafWidth } = this;
    for (let first = 0; first < kind.trees; first += slots.length) {
      const planted = Math.min(slots.length, kind.trees - first);
      for (let s = 0; s < planted; s++) {
        const seed = hashString(`tree ${first + s}`, this.seed | 0) | 0;
        team.i32(slots[s], 2).set([1, seed]);
      }
      while (team.exports.growForest(planted) > 0) {
        team.check();
        if (pacer.due()) await pacer.pause();
      }
      team.check();
      if (pacer.due()) await pacer.pause();
      for (let s = 0; s < planted; s++) this.harvest(slots[s]);
    }
    const ensemble = this.builder.build({
      link: classes === 0 ? 'identity' : 'probability',
      outputs: leafWidth,
      base: new Float64Array(leafWidth).fill(classes === 0 ? this.center : 0),
      scale: 1 / kind.trees,
    });
    if (classes > 0) roundShares(ensemble.leafValues);
    return ensemble;
  }

  /** Copies a slot's finished tree. */
  private harvest(slot: number): void {
    const { team, builder, leafWidth } = this;
    const nodes = team.i32(slot + 8, 1)[0];
    const leaves = team.i32(slot + 16, 1)[0];
    const [address, values] = team.u32(slot + 48, 2);
    const stride = at.FOREST_NODE_BYTES / 4;
    const words = team.i32(address, nodes * stride);
    const leafValues = team.f64(values, leaves * leafWidth);
    builder.beginTree(0, nodes);
    for (let word = 0; word < words.length; word += stride) {
      if (words[word] < 0) {
        builder.addLeaf(leafValues, words[word + 2] * leafWidth);
      } else {
        builder.addSplit({
          feature: words[word],
          bin: words[word + 1],
          left: words[word + 2],
          right: words[word + 3],
          defaultLeft: words[word + 4] >= 0,
          bitset: words.subarray(word + 12, word + 20),
        });
      }
    }
  }
}

/** Rounds shares down to multiples of 2⁻⁴⁸: sums of those are exact, so that no probability exceeds 1. */
function roundShares(values: Float64Array): void {
  for (let i = 0; i < values.length; i++) values[i] = Math.floor(values[i] * 2 ** 48) / 2 ** 48;
}

/** Most nodes a tree can have. */
function nodeLimit(rows: number, { minSamplesLeaf, maxDepth }: ForestKind): number {
  const leaves = Math.ceil(rows / Math.max(1, minSamplesLeaf));
  return 2 * (maxDepth > 0 && maxDepth < 24 ? Math.min(leaves, 2 ** maxDepth) : leaves) + 1;
}

function placeForestFeatures(team: TreeTeam, bins: readonly FeatureBins[]): void {
  const width = bins.length;
  const valueBins = team.allocate(width * 4);
  const missingBin = team.allocate(width * 4);
  const kind = team.allocate(width);
  team.i32(valueBins, width).set(bins.map((feature) => feature.valueBins));
  team.i32(missingBin, width).set(bins.map((feature) => (feature.categorical ? -1 : feature.valueBins)));
  team.u8(kind, width).set(bins.map((feature) => (feature.categorical ? 1 : 0)));
  team.setInt(at.VALUE_BINS, valueBins);
  team.setInt(at.MISSING_BIN, missingBin);
  team.setInt(at.KIND, kind);
}
