import { describe, expect, it } from 'vitest';
import { Rng } from '#core';
import { FeatureMatrix } from '../features/matrix.ts';
import { RowMatrix, RowWeights } from './row-matrix.ts';

/** Eight rows: a number, and an indicator scaled to −0.5 and 2, which is −0.5 in six rows. */
const values = [3, -0.5, 1, -0.5, 0, 2, 4, -0.5, 2, -0.5, 5, -0.5, -1, 2, 7, -0.5];
const X = FeatureMatrix.fromRowMajor(values, 2);

describe('RowMatrix', () => {
  it('stores what differs from the dominant value of a column', () => {
    const rows = new RowMatrix(X, true);
    expect([...rows.base]).toEqual([0, -0.5]);
    expect(rows.values.length).toBe(7 + 2);
    expect([...rows.squaredNorms()]).toEqual(
      Array.from({ length: 8 }, (_, i) => values[2 * i] ** 2 + values[2 * i + 1] ** 2),
    );
  });

  it('has weights that give the same numbers with and without base', () => {
    const shifted = new RowWeights(new RowMatrix(X, true));
    const plain = new RowWeights(new RowMatrix(X, false));
    const rng = new Rng(2);
    for (let step = 0; step < 50; step++) {
      const i = rng.integer(8);
      const factor = rng.normal();
      shifted.add(i, factor);
      plain.add(i, factor);
      if (step === 20) for (const w of [shifted, plain]) w.scale(0.3);
    }
    for (let i = 0; i < 8; i++) expect(shifted.dot(i)).toBeCloseTo(plain.dot(i), 10);
    const [a, b] = [shifted.toArray(), plain.toArray()];
    expect(a[0]).toBeCloseTo(b[0], 10);
    expect(a[1]).toBeCloseTo(b[1], 10);
    const products = new RowMatrix(X, true).multiply(b, 1);
    for (let i = 0; i < 8; i++) expect(products[i]).toBeCloseTo(plain.dot(i) + 1, 10);
  });
});
