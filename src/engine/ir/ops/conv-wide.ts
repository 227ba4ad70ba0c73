import { sizeOf } from '#core';
import type { Emitter, Target } from '../op-rule.ts';
import type { Value } from '../value.ts';
import { blockedConv, hasBlocks, padChannels, passCost, productCost, reorderRows } from './blocked-layout.ts';

/**
 * A convolution of stride 1 over small images, which are laid side by side with zeros between them, so that the weight
 * is read once per row of all images and not once per row of each.
 */
export interface WideConv {
  readonly image: Value;
  /** Shape `[N, C, H, W]` of the result. */
  readonly shape: readonly number[];
  readonly kernel: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
}

/** Images wider than this are wide enough. */
const WIDEST = 16;

/** Columns of zeros between images: enough for what a window reaches beyond either side. */
const gapOf = ({ pads }: WideConv): number => Math.max(pads[1], pads[3]);

const reachOf = ({ kernel, dilations }: WideConv): number => dilations[1] * (kernel[1] - 1);

/** Whether images can be laid side by side. */
export function wideApplies(conv: WideConv, target: Target): boolean {
  const { image, pads } = conv;
  const width = image.shape[3];
  return (
    hasBlocks(target) &&
    image.dtype === 'float32' &&
    image.shape[0] > 1 &&
    image.shape[1] >= target.blockSize &&
    sizeOf(conv.kernel) > 1 &&
    width <= WIDEST &&
    pads.every((pad) => pad >= 0) &&
    reachOf(conv) - pads[1] >= 0 &&
    conv.shape[3] <= width + gapOf(conv)
  );
}

/**
 * Milliseconds.
 * @param products of the pixels of the result with all taps; those of the columns between images come on top
 */
export function wideCost(conv: WideConv, products: number, target: Target): number {
  const { image, shape } = conv;
  const waste = padChannels(shape[1], target) / shape[1];
  const columns = (image.shape[3] + gapOf(conv)) / shape[3];
  const moved = 2 * (sizeOf(image.shape) + sizeOf(shape) * waste);
  return productCost(products * waste * columns, 0.9, target) + passCost(moved, target);
}

/** @returns the result in blocked layout */
export function emitWide(e: Emitter, conv: WideConv, filter: string, bias: readonly string[]): string {
  const { image, shape, kernel, pads, dilations } = conv;
  const { blockSize: b } = e.target;
  const [n, , h, w] = image.shape;
  const ins = padChannels(image.shape[1], e.target) / b;
  const outs = padChannels(shape[1], e.target) / b;
  const [height, width] = [shape[2], w + gapOf(conv)];
  const rows = reorderRows(e, e.blocked(image), [n * ins * h, w * b], swapOuter(n, ins, h));
  const spaced = e.node('Pad', [rows, e.int64([0, 0, 0, gapOf(conv) * b])]);
  const found = blockedConv(e, [e.reshape(spaced, [1, ins * b, h, n * width]), filter, ...bias], {
    kernel,
    dilations,
    pads: [pads[0], pads[1], pads[2], reachOf(conv) - pads[1]],
  });
  const lines = e.reshape(found, [outs * height * n, width * b]);
  const cut =
    shape[3] === width
      ? lines
      : e.node('Slice', [lines, e.int64([0]), e.int64([shape[3] * b]), e.int64([1])]);
  const back = reorderRows(e, cut, [outs * height * n, shape[3] * b], swapBack(n, outs, height));
  return e.reshape(back, [n, outs * b, height, shape[3]]);
}

/** Rows `[N, blocks, H]` in the order `[blocks, H, N]`. */
const swapOuter = (n: number, blocks: number, h: number): number[] =>
  Array.from({ length: n * blocks * h }, (_, row) => {
    const [sample, rest] = [row % n, Math.floor(row / n)];
    return sample * blocks * h + rest;
  });

/** Rows `[blocks, H, N]` in the order `[N, blocks, H]`. */
const swapBack = (n: number, blocks: number, h: number): number[] =>
  Array.from({ length: n * blocks * h }, (_, row) => {
    const [sample, rest] = [Math.floor(row / (blocks * h)), row % (blocks * h)];
    return rest * n + sample;
  });
