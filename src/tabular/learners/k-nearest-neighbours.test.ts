import { describe, expect, it } from 'vitest';
import { Deadline, Rng, silentLogger } from '#core';
import { OnnxGraph, OnnxSession } from '#engine';
import { FeatureMatrix } from '../features/matrix.ts';
import { kNearestNeighbors } from './k-nearest-neighbours.ts';
import type { FitContext } from './learner.ts';
import { NeighbourSearch, neighbourTable } from './neighbour-search.ts';

const context: FitContext = { seed: 1, threads: 1, deadline: Deadline.none, logger: silentLogger };

/** Points of a small grid, scaled by numbers that float32 rounds, with many equal distances and equal rows. */
function grid(rows: number, seed: number): FeatureMatrix {
  const rng = new Rng(seed);
  const values = Array.from({ length: rows }, () => {
    const indicators = Array.from({ length: 4 }, () => (rng.uniform() < 0.2 ? 2.1 : -0.3));
    return [rng.integer(4) / 3, rng.integer(3) * 0.7, rng.integer(5) / 7, ...indicators];
  }).flat();
  return FeatureMatrix.fromRowMajor(values, 7);
}

describe('NeighbourSearch', () => {
  it('finds what sorting all distances finds, ties in the order of the rows', () => {
    const train = grid(150, 1);
    const queries = grid(30, 2);
    const [t, q] = [train.toRowMajor(), queries.toRowMajor()];
    for (const metric of ['euclidean', 'manhattan'] as const) {
      const found: number[][] = [];
      const table = neighbourTable(train, metric);
      new NeighbourSearch(table, 9).search(queries, (_, { index }) => {
        found.push([...index]);
      });
      const wanted = Array.from({ length: 30 }, (_, row) => {
        const distances = Array.from({ length: 150 }, (_, i) => {
          let total = 0;
          for (let j = 0; j < 7; j++) {
            const d = Math.abs(q[row * 7 + j] - t[i * 7 + j]);
            total += metric === 'euclidean' ? d * d : d;
          }
          return Math.floor(total / table.unit + 0.5);
        });
        const order = [...distances.keys()].sort((a, b) => distances[a] - distances[b] || a - b);
        return order.slice(0, 9);
      });
      expect(found).toEqual(wanted);
    }
  });
});

describe('kNearestNeighbors', () => {
  for (const metric of ['euclidean', 'manhattan'] as const) {
    for (const weights of ['uniform', 'distance'] as const) {
      it(`finds the same rows in ONNX Runtime where distances tie: ${metric}, ${weights}`, async () => {
        const X = grid(300, 3);
        const y = Float64Array.from({ length: 300 }, (_, i) => (i * 7) % 3);
        const model = await kNearestNeighbors.fit(
          { X, y, classes: 3 },
          { neighbors: 6, metric, weights },
          context,
        );
        const graph = new OnnxGraph('knn');
        const features = graph.input('features', 'float32', ['N', 7]);
        graph.output(model.emitOnnx(graph, features), 'float32', ['N', 3], 'p');
        const session = await OnnxSession.create(graph.toModel());
        const queries = grid(200, 4);
        const data = queries.toRowMajor();
        const { p } = await session.run({ features: { dtype: 'float32', data, dims: [200, 7] } });
        await session.release();
        const theirs = p.data as Float32Array;
        const ours = model.predict(queries);
        const worst = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
        expect(worst).toBeLessThan(1e-6);
      });
    }
  }

  it('gives rows at distance 0 all the weight', async () => {
    const X = FeatureMatrix.fromRowMajor([0, 0, 1, 2], 1);
    const y = Float64Array.of(4, 8, 100, 200);
    const model = await kNearestNeighbors.fit({ X, y, classes: 0 }, { neighbors: 3 }, context);
    expect(model.predict(FeatureMatrix.fromRowMajor([0], 1))[0]).toBe(6);
    // 1 / 0.5 for rows 0, 1 and 2: a plain mean.
    expect(model.predict(FeatureMatrix.fromRowMajor([0.5], 1))[0]).toBeCloseTo(112 / 3, 6);
  });
});
