import { sizeOf } from '#core';
import type { Emitter, Target } from '../op-rule.ts';
import type { GraphNode } from '../value.ts';
import { blockedConv, blockedDomain, hasBlocks, reorderRows } from './blocked-layout.ts';
import { channelsLast } from './conv-taps.ts';
import { sumRows } from './sum-rows.ts';

type Node = GraphNode<'conv2dWeight'>;

/** Blocks of output channels that ONNX Runtime's blocked convolution computes at once. */
const BLOCKS_AT_ONCE = 4;

/** How rows of pixels become blocks of channels. */
interface Rows {
  /** Samples that share a block, where a row is shorter than a block. */
  readonly shared: number;
  /** Blocks of one row. */
  readonly perRow: number;
  /** Groups of samples that are added up at the end, so that every thread has work. */
  readonly groups: number;
}

function rowsOf({ inputs: [x, dy], attributes: { shape } }: Node, { blockSize: b, threads }: Target): Rows {
  const [n, , , w] = x.shape;
  const shared = Math.max(1, b / w);
  const units = Math.ceil(dy.shape[1] / (b * BLOCKS_AT_ONCE)) * shape[2];
  const groups = threads > 1 && units < 6 && (n / shared) % 2 === 0 ? 2 : 1;
  return { shared, perRow: Math.max(1, w / b), groups };
}

/** Whether the gradient is that of a convolution of stride 1 with as many pixels out as in, rows fitting blocks. */
export function rowsApply(node: Node, target: Target): boolean {
  const { inputs: [x, dy], attributes: { strides, dilations, groups, pads, shape } } = node; // biome-ignore format: one line
  const [n, , h, w] = x.shape;
  const { blockSize: b } = target;
  return (
    hasBlocks(target) &&
    x.dtype === 'float32' &&
    groups === 1 &&
    shape[2] * shape[3] > 1 &&
    [...strides, ...dilations].every((step) => step === 1) &&
    pads.every((pad) => pad >= 0) &&
    dy.shape[2] === h &&
    dy.shape[3] === w &&
    (w % b === 0 || (b % w === 0 && n % (b / w) === 0)) &&
    dy.shape[1] % b === 0 &&
    x.shape[1] >= b
  );
}

/** Elements that are moved, once each, beside the convolution itself. */
export function rowsMoved({ inputs: [x, dy], attributes: { shape } }: Node): number {
  return 2 * sizeOf(x.shape) + (shape[3] + 1) * sizeOf(dy.shape) + 3 * sizeOf(shape);
}

/**
 * The gradient of the weight as a convolution in which a row's pixels are the input channels, rows and channels of x
 * are the image's height and width, and dy is the kernel, as it lies in memory but for a shift to the side, one for
 * each column of the weight. Its rows come from the kernel's places above and below each other: every product is
 * needed, and x and dy are copied for each column of the weight alone, not for each of its elements.
 */
export function emitBlockedRows(e: Emitter, node: Node): string {
  const { inputs: [x], attributes: { pads, shape } } = node; // biome-ignore format: one line
  const [n, c, h] = x.shape;
  const [o, , kernelHeight, kernelWidth] = shape;
  const { blockSize: b } = e.target;
  const { shared, perRow, groups } = rowsOf(node, e.target);
  const image = pixelsAsChannels(e, node, shared);
  const filters = gatherFilters(e, node, groups, shared);
  const columns = Array.from({ length: kernelWidth }, (_, column) => {
    const moved = shiftRows(e, node, filters, column - pads[1]);
    const kernel = [h * perRow, 1];
    const found = blockedConv(
      e,
      [image, e.reshape(moved, [groups * o, (n / shared / groups) * b, ...kernel])],
      {
        groups,
        kernel,
        strides: [perRow, 1],
        pads: [pads[0] * perRow, 0, pads[2] * perRow, 0],
      },
    );
    return e.reshape(found, [(groups * o) / b, kernelHeight * c, b]);
  });
  // [groups·O/B, kW·kH·C, B] → [groups·O/B, C·kH·kW, B] → [groups, O, C, kH, kW]
  const all =
    columns.length === 1 ? columns[0] : e.node('Concat', columns, { attributes: { axis: { int: 1 } } });
  const length = kernelWidth * kernelHeight * c;
  const order = Array.from({ length }, (_, row) => {
    const [column, line, channel] = [
      row % kernelWidth,
      Math.floor(row / kernelWidth) % kernelHeight,
      Math.floor(row / (kernelWidth * kernelHeight)),
    ];
    return (column * kernelHeight + line) * c + channel;
  });
  const sorted = reorderRows(e, all, [(groups * o) / b, length, b], order);
  const plain = e.node('ReorderOutput', [e.reshape(sorted, [1, groups * o, length, 1])], {
    domain: blockedDomain,
    attributes: { channels: { int: groups * o } },
  });
  return e.reshape(groups === 1 ? plain : sumRows(e, plain, groups, sizeOf(shape)), shape);
}

