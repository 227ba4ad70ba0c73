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
  const w = dy.shape[3];
  const shared = Math.max(1, b / w);
  const units = Math.ceil(dy.shape[1] / (b * BLOCKS_AT_ONCE)) * shape[2];
  const groups = threads > 1 && units < 6 && (x.shape[0] / shared) % 2 === 0 ? 2 : 1;
  return { shared, perRow: Math.max(1, w / b), groups };
}

/** Whether pixels out are pixels in by the stride, and rows fit blocks. */
export function rowsApply(node: Node, target: Target): boolean {
  const { inputs: [x, dy], attributes: { strides, dilations, groups, pads, shape } } = node; // biome-ignore format: one line
  const [n, o, h, w] = dy.shape;
  const { blockSize: b } = target;
  return (
    hasBlocks(target) &&
    x.dtype === 'float32' &&
    groups === 1 &&
    Math.max(shape[2], shape[3], ...strides) > 1 &&
    dilations.every((step) => step === 1) &&
    pads.every((pad) => pad >= 0) &&
    h * strides[0] === x.shape[2] &&
    w * strides[1] === x.shape[3] &&
    ((w % b === 0 && (w === b || strides[0] === 1)) || (b % w === 0 && n % (b / w) === 0)) &&
    o % b === 0 &&
    x.shape[1] >= b
  );
}

/** Elements that are moved, once each, beside the convolution itself. */
export function rowsMoved({ inputs: [x, dy], attributes: { shape } }: Node): number {
  return 2 * sizeOf(x.shape) + (shape[3] + 1) * sizeOf(dy.shape) + 3 * sizeOf(shape);
}

/** Columns of the weight that meet dy at one shift. */
interface Shift {
  readonly shift: number;
  /** Which columns, each with the remainder by the stride of the columns of x that it meets. */
  readonly columns: readonly { readonly column: number; readonly phase: number }[];
}

function shiftsOf({ attributes: { strides, pads, shape } }: Node): Shift[] {
  const stride = strides[1];
  const shifts = new Map<number, { column: number; phase: number }[]>();
  for (let column = 0; column < shape[3]; column++) {
    const shift = Math.floor((column - pads[1]) / stride);
    const entry = { column, phase: column - pads[1] - shift * stride };
    shifts.set(shift, [...(shifts.get(shift) ?? []), entry]);
  }
  return [...shifts].map(([shift, columns]) => ({ shift, columns }));
}

/**
 * The gradient of the weight as a convolution in which a row's pixels are the input channels, rows and channels of x
 * are the image's height and width, and dy is the kernel, as it lies in memory but for a shift to the side, one for
 * each column of the weight. Its rows come from the kernel's places above and below each other: every product is
 * needed, and dy is copied for each column of the weight alone, not for each of its elements.
 */
export function emitBlockedRows(e: Emitter, node: Node): string {
  const { inputs: [x, dy], attributes: { strides, pads, shape } } = node; // biome-ignore format: one line
  const [n, c, h] = x.shape;
  const [o, , kernelHeight] = shape;
  const { blockSize: b } = e.target;
  const { shared, perRow, groups } = rowsOf(node, e.target);
  const image = pixelsAsChannels(e, node, shared);
  const filters = gatherFilters(e, node, groups, shared);
  const kernel = [dy.shape[2] * perRow, 1];
  // Rows below the kernel's last place are not read.
  const below = (dy.shape[2] - 1) * strides[0] + kernelHeight - h - pads[0];
  const lines = kernelHeight + Math.max(0, -below);
  const parts = shiftsOf(node).map(({ shift, columns }) => {
    const phases = columns.map(({ phase }) => phase);
    const moved = e.reshape(shiftRows(e, node, filters, shift), [
      groups * o,
      (n / shared / groups) * b,
      ...kernel,
    ]);
    const found = blockedConv(e, [takePhases(e, image, c, phases), moved], {
      groups,
      kernel,
      strides: [perRow, 1],
      dilations: [strides[0], 1],
      pads: [pads[0] * perRow, 0, Math.max(0, below) * perRow, 0],
    });
    return e.reshape(found, [(groups * o) / b, lines * columns.length * c, b]);
  });
  const all = parts.length === 1 ? parts[0] : e.node('Concat', parts, { attributes: { axis: { int: 1 } } });
  const length = sizeOf(shape.slice(1));
  const total = lines * c * shape[3];
  // [groups·O/B, C·kH·kW, B] → [groups, O, C, kH, kW]
  const sorted = reorderRows(e, all, [(groups * o) / b, total, b], weightOrder(node, lines));
  const plain = e.node('ReorderOutput', [e.reshape(sorted, [1, groups * o, length, 1])], {
    domain: blockedDomain,
    attributes: { channels: { int: groups * o } },
  });
  return groups === 1 ? e.reshape(plain, shape) : sumRows(e, plain, groups, shape);
}

