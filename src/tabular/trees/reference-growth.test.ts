import { describe, expect, it } from 'vitest';
import { Deadline, Rng, silentLogger } from '#core';
import { type FeatureInfo, FeatureMatrix } from '../features/matrix.ts';
import { gradientBoosting } from './gradient-boosting.ts';

const context = { seed: 0, threads: 1, deadline: Deadline.none, logger: silentLogger };

interface Settings {
  readonly maxLeaves: number;
  readonly minSamplesLeaf: number;
  readonly regLambda: number;
  readonly regAlpha: number;
  readonly minSplitGain: number;
}

interface Split {
  readonly gain: number;
  readonly left: number[];
  readonly right: number[];
}

/** Half the reduction of the second-order loss of squared error, by exhaustive search in float64 on the raw values. */
class ReferenceGrower {
  readonly columns: Float32Array[];
  readonly features: readonly FeatureInfo[];
  readonly gradients: Float64Array;
  readonly settings: Settings;

  constructor(X: FeatureMatrix, gradients: Float64Array, settings: Settings) {
    this.columns = X.columns.map((_, j) => X.dense(j));
    this.features = X.features;
    this.gradients = gradients;
    this.settings = settings;
  }

  private sum(rows: number[]): number {
    return rows.reduce((sum, row) => sum + this.gradients[row], 0);
  }

  private shrink(g: number): number {
    return Math.sign(g) * Math.max(0, Math.abs(g) - this.settings.regAlpha);
  }

  private score(rows: number[]): number {
    return this.shrink(this.sum(rows)) ** 2 / (rows.length + this.settings.regLambda);
  }

  value(rows: number[]): number {
    return -this.shrink(this.sum(rows)) / (rows.length + this.settings.regLambda);
  }

  private *leftSides(rows: number[], j: number): Generator<(row: number) => boolean> {
    const x = this.columns[j];
    if (this.features[j].type === 'categorical') {
      const codes = [...new Set(rows.map((row) => x[row]))].filter((code) => code > 0);
      const ratio = (code: number) => {
        const members = rows.filter((row) => x[row] === code);
        return this.sum(members) / members.length;
      };
      codes.sort((a, b) => ratio(a) - ratio(b));
      for (const order of codes.length <= 4 ? [] : [codes, [...codes].reverse()]) {
        for (let i = 1; i <= order.length; i++) {
          const set = new Set(order.slice(0, i));
          yield (row) => set.has(x[row]);
        }
      }
      if (codes.length <= 4) for (const code of codes) yield (row) => x[row] === code;
      return;
    }
    const values = [...new Set(rows.map((row) => x[row]).filter((v) => !Number.isNaN(v)))].sort(
      (a, b) => a - b,
    );
    for (const value of values) {
      yield (row) => x[row] <= value;
      yield (row) => !(x[row] > value);
    }
  }

  private best(rows: number[]): Split | undefined {
    let best: Split | undefined;
    for (let j = 0; j < this.columns.length; j++) {
      for (const goesLeft of this.leftSides(rows, j)) {
        const left = rows.filter(goesLeft);
        const right = rows.filter((row) => !goesLeft(row));
        if (Math.min(left.length, right.length) < this.settings.minSamplesLeaf) continue;
        const gain = 0.5 * (this.score(left) + this.score(right) - this.score(rows));
        if (gain > this.settings.minSplitGain + 1e-9 && gain > (best?.gain ?? 0))
          best = { gain, left, right };
      }
    }
    return best;
  }

  /** Leaf-wise growth. @returns rows of every leaf */
  grow(): number[][] {
    const root = [...this.gradients.keys()];
    const leaves = [{ rows: root, split: this.best(root) }];
    while (leaves.length < this.settings.maxLeaves) {
      let chosen = -1;
      for (const [i, { split }] of leaves.entries()) {
        if (split !== undefined && (chosen < 0 || split.gain > (leaves[chosen].split as Split).gain))
          chosen = i;
      }
      if (chosen < 0) break;
      const { left, right } = leaves[chosen].split as Split;
      leaves.splice(
        chosen,
        1,
        { rows: left, split: this.best(left) },
        { rows: right, split: this.best(right) },
      );
    }
    return leaves.map(({ rows }) => rows);
  }
}

function table(seed: number, missing: boolean, categorical: boolean) {
  const rng = new Rng(seed);
  const n = 240;
  const features: FeatureInfo[] = [];
  const columns = [];
  for (let j = 0; j < 4; j++) {
    const isCategorical = categorical && j >= 2;
    const cardinality = isCategorical ? (j === 2 ? 4 : 9) : 0;
    const values = Float32Array.from({ length: n }, () => {
      if (isCategorical) return rng.integer(cardinality);
      return missing && rng.uniform() < 0.2 ? Number.NaN : rng.integer(30) / 4;
    });
    features.push({
      name: `x${j}`,
      source: `x${j}`,
      type: isCategorical ? 'categorical' : 'numeric',
      cardinality,
    });
    columns.push({ kind: 'dense' as const, values });
  }
  const X = new FeatureMatrix(n, features, columns);
  const y = Float64Array.from({ length: n }, (_, i) => {
    const a = X.dense(0)[i];
    const c = X.dense(3)[i] || 0;
    return (Number.isNaN(a) ? 3 : Math.sin(a)) + ((c * 7) % 5) * 0.4 + 0.5 * rng.normal();
  });
  return { X, y };
}

describe('tree growth against an exhaustive reference', () => {
  const cases: [string, boolean, boolean, Partial<Settings>][] = [
    ['numbers', false, false, {}],
    ['numbers with missing values', true, false, {}],
    ['categories', false, true, {}],
    ['categories and missing values', true, true, {}],
    ['L1 and L2 penalties', true, true, { regAlpha: 2, regLambda: 3 }],
    ['a least number of rows per leaf', true, true, { minSamplesLeaf: 25 }],
    ['a least gain', true, true, { minSplitGain: 4 }],
  ];
  for (const [name, missing, categorical, changed] of cases) {
    it(`finds the same leaves and values with ${name}`, async () => {
      for (let seed = 1; seed <= 4; seed++) {
        const { X, y } = table(seed, missing, categorical);
        const settings = {
          maxLeaves: 10,
          minSamplesLeaf: 1,
          regLambda: 0,
          regAlpha: 0,
          minSplitGain: 0,
          ...changed,
        };
        const mean = y.reduce((sum, value) => sum + value, 0) / y.length;
        const grower = new ReferenceGrower(
          X,
          y.map((value) => mean - value),
          settings,
        );
        const expected = new Float64Array(y.length);
        const leaves = grower.grow();
        for (const rows of leaves) for (const row of rows) expected[row] = mean + grower.value(rows);
        const model = await gradientBoosting.fit(
          { X, y, classes: 0 },
          { ...settings, iterations: 1, learningRate: 1, catSmooth: 0, catL2: 0, maxCatThreshold: 254 },
          context,
        );
        const got = model.predict(X);
        for (let i = 0; i < y.length; i++) expect(Math.abs(got[i] - expected[i])).toBeLessThan(1e-4);
        expect(new Set(got).size).toBe(new Set(leaves.map((rows) => grower.value(rows))).size);
      }
    });
  }
});
