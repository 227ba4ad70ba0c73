/**
 * L of A = L·Lᵀ for a symmetric positive definite matrix; only the lower triangle of A is read.
 *
 * @param A row-major [n, n]; not changed
 * @returns row-major lower triangle [n, n], or `undefined` when A is not positive definite within rounding
 */
export function choleskyFactor(A: Float64Array, n: number): Float64Array | undefined {
  const L = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const other = j * n;
      let value = A[row + j];
      for (let k = 0; k < j; k++) value -= L[row + k] * L[other + k];
      if (i !== j) L[row + j] = value / L[other + j];
      else if (value > 1e-14 * Math.abs(A[row + i])) L[row + i] = Math.sqrt(value);
      else return undefined;
    }
  }
  return L;
}

/** Solves L·x = b in place. */
export function solveLower(L: Float64Array, n: number, b: Float64Array): Float64Array {
  for (let i = 0; i < n; i++) {
    let value = b[i];
    for (let k = 0; k < i; k++) value -= L[i * n + k] * b[k];
    b[i] = value / L[i * n + i];
  }
  return b;
}

/** Solves Lᵀ·x = b in place. */
export function solveLowerTransposed(L: Float64Array, n: number, b: Float64Array): Float64Array {
  for (let i = n - 1; i >= 0; i--) {
    b[i] /= L[i * n + i];
    for (let k = 0; k < i; k++) b[k] -= L[i * n + k] * b[i];
  }
  return b;
}
