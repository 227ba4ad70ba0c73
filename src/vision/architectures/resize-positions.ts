import type { HostTensor, Shape } from '#core';

/** Sharpness of the cubic kernel, as PyTorch and OpenCV have it. */
const A = -0.75;

/** Weights of the four neighbours of a point that lies `t` behind the second. */
function cubicWeights(t: number): readonly number[] {
  const near = (x: number) => ((A + 2) * x - (A + 3)) * x * x + 1;
  const far = (x: number) => ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

/**
 * Position embeddings of a square grid of patches for another number of patches: the first token stays, the others are
 * interpolated bicubically.
 *
 * @param given `[1, 1 + side², C]`, float32
 * @param shape wanted, `[1, 1 + side'², C]`
 * @returns `undefined` when it fits already, or nothing but the grid could make it fit
 */
export function resizePositions(given: HostTensor, shape: Shape): HostTensor | undefined {
  const [, tokens, features] = given.shape;
  const [from, to] = [Math.sqrt(tokens - 1), Math.sqrt(shape[1] - 1)];
  const isGrid = given.shape.length === 3 && given.dtype === 'float32' && features === shape[2];
  if (!isGrid || from === to || !Number.isInteger(from) || !Number.isInteger(to)) return undefined;
  const source = given.data as Float32Array;
  const data = new Float32Array(shape[1] * features);
  data.set(source.subarray(0, features));
  const taps = Array.from({ length: to }, (_, i) => {
    const position = ((i + 0.5) * from) / to - 0.5;
    const first = Math.floor(position);
    return cubicWeights(position - first).map((weight, k) => ({
      weight,
      index: Math.min(from - 1, Math.max(0, first - 1 + k)),
    }));
  });
  for (let row = 0; row < to; row++) {
    for (let column = 0; column < to; column++) {
      const target = (1 + row * to + column) * features;
      for (const y of taps[row]) {
        for (const x of taps[column]) {
          const start = (1 + y.index * from + x.index) * features;
          const weight = y.weight * x.weight;
          for (let c = 0; c < features; c++) data[target + c] += weight * source[start + c];
        }
      }
    }
  }
  return { dtype: 'float32', shape: [...shape], data };
}