/** Where each element `[C, kH, kW]` of the weight lies in the results, which are `[shift][line][column][C]`. */
function weightOrder(node: Node, lines: number): number[] {
  const [, c, kernelHeight, kernelWidth] = node.attributes.shape;
  const places = new Map<number, { start: number; width: number }>();
  let start = 0;
  for (const { columns } of shiftsOf(node)) {
    columns.forEach(({ column }, i) => {
      places.set(column, { start: start + i * c, width: columns.length * c });
    });
    start += lines * columns.length * c;
  }
  return Array.from({ length: c * kernelHeight * kernelWidth }, (_, row) => {
    const place = places.get(row % kernelWidth)!;
    const line = Math.floor(row / kernelWidth) % kernelHeight;
    return place.start + line * place.width + Math.floor(row / (kernelWidth * kernelHeight));
  });
}

/** Those columns of x that have the wanted remainders by the stride, which lie side by side, as an image. */
function takePhases(e: Emitter, image: Image, channels: number, phases: readonly number[]): string {
  const [blocks, height, width, b] = image.shape;
  const asImage = (name: string, taken: number) => e.reshape(name, [1, blocks * b, height, taken]);
  if (phases.length * channels === width) return asImage(image.name, width);
  const parts = phases.map((phase) =>
    e.node('Slice', [
      image.name,
      e.int64([phase * channels]),
      e.int64([(phase + 1) * channels]),
      e.int64([2]),
    ]),
  );
  const joined =
    parts.length === 1 ? parts[0] : e.node('Concat', parts, { attributes: { axis: { int: 2 } } });
  return asImage(joined, phases.length * channels);
}

interface Image {
  readonly name: string;
  /** Blocks of channels, height, width, channels of a block. */
  readonly shape: readonly number[];
}

/**
 * x as a blocked image of `samples / shared · B` channels: its height is H (times the blocks of a row), its width
 * stride · C.
 */
function pixelsAsChannels(e: Emitter, { inputs: [x], attributes: { strides } }: Node, shared: number): Image {
  const [n, c, h, w] = x.shape;
  const { blockSize: b } = e.target;
  const [pixels, width] = [w / strides[1], strides[1] * c];
  const rows = channelsLast(e, x);
  const order = Array.from({ length: n * h }, (_, row) => {
    const [part, line, group] = [row % shared, Math.floor(row / shared) % h, Math.floor(row / (shared * h))];
    return (group * shared + part) * h + line;
  });
  const together = shared === 1 ? rows : reorderRows(e, rows, [n * h, w * c], order);
  const blocks = e.node(
    'ReorderInput',
    [e.reshape(together, [(n * h) / shared, pixels * shared, width, 1])],
    {
      domain: blockedDomain,
    },
  );
  const shape = [n / shared, (h * pixels * shared) / b, width, b];
  return { name: e.reshape(blocks, shape), shape };
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
