import { type DesignMatrix, sum } from './design-matrix.ts';
import type { Pacer } from './pacer.ts';

/**
 * Xᵀ·diag(h)·X, row-major [D, D], of the (centred) design.
 *
 * Every pair of columns costs as much as the sparser of the two: the fuller one is written out, the sparser one walks
 * over its entries.
 */
export async function weightedGram(X: DesignMatrix, h: Float64Array, pacer: Pacer): Promise<Float64Array> {
  const { width, shifts } = X;
  const gram = new Float64Array(width * width);
  const total = sum(h);
  const storedH = Float64Array.from(shifts, (_, j) => X.storedDot(j, h));
  const fullestFirst = [...shifts.keys()].sort((a, b) => X.storedCount(b) - X.storedCount(a));
  const written = new Float64Array(X.rows);
  for (const [rank, j] of fullestFirst.entries()) {
    if (pacer.due()) await pacer.pause();
    X.addStoredWeighted(j, 1, h, written);
    for (const k of fullestFirst.slice(rank)) {
      const value =
        X.storedDot(k, written) +
        shifts[j] * storedH[k] +
        shifts[k] * storedH[j] +
        shifts[j] * shifts[k] * total;
      gram[j * width + k] = value;
      gram[k * width + j] = value;
    }
    X.clearStored(j, written);
  }
  return gram;
}
