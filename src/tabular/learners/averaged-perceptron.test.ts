import { describe, expect, it } from 'vitest';
import { Deadline, Rng } from '#core';
import { FeatureMatrix } from '../features/matrix.ts';
import { fitPerceptron } from './averaged-perceptron.ts';
import { Pacer } from './pacer.ts';
import { RowMatrix } from './row-matrix.ts';

describe('fitPerceptron', () => {
  it('averages the states of all steps', async () => {
    // One row, x = 2 and sign −1, three times: 0 ≤ 0 is wrong, so w = −2, b = −1 from the first step on; then
    // −(−4 − 1) = 5 > 0 is right. The states after each step are all (−2, −1), and so is their average.
    const X = new RowMatrix(FeatureMatrix.fromRowMajor([2], 1), true);
    const rows = new Uint32Array(1);
    const weights = Float64Array.of(1);
    const signs = Int8Array.of(-1);
    const pacer = new Pacer('test', Deadline.none);
    const { w, b } = await fitPerceptron({ X, rows, weights, signs, maxIterations: 3 }, new Rng(1), pacer);
    expect([w[0], b]).toEqual([-2, -1]);
  });

  it('equals the plain mean of the states, kept one by one', async () => {
    const rng = new Rng(5);
    const values = Array.from({ length: 60 }, () => rng.normal());
    const X = new RowMatrix(FeatureMatrix.fromRowMajor(values, 3), true);
    const signs = Int8Array.from({ length: 20 }, () => (rng.uniform() < 0.5 ? 1 : -1));
    const weights = Float64Array.from({ length: 20 }, () => 0.5 + rng.uniform());
    const rows = Uint32Array.from(signs.keys());
    const pacer = new Pacer('test', Deadline.none);
    const problem = { X, rows, weights, signs, maxIterations: 4 };
    const found = await fitPerceptron(problem, new Rng(3), pacer);

    const w = new Float64Array(3);
    const mean = new Float64Array(4);
    let b = 0;
    const order = rows.slice();
    const shuffler = new Rng(3);
    for (let pass = 0; pass < 4; pass++) {
      shuffler.shuffle(order);
      for (const i of order) {
        const x = values.slice(3 * i, 3 * i + 3).map(Math.fround);
        if (signs[i] * (x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + b) <= 0) {
          for (let j = 0; j < 3; j++) w[j] += signs[i] * weights[i] * x[j];
          b += signs[i] * weights[i];
        }
        for (let j = 0; j < 3; j++) mean[j] += w[j] / 80;
        mean[3] += b / 80;
      }
    }
    for (let j = 0; j < 3; j++) expect(found.w[j]).toBeCloseTo(mean[j], 10);
    expect(found.b).toBeCloseTo(mean[3], 10);
  });
});
