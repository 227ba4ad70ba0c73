/** P(positive | f) = 1 / (1 + exp(A·f + B)). */
export interface Sigmoid {
  readonly A: number;
  readonly B: number;
}

const MAX_ITERATIONS = 100;
const MIN_STEP = 1e-10;
/** Added to the diagonal of the Hessian. */
const RIDGE = 1e-12;

/**
 * The sigmoid that best explains labels by scores, fitted by Newton's method to the smoothed targets
 * (n₊ + 1) / (n₊ + 2) and 1 / (n₋ + 2), n being sums of weights.
 *
 * @param scores [N] decision values
 * @param positive whether row i is positive
 * @param weights [N] all 1 when absent
 * @source Lin, Lin and Weng, A Note on Platt's Probabilistic Outputs for Support Vector Machines (2007), algorithm 1
 */
export function fitSigmoid(
  scores: Float64Array,
  positive: (i: number) => boolean,
  weights?: Float64Array,
): Sigmoid {
  const count = [0, 0];
  for (let i = 0; i < scores.length; i++) count[positive(i) ? 1 : 0] += weights?.[i] ?? 1;
  const high = (count[1] + 1) / (count[1] + 2);
  const low = 1 / (count[0] + 2);
  const target = (i: number) => (positive(i) ? high : low);

  /** −Σ s·(t ln p + (1 − t) ln(1 − p)) */
  const loss = (a: number, b: number): number => {
    let total = 0;
    for (let i = 0; i < scores.length; i++) {
      const z = a * scores[i] + b;
      const linear = z >= 0 ? target(i) * z : (target(i) - 1) * z;
      total += (weights?.[i] ?? 1) * (linear + Math.log1p(Math.exp(-Math.abs(z))));
    }
    return total;
  };

  let A = 0;
  let B = Math.log((count[0] + 1) / (count[1] + 1));
  let value = loss(A, B);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    let [gA, gB, hAA, hAB, hBB] = [0, 0, RIDGE, 0, RIDGE];
    for (let i = 0; i < scores.length; i++) {
      const f = scores[i];
      const s = weights?.[i] ?? 1;
      const z = A * f + B;
      const e = Math.exp(-Math.abs(z));
      const p = (z >= 0 ? e : 1) / (1 + e);
      const curvature = s * p * (1 - p);
      const slope = s * (target(i) - p);
      gA += slope * f;
      gB += slope;
      hAA += curvature * f * f;
      hAB += curvature * f;
      hBB += curvature;
    }
    if (Math.abs(gA) < 1e-7 && Math.abs(gB) < 1e-7) break;
    const determinant = hAA * hBB - hAB * hAB;
    const dA = -(hBB * gA - hAB * gB) / determinant;
    const dB = -(hAA * gB - hAB * gA) / determinant;
    const descent = gA * dA + gB * dB;
    let step = 1;
    let next = loss(A + dA, B + dB);
    while (!(next < value + 1e-4 * step * descent) && step >= MIN_STEP) {
      step /= 2;
      next = loss(A + step * dA, B + step * dB);
    }
    if (step < MIN_STEP) break;
    A += step * dA;
    B += step * dB;
    value = next;
  }
  return { A, B };
}
