import { ConfigError } from '#core';

/** A number for both axes, or `[height, width]`. */
export type Pair = number | readonly [number, number];

export type PaddingOption = Pair | readonly [number, number, number, number] | 'same' | 'valid';

export function pairOf(value: Pair): readonly [number, number] {
  const pair = typeof value === 'number' ? ([value, value] as const) : value;
  if (pair.length !== 2 || pair.some((each) => !Number.isInteger(each) || each < 0)) {
    throw new ConfigError(
      `kernel, stride, padding: must be whole numbers of at least 0, but got ${JSON.stringify(value)}. Pass one number or [height, width].`,
      { value },
    );
  }
  return pair;
}

/**
 * Padding as `[top, left, bottom, right]`.
 *
 * `'same'` is TensorFlow's: in total max((⌈size/stride⌉ − 1)·stride + (k − 1)·dilation + 1 − size, 0), of which the top
 * and left get the smaller half.
 */
export function padsOf(
  padding: PaddingOption,
  size: readonly number[],
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[] = [1, 1],
): readonly [number, number, number, number] {
  if (padding === 'valid') return [0, 0, 0, 0];
  if (padding === 'same') {
    const totals = [0, 1].map((axis) =>
      Math.max(
        (Math.ceil(size[axis] / stride[axis]) - 1) * stride[axis] +
          (kernel[axis] - 1) * dilation[axis] +
          1 -
          size[axis],
        0,
      ),
    );
    const before = totals.map((total) => Math.floor(total / 2));
    return [before[0], before[1], totals[0] - before[0], totals[1] - before[1]];
  }
  if (typeof padding !== 'number' && padding.length === 4) return padding;
  const [height, width] = pairOf(padding as Pair);
  return [height, width, height, width];
}
