import { describe, expect, it } from 'vitest';
import { Deadline, Rng } from '#core';
import { type FeatureColumn, FeatureMatrix } from '../features/matrix.ts';
import { choleskyFactor, solveLower, solveLowerTransposed } from './cholesky.ts';
import { DesignMatrix } from './design-matrix.ts';
import { weightedGram } from './gram.ts';
import { Pacer } from './pacer.ts';
import { quadraticModel } from './quadratic-model.ts';

const rows = 30;

/** A dense column, a dense one that is mostly −0.5, and a sparse one. */
function mixedMatrix(): FeatureMatrix {
  const rng = new Rng(4);
  const dense = Float32Array.from({ length: rows }, () => rng.normal());
  const scaled = Float32Array.from({ length: rows }, () => (rng.uniform() < 0.2 ? 2 : -0.5));
  const columns: FeatureColumn[] = [
    { kind: 'dense', values: dense },
    { kind: 'dense', values: scaled },
    { kind: 'sparse', rows: Uint32Array.of(1, 7, 20), values: Float32Array.of(1, -2, 3) },
  ];
  const features = ['a', 'b', 'c'].map((name) => {
    return { name, source: name, type: 'numeric' as const, cardinality: 0 };
  });
  return new FeatureMatrix(rows, features, columns);
}

const X = mixedMatrix();
const rowMajor = Float64Array.from(X.toRowMajor());
const rng = new Rng(9);
const h = Float64Array.from({ length: rows }, () => 0.1 + rng.uniform());
const totalH = h.reduce((total, value) => total + value, 0);
const means = [0, 1, 2].map(
  (j) => h.reduce((total, value, i) => total + value * rowMajor[i * 3 + j], 0) / totalH,
);
/** x[i, j] − mean_j */
const centred = (i: number, j: number) => rowMajor[i * 3 + j] - means[j];

function centredDesign(): DesignMatrix {
  const design = new DesignMatrix(X);
  design.center(design.means(h));
  return design;
}

describe('DesignMatrix', () => {
  it('keeps dominated columns as the rows that differ', () => {
    const design = new DesignMatrix(X);
    expect(design.storedCount(0)).toBe(rows);
    expect(design.storedCount(1)).toBeLessThan(rows / 2);
    expect(design.storedCount(2)).toBe(3);
    expect([...design.shifts]).toEqual([0, -0.5, 0]);
  });

  it('multiplies with the centred matrix', () => {
    const design = centredDesign();
    for (const [j, mean] of design.centers.entries()) expect(mean).toBeCloseTo(means[j], 12);
    const out = new Float64Array(rows);
    design.multiply(Float64Array.of(2, -1, 0.5), 3, out);
    const back = new Float64Array(3);
    design.multiplyTransposed(h, back);
    const squares = design.squares(h);
    for (let i = 0; i < rows; i++) {
      expect(out[i]).toBeCloseTo(3 + 2 * centred(i, 0) - centred(i, 1) + 0.5 * centred(i, 2), 10);
    }
    for (let j = 0; j < 3; j++) {
      const wanted = h.reduce((total, value, i) => total + value * centred(i, j) ** 2, 0);
      expect(back[j]).toBeCloseTo(0, 10);
      expect(squares[j]).toBeCloseTo(wanted, 10);
      expect(design.column(j)[4]).toBeCloseTo(centred(4, j), 10);
    }
  });
});

describe('weightedGram', () => {
  it('is Xᵀ·diag(h)·X, and its Cholesky factor solves with it', async () => {
    const gram = await weightedGram(centredDesign(), h, new Pacer('test', Deadline.none));
    for (let j = 0; j < 3; j++) {
      for (let k = 0; k < 3; k++) {
        const wanted = h.reduce((total, value, i) => total + value * centred(i, j) * centred(i, k), 0);
        expect(gram[j * 3 + k]).toBeCloseTo(wanted, 10);
      }
    }
    const L = choleskyFactor(gram, 3);
    if (L === undefined) throw new Error('the Gram matrix must be positive definite');
    const solution = solveLowerTransposed(L, 3, solveLower(L, 3, Float64Array.of(1, 2, 3)));
    for (let j = 0; j < 3; j++) {
      const product = [0, 1, 2].reduce((total, k) => total + gram[j * 3 + k] * solution[k], 0);
      expect(product).toBeCloseTo(j + 1, 9);
    }
  });

  it('has no Cholesky factor when columns repeat', () => {
    expect(choleskyFactor(Float64Array.of(1, 1, 1, 1), 2)).toBeUndefined();
  });
});

describe('quadraticModel', () => {
  it('has the gradient of Σ g·z + ½ Σ h·z² after any steps, for few columns and for many', async () => {
    const g = Float64Array.from({ length: rows }, (_, i) => Math.sin(i));
    // Columns of zeros make the matrix wide enough for the other way to keep the gradient.
    const zeros = Array.from({ length: 1100 }, (): FeatureColumn => {
      return { kind: 'sparse', rows: new Uint32Array(0), values: new Float32Array(0) };
    });
    const names = zeros.map((_, j) => {
      return { name: `z${j}`, source: 'z', type: 'numeric' as const, cardinality: 0 };
    });
    const wide = new FeatureMatrix(rows, [...X.features, ...names], [...X.columns, ...zeros]);
    for (const matrix of [X, wide]) {
      const pacer = new Pacer('test', Deadline.none);
      const model = await quadraticModel(new DesignMatrix(matrix), g, h, true, pacer);
      model.settleIntercept();
      const d = [0, 0, 0];
      for (const [j, step] of [
        [0, 0.3],
        [2, -0.7],
        [1, 0.2],
        [0, -1],
      ]) {
        model.update(j, step);
        model.settleIntercept();
        d[j] += step;
      }
      const z = Array.from(g, (_, i) =>
        d.reduce((total, value, j) => total + value * rowMajor[i * 3 + j], 0),
      );
      const b = -z.reduce((total, value, i) => total + g[i] + h[i] * value, 0) / totalH;
      expect(model.intercept).toBeCloseTo(b, 10);
      for (let j = 0; j < 3; j++) {
        const wanted = z.reduce(
          (total, value, i) => total + (g[i] + h[i] * (value + b)) * rowMajor[i * 3 + j],
          0,
        );
        expect(model.gradient(j)).toBeCloseTo(wanted, 9);
      }
    }
  });
});
