/** How a pixel is made of its neighbours; the names of OpenCV's `INTER_*`. */
export type Interpolation = 'nearest' | 'linear' | 'cubic' | 'area' | 'lanczos4';

/** Area is another rule where a picture grows: OpenCV takes it for both axes as soon as one grows. */
export type AxisRule = Interpolation | 'grown area';

/** For every output place of an axis: the first input place, then `taps` weights, all 4 bytes each. */
export interface AxisTable {
  readonly taps: number;
  readonly words: Uint32Array;
}

/** OpenCV's `INTER_CUBIC`: the convolution of Keys (1981) with a = −0.75. */
function cubicWeights(x: number): number[] {
  const a = -0.75;
  const near = (t: number) => ((a + 2) * t - (a + 3)) * t * t + 1;
  const far = (t: number) => ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
  return [far(x + 1), near(x), near(1 - x), far(2 - x)];
}

/** OpenCV's `INTER_LANCZOS4`: sinc(t) · sinc(t / 4) over eight neighbours, made to sum to one. */
function lanczosWeights(x: number): number[] {
  const sinc = (t: number) => (t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t));
  const weights = Array.from({ length: 8 }, (_, k) => sinc(x + 3 - k) * sinc((x + 3 - k) / 4));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Weights of the neighbours around a place that lies `fraction` of a pixel behind the middle left one. */
export function tapWeights(interpolation: Interpolation, fraction: number): number[] {
  if (interpolation === 'nearest') return [1];
  if (interpolation === 'cubic') return cubicWeights(fraction);
  if (interpolation === 'lanczos4') return lanczosWeights(fraction);
  return [1 - fraction, fraction];
}

/** Shares of the input pixels that lie under one output pixel. */
function coveredShares(at: number, scale: number, from: number): [start: number, weights: number[]] {
  const begin = at * scale;
  const end = Math.min(begin + scale, from);
  const start = Math.min(Math.floor(begin + 1e-9), from - 1);
  const weights: number[] = [];
  for (let place = start; place < end - 1e-9; place++) {
    weights.push((Math.min(place + 1, end) - Math.max(place, begin)) / (end - begin));
  }
  return [start, weights];
}

/** Where an output pixel begins, and how far it reaches into the next input pixel. */
function grownArea(at: number, scale: number): [start: number, weights: number[]] {
  const start = Math.floor(at * scale);
  const reach = at + 1 - (start + 1) / scale;
  const fraction = reach <= 0 ? 0 : reach - Math.floor(reach);
  return [start, [1 - fraction, fraction]];
}

function neighbours(
  at: number,
  scale: number,
  from: number,
  interpolation: AxisRule,
): [start: number, weights: number[]] {
  if (interpolation === 'nearest') return [Math.min(Math.floor(at * scale), from - 1), [1]];
  if (interpolation === 'area') return coveredShares(at, scale, from);
  if (interpolation === 'grown area') return grownArea(at, scale);
  const middle = (at + 0.5) * scale - 0.5;
  const left = Math.floor(middle);
  const weights = tapWeights(interpolation, middle - left);
  return [left - (weights.length / 2 - 1), weights];
}

function createTable(from: number, to: number, interpolation: AxisRule): AxisTable {
  const scale = from / to;
  const rows = Array.from({ length: to }, (_, at) =>
    inRange(neighbours(at, scale, from, interpolation), from),
  );
  const most = rows.reduce((length, [, weights]) => Math.max(length, weights.length), 1);
  const words = new Uint32Array(to * (1 + most));
  const weights = new Float32Array(words.buffer, 4 * to);
  rows.forEach(([start, row], at) => {
    // All rows have the same number of weights: shorter ones begin earlier, with zeros.
    const begin = Math.max(0, Math.min(start, from - most));
    words[at] = begin;
    weights.set(row, at * most + start - begin);
  });
  return { taps: most, words };
}

/** Neighbours outside the picture are its outermost pixel. */
function inRange([start, weights]: [number, number[]], from: number): [number, number[]] {
  if (start >= 0 && start + weights.length <= from) return [start, weights];
  const first = Math.min(Math.max(start, 0), from - 1);
  const last = Math.min(Math.max(start + weights.length - 1, 0), from - 1);
  const folded = new Array<number>(last - first + 1).fill(0);
  weights.forEach((weight, k) => {
    folded[Math.min(Math.max(start + k, first), last) - first] += weight;
  });
  return [first, folded];
}

const KEPT_TABLES = 64;
const kept = new Map<string, AxisTable>();

/** The table that takes an axis of `from` pixels to `to`; the latest ones are kept. */
export function axisTable(from: number, to: number, interpolation: AxisRule): AxisTable {
  const key = `${from} ${to} ${interpolation}`;
  let table = kept.get(key);
  if (table === undefined) {
    table = createTable(from, to, interpolation);
    if (kept.size >= KEPT_TABLES) kept.delete(kept.keys().next().value as string);
    kept.set(key, table);
  }
  return table;
}
