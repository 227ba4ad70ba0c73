import { ConfigError, type Rng } from '#core';

/** @throws ConfigError when a generator is asked for no rows, an impossible share of missing cells or no noise */
export function checkGeneratorOptions(where: string, rows: number, missing: number, noise = 1): void {
  if (!Number.isInteger(rows) || rows < 1) {
    throw new ConfigError(
      `${where}: rows must be a whole number of at least 1, but got ${rows}. Ask for more rows.`,
      {
        rows,
      },
    );
  }
  if (!(noise > 0 && noise < Number.POSITIVE_INFINITY)) {
    throw new ConfigError(`${where}: noise must be above 0, but got ${noise}. Give a deviation such as 1.`, {
      noise,
    });
  }
  if (!(missing >= 0 && missing < 1)) {
    throw new ConfigError(
      `${where}: missing must be in [0, 1), but got ${missing}. Give a share such as 0.05.`,
      {
        missing,
      },
    );
  }
}

/** Index drawn with probabilities proportional to `weights`. */
export function drawIndex(rng: Rng, weights: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i];
  let left = rng.uniform() * total;
  for (let i = 0; i < weights.length - 1; i++) {
    left -= weights[i];
    if (left < 0) return i;
  }
  return weights.length - 1;
}

/** A category drawn by its weight. */
export function drawFrom<T extends string>(rng: Rng, weights: Readonly<Record<T, number>>): T {
  const names = Object.keys(weights) as T[];
  return names[drawIndex(rng, Object.values<number>(weights))];
}

/** A piecewise linear quantile function through points [probability, value], both ascending. */
export function quantileAt(points: readonly (readonly [number, number])[], u: number): number {
  let i = 1;
  while (i < points.length - 1 && points[i][0] < u) i++;
  const [p0, v0] = points[i - 1];
  const [p1, v1] = points[i];
  return v0 + (v1 - v0) * Math.min(1, Math.max(0, (u - p0) / (p1 - p0)));
}

/** Standard normal distribution function, absolute error below 1e-7 (Abramowitz and Stegun 7.1.26). */
export function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const tail =
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const erf = 1 - tail * Math.exp(-z * z);
  return x < 0 ? (1 - erf) / 2 : (1 + erf) / 2;
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Blanks each value with probability `share`; the cells are independent of everything else. */
export function blank<T>(rng: Rng, values: readonly T[], share: number): (T | null)[] {
  return share === 0 ? [...values] : values.map((value) => (rng.uniform() < share ? null : value));
}