/** x as an image of `samples / shared · B` channels, blocked: height H (times blocks of a row) and width C. */
function pixelsAsChannels(e: Emitter, { inputs: [x] }: Node, shared: number): string {
  const [n, c, h, w] = x.shape;
  const { blockSize: b } = e.target;
  const rows = channelsLast(e, x);
  const order = Array.from({ length: n * h }, (_, row) => {
    const [part, line, group] = [row % shared, Math.floor(row / shared) % h, Math.floor(row / (shared * h))];
    return (group * shared + part) * h + line;
  });
  const together = shared === 1 ? rows : reorderRows(e, rows, [n * h, w * c], order);
  const blocks = e.node('ReorderInput', [e.reshape(together, [(n * h) / shared, w * shared, c, 1])], {
    domain: blockedDomain,
  });
  return e.reshape(blocks, [1, (n / shared) * b, (h * w * shared) / b, c]);
}

/** dy in the order in which the convolution reads it: `[groups, O/B, samples, H, shared, W, B]`. */
function gatherFilters(e: Emitter, { inputs: [, dy] }: Node, groups: number, shared: number): string {
  const [n, o, h, w] = dy.shape;
  const { blockSize: b } = e.target;
  const outs = o / b;
  if (shared === 1 && outs === 1) return e.blocked(dy);
  const perGroup = n / shared / groups;
  // Whole images move where no two samples share a block.
  const lines = shared === 1 ? 1 : h;
  const order = Array.from({ length: n * outs * lines }, (_, row) => {
    const part = row % shared;
    const line = Math.floor(row / shared) % lines;
    const sample = Math.floor(row / (shared * lines)) % perGroup;
    const out = Math.floor(row / (shared * lines * perGroup)) % outs;
    const group = Math.floor(row / (shared * lines * perGroup * outs));
    return (((group * perGroup + sample) * shared + part) * outs + out) * lines + line;
  });
  return reorderRows(e, e.blocked(dy), [n * outs * lines, (h / lines) * w * b], order);
}

/** Every row of pixels moved to the right by `shift`, zeros coming in: a depthwise convolution with one tap. */
function shiftRows(e: Emitter, { inputs: [, dy] }: Node, rows: string, shift: number): string {
  if (shift === 0) return rows;
  const [n, o, h, w] = dy.shape;
  const { blockSize: b } = e.target;
  const reach = Math.abs(shift);
  const kernel = [1, reach + 1];
  const taps = new Float32Array(b * (reach + 1));
  taps.fill(1, shift > 0 ? 0 : b * reach, shift > 0 ? b : undefined);
  return blockedConv(
    e,
    [e.reshape(rows, [(n * o) / b, b, h, w]), e.constant(taps, [b, 1, ...kernel], 'float32', 'shift')],
    { groups: b, kernel, pads: shift > 0 ? [0, reach, 0, 0] : [0, 0, 0, reach] },
  );
}
