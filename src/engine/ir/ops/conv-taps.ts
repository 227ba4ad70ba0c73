import { sizeOf } from '#core';
import type { Emitter } from '../op-rule.ts';
import type { Value } from '../value.ts';
import { blockedDomain, hasBlocks } from './blocked-layout.ts';

export const permute = (e: Emitter, name: string, ints: readonly number[]): string =>
  e.node('Transpose', [name], { attributes: { perm: { ints } } });

/** The value as a matrix `[N·H·W, C]`, straight from the layout it has. */
export function channelsLast(e: Emitter, value: Value): string {
  const [n, c, h, w] = value.shape;
  if (e.isBlocked(value)) {
    const rows = e.node('ReorderOutput', [e.blocked(value)], {
      domain: blockedDomain,
      attributes: { channels: { int: c }, channels_last: { int: 1 } },
    });
    return e.reshape(rows, [n * h * w, c]);
  }
  return e.reshape(permute(e, e.plain(value), [0, 2, 3, 1]), [n * h * w, c]);
}

/** A matrix `[N·H·W, C]` as an image of the given shape `[N, C, H, W]`, blocked where that is possible. */
export function fromChannelsLast(
  e: Emitter,
  matrix: string,
  shape: readonly number[],
): string | { blocked: string } {
  const [n, c, h, w] = shape;
  const rows = e.reshape(matrix, [n, h, w, c]);
  if (!hasBlocks(e.target) || c % e.target.blockSize !== 0) return permute(e, rows, [0, 3, 1, 2]);
  return {
    blocked: e.node('ReorderInput', [rows], {
      domain: blockedDomain,
      attributes: { channels_last: { int: 1 } },
    }),
  };
}

interface Taps {
  /** Height and width of the kernel. */
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Top, left, bottom, right; at least 0. */
  readonly pads: readonly number[];
  /** Height and width of the result of the convolution. */
  readonly size: readonly number[];
}

/** What each tap of a kernel meets: the image padded, `[N, Hp, Wp, C]`, cut to `[N, Ho, Wo, C]`. */
export function sliceTaps(
  e: Emitter,
  image: Value,
  { kernel, strides, dilations, pads, size }: Taps,
): string[] {
  const [n, c, h, w] = image.shape;
  const rows = e.reshape(channelsLast(e, image), [n, h, w, c]);
  const padded = pads.every((pad) => pad === 0)
    ? rows
    : e.node('Pad', [rows, e.int64([0, pads[0], pads[1], 0, 0, pads[2], pads[3], 0])]);
  const last = size.map((length, axis) => (length - 1) * strides[axis] + 1);
  return Array.from({ length: sizeOf(kernel) }, (_, k) => {
    const start = [Math.floor(k / kernel[1]) * dilations[0], (k % kernel[1]) * dilations[1]];
    const end = [start[0] + last[0], start[1] + last[1]];
    return e.node('Slice', [padded, e.int64(start), e.int64(end), e.int64([1, 2]), e.int64(strides)]);
  });
}
