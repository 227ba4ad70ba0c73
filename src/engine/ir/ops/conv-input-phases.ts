import { sizeOf } from '#core';
import type { Emitter, Target } from '../op-rule.ts';
import type { GraphNode } from '../value.ts';
import {
  blockedConv,
  flippedBlocks,
  hasBlocks,
  padChannels,
  reorderRows,
  turnedBlocks,
} from './blocked-layout.ts';

type Node = GraphNode<'conv2dInput'>;

/** What the pixels at one distance from a multiple of the stride take, along one axis. */
interface Phase {
  /** Taps of the kernel, from the last to the first: the order of a correlation with dy. */
  readonly taps: readonly number[];
  readonly padBefore: number;
  readonly padAfter: number;
}

/** Phases along an axis: pixel s·i + a meets dy[i + q − m] at tap r + s·m, with r = (a + pad) mod s. */
function phasesOf({ inputs: [dy, weight], attributes }: Node, axis: 0 | 1): Phase[] {
  const stride = attributes.strides[axis];
  const pad = attributes.pads[axis];
  const kernel = weight.shape[axis + 2];
  const count = attributes.shape[axis + 2] / stride;
  return Array.from({ length: stride }, (_, a) => {
    const first = (a + pad) % stride;
    const taps = Array.from(
      { length: Math.max(0, Math.ceil((kernel - first) / stride)) },
      (_, m) => first + stride * m,
    );
    const padBefore = taps.length - 1 - (a + pad - first) / stride;
    return {
      taps: taps.reverse(),
      padBefore,
      padAfter: count - dy.shape[axis + 2] + taps.length - 1 - padBefore,
    };
  });
}

/** Whether a strided convolution's input gradient falls apart into whole phases. */
export function phasesApply(node: Node, target: Target): boolean {
  const { inputs: [dy], attributes: { strides, dilations, groups, shape } } = node; // biome-ignore format: one line
  return (
    hasBlocks(target) &&
    dy.dtype === 'float32' &&
    groups === 1 &&
    Math.max(...strides) > 1 &&
    dilations.every((dilation) => dilation === 1) &&
    shape[2] % strides[0] === 0 &&
    shape[3] % strides[1] === 0 &&
    Math.min(dy.shape[1], shape[1]) >= target.blockSize &&
    ([0, 1] as const).every((axis) =>
      phasesOf(node, axis).every(
        ({ taps, padBefore, padAfter }) => taps.length === 0 || (padBefore >= 0 && padAfter >= 0),
      ),
    )
  );
}

/**
 * The gradient in the input of a strided convolution: pixels whose rows and columns have one remainder by the stride
 * meet the same taps of the kernel, so each of these phases is a convolution of dy with a part of the kernel. No
 * product with a zero between elements of dy is made.
 */
export function emitBlockedPhases(e: Emitter, node: Node): string {
  const { inputs: [dy, weight], attributes: { strides, shape } } = node; // biome-ignore format: one line
  const { blockSize: b } = e.target;
  const [n, c, h, w] = [shape[0], padChannels(shape[1], e.target), shape[2], shape[3]];
  const size = [h / strides[0], w / strides[1]];
  const blocks = turnedBlocks(e, weight);
  const [rows, columns] = [phasesOf(node, 0), phasesOf(node, 1)];
  const parts = rows.flatMap((row) =>
    columns.map((column) => {
      const kernel = [row.taps.length, column.taps.length];
      if (sizeOf(kernel) === 0) return undefined;
      const taps = row.taps.flatMap((r) => column.taps.map((s) => r * weight.shape[3] + s));
      const filter = flippedBlocks(e, blocks, weight.shape, taps);
      const pads = [row.padBefore, column.padBefore, row.padAfter, column.padAfter];
      const found = blockedConv(
        e,
        [e.blocked(dy), e.reshape(filter, [c, padChannels(weight.shape[0], e.target), ...kernel])],
        { kernel, pads },
      );
      return e.reshape(found, [(n * c) / b, sizeOf(size), b]);
    }),
  );
  const found = parts.filter((part) => part !== undefined);
  if (found.length === 1) return spreadOne(e, node, found[0], parts.indexOf(found[0]));
  return interleave(e, node, parts);
}

/** All phases side by side, then pixels in their places. */
function interleave(e: Emitter, node: Node, parts: readonly (string | undefined)[]): string {
  const { strides, shape } = node.attributes;
  const { blockSize: b } = e.target;
  const [n, c, h, w] = [shape[0], padChannels(shape[1], e.target), shape[2], shape[3]];
  const [height, width] = [h / strides[0], w / strides[1]];
  const images = (n * c) / b;
  const empty = parts.includes(undefined)
    ? e.node('Expand', [e.scalar(0, 'float32'), e.int64([images, height * width, b])])
    : '';
  const all = e.node(
    'Concat',
    parts.map((part) => part ?? empty),
    { attributes: { axis: { int: 1 } } },
  );
  const order = Array.from({ length: h * w }, (_, pixel) => {
    const [line, column] = [Math.floor(pixel / w), pixel % w];
    const phase = (line % strides[0]) * strides[1] + (column % strides[1]);
    return (phase * height + Math.floor(line / strides[0])) * width + Math.floor(column / strides[1]);
  });
  return e.reshape(reorderRows(e, all, [images, h * w, b], order), [n, c, h, w]);
}

/** The only phase that meets a tap, zeros around it. */
function spreadOne(e: Emitter, node: Node, part: string, phase: number): string {
  const { strides, shape } = node.attributes;
  const { blockSize: b } = e.target;
  const [n, c, h, w] = [shape[0], padChannels(shape[1], e.target), shape[2], shape[3]];
  const [row, column] = [Math.floor(phase / strides[1]), phase % strides[1]];
  const parts = e.reshape(part, [(n * c * h) / (b * strides[0]), 1, w / strides[1], 1, b]);
  const pads = [0, row, 0, column, 0, 0, strides[0] - 1 - row, 0, strides[1] - 1 - column, 0];
  return e.reshape(e.node('Pad', [parts, e.int64(pads)]), [n, c, h, w]);
}
