import { sizeOf } from '#core';
import type { Emitter } from '../op-rule.ts';
import type { Value } from '../value.ts';
import { blockedDomain, hasBlocks, reorderRows } from './blocked-layout.ts';

export const permute = (e: Emitter, name: string, ints: readonly number[]): string =>
  e.node('Transpose', [name], { attributes: { perm: { ints } } });

/** The value as a matrix `[N·H·W, C]`, straight from the layout it has. */
export function channelsLast(e: Emitter, value: Value): string {
  const [n, c, h, w] = value.shape;
  if (e.isBlocked(value)) {
    // Only within a pass: kept from the forward to the backward pass it would take memory.
    const rows = e.once(value, `channels last, ${e.phase}`, () =>
      e.node('ReorderOutput', [e.blocked(value)], {
        domain: blockedDomain,
        attributes: { channels: { int: c }, channels_last: { int: 1 } },
      }),
    );
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

/** The windows of a convolution. */
export interface Taps {
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

/** Orders of more rows than this are not written into a model. */
export const MOST_PLACES = 2 ** 15;

/**
 * What the taps meet side by side, `[pixels of all samples, taps·C]`: a matrix by which the kernel is multiplied.
 * @param backwards whether the last tap comes first
 */
export function tapColumns(e: Emitter, image: Value, taps: Taps, backwards = false): string {
  const count = sizeOf(taps.kernel);
  const [n, c, h, w] = image.shape;
  const pixels = n * sizeOf(taps.size);
  if (e.target.device !== 'cpu' || pixels * count > MOST_PLACES) {
    const parts = sliceTaps(e, image, taps);
    if (backwards) parts.reverse();
    return e.reshape(e.node('Concat', parts, { attributes: { axis: { int: 3 } } }), [pixels, count * c]);
  }
  // All threads copy rows; what lies in the padding is a row of zeros at the end.
  const rows = e.node('Pad', [channelsLast(e, image), e.int64([0, 0, 1, 0])]);
  const order = Array.from({ length: pixels * count }, (_, place) => {
    const tap = backwards ? count - 1 - (place % count) : place % count;
    const pixel = Math.floor(place / count);
    const column = pixel % taps.size[1];
    const line = Math.floor(pixel / taps.size[1]) % taps.size[0];
    const sample = Math.floor(pixel / sizeOf(taps.size));
    const at = [
      line * taps.strides[0] - taps.pads[0] + Math.floor(tap / taps.kernel[1]) * taps.dilations[0],
      column * taps.strides[1] - taps.pads[1] + (tap % taps.kernel[1]) * taps.dilations[1],
    ];
    const isInside = at[0] >= 0 && at[0] < h && at[1] >= 0 && at[1] < w;
    return isInside ? (sample * h + at[0]) * w + at[1] : n * h * w;
  });
  return e.reshape(reorderRows(e, rows, [n * h * w + 1, c], order), [pixels, count * c]);
}

/**
 * A weight `[O, I, kH, kW]` with its taps before the input channels, `[O, taps, I]`, or before all, `[taps, O, I]`.
 * Where blocks fit, two operators that use all threads take the place of one `Transpose`.
 */
export function tapsFirst(e: Emitter, weight: Value, place: 'before inputs' | 'before outputs'): string {
  const [o, i, h, w] = weight.shape;
  const { blockSize: b } = e.target;
  const taps = h * w;
  if (!hasBlocks(e.target) || i % b !== 0) {
    return place === 'before inputs'
      ? permute(e, e.reshape(e.plain(weight), [o, i, taps]), [0, 2, 1])
      : permute(e, e.reshape(e.plain(weight), [o * i, taps]), [1, 0]);
  }
  const blocks = e.once(weight, 'blocks of input channels', () =>
    e.node('ReorderInput', [e.reshape(e.plain(weight), [o, i, taps, 1])], { domain: blockedDomain }),
  );
  const samples = place === 'before inputs' ? o : 1;
  const channels = (o * i) / samples;
  return e.once(weight, `taps ${place}`, () =>
    e.node('ReorderOutput', [e.reshape(blocks, [samples, channels, taps, 1])], {
      domain: blockedDomain,
      attributes: { channels: { int: channels }, channels_last: { int: 1 } },
    }),
  );
}
