import { Rng } from '#core';

/** Eigenvalues in falling order, with eigenvectors as the rows of `vectors` [k, n]. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

const DIRECT_SIZE = 160;
const MAX_SWEEPS = 30;
const MAX_ITERATIONS = 60;

/**
 * The k largest eigenvalues of a symmetric, positive semi-definite matrix [n, n], with their vectors. Small matrices
 * by Jacobi rotations; larger ones by subspace iteration with k + 10 vectors drawn from `seed`. The largest component
 * of every vector is positive.
 *
 * @source Golub and Van Loan, Matrix Computations, sections 8.5 (cyclic Jacobi) and 8.2.4 (orthogonal iteration)
 */
export function symmetricEigen(matrix: Float64Array, n: number, k: number, seed = 0): Eigen {
  const eigen = n <= DIRECT_SIZE ? jacobi(matrix, n) : subspaceIteration(matrix, n, k, seed);
  const vectors = eigen.vectors.slice(0, k * n);
  for (let c = 0; c < k; c++) fixSign(vectors.subarray(c * n, (c + 1) * n));
  return { values: eigen.values.slice(0, k), vectors };
}

function jacobi(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice();
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  for (let sweep = 0; sweep < MAX_SWEEPS && !isDiagonal(a, n); sweep++) {
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, n, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j] - a[i * n + i] || i - j);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    vectors.set(v.subarray(from * n, (from + 1) * n), to * n);
  });
  return { values: Float64Array.from(order, (i) => Math.max(0, a[i * n + i])), vectors };
}

function isDiagonal(a: Float64Array, n: number): boolean {
  let off = 0;
  let all = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      all += a[i * n + j] ** 2;
      if (i !== j) off += a[i * n + j] ** 2;
    }
  }
  return off <= 1e-26 * all;
}

/** Makes a[p, q] zero by the rotation with tan θ = sign(τ) / (|τ| + √(1 + τ²)), τ = (a[q, q] − a[p, p]) / (2 a[p, q]). */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q];
  if (apq === 0) return;
  const tau = (a[q * n + q] - a[p * n + p]) / (2 * apq);
  const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
  const c = 1 / Math.sqrt(1 + t * t);
  const s = t * c;
  for (let k = 0; k < n; k++) {
    const x = a[p * n + k];
    const y = a[q * n + k];
    a[p * n + k] = c * x - s * y;
    a[q * n + k] = s * x + c * y;
    const u = v[p * n + k];
    const w = v[q * n + k];
    v[p * n + k] = c * u - s * w;
    v[q * n + k] = s * u + c * w;
  }
  for (let k = 0; k < n; k++) {
    const x = a[k * n + p];
    const y = a[k * n + q];
    a[k * n + p] = c * x - s * y;
    a[k * n + q] = s * x + c * y;
  }
}

function subspaceIteration(matrix: Float64Array, n: number, k: number, seed: number): Eigen {
  const size = Math.min(n, k + 10);
  const rng = new Rng(seed).fork('eigen');
  let basis = Float64Array.from({ length: size * n }, () => rng.normal());
  orthonormalise(basis, size, n);
  let previous = new Float64Array(size);
  for (let iteration = 0; ; iteration++) {
    const image = multiply(basis, matrix, size, n);
    // Rayleigh–Ritz: the eigenvectors of the matrix within the span of the basis.
    const small = new Float64Array(size * size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        const product = dot(basis, i * n, image, j * n, n);
        small[i * size + j] = product;
        small[j * size + i] = product;
      }
    }
    const ritz = jacobi(small, size);
    const change = ritz.values.slice(0, k).reduce((max, x, i) => Math.max(max, Math.abs(x - previous[i])), 0);
    if (iteration === MAX_ITERATIONS || change <= 1e-12 * ritz.values[0]) {
      return { values: ritz.values, vectors: combine(ritz.vectors, basis, size, n) };
    }
    previous = ritz.values.slice();
    basis = combine(ritz.vectors, image, size, n);
    orthonormalise(basis, size, n);
  }
}

/** rows · matrix for a symmetric matrix: [size, n] × [n, n]. */
function multiply(
  rows: Float64Array,
  matrix: Float64Array,
  size: number,
  n: number,
): Float64Array<ArrayBuffer> {
  const out = new Float64Array(size * n);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < n; j++) out[i * n + j] = dot(rows, i * n, matrix, j * n, n);
  }
  return out;
}

/** weights · rows: [size, size] × [size, n]. */
function combine(
  weights: Float64Array,
  rows: Float64Array,
  size: number,
  n: number,
): Float64Array<ArrayBuffer> {
  const out = new Float64Array(size * n);
  for (let i = 0; i < size; i++) {
    for (let m = 0; m < size; m++) {
      const w = weights[i * size + m];
      for (let j = 0; j < n; j++) out[i * n + j] += w * rows[m * n + j];
    }
  }
  return out;
}

/** Modified Gram–Schmidt, twice for accuracy; a row that vanishes becomes zero. */
function orthonormalise(rows: Float64Array, size: number, n: number): void {
  for (let i = 0; i < size; i++) {
    const before = Math.sqrt(dot(rows, i * n, rows, i * n, n));
    for (let pass = 0; pass < 2; pass++) {
      for (let m = 0; m < i; m++) {
        const projection = dot(rows, i * n, rows, m * n, n);
        for (let j = 0; j < n; j++) rows[i * n + j] -= projection * rows[m * n + j];
      }
    }
    const norm = Math.sqrt(dot(rows, i * n, rows, i * n, n));
    const factor = norm > 1e-12 * before && norm > 0 ? 1 / norm : 0;
    for (let j = 0; j < n; j++) rows[i * n + j] *= factor;
  }
}

function dot(a: Float64Array, startA: number, b: Float64Array, startB: number, n: number): number {
  let sum = 0;
  for (let j = 0; j < n; j++) sum += a[startA + j] * b[startB + j];
  return sum;
}

function fixSign(vector: Float64Array): void {
  let largest = 0;
  for (let j = 1; j < vector.length; j++)
    if (Math.abs(vector[j]) > Math.abs(vector[largest]) + 1e-9) largest = j;
  if (vector[largest] < 0) for (let j = 0; j < vector.length; j++) vector[j] = -vector[j];
}
