import { sizeOf } from '#core';
import type { Emitted, Emitter, OpTable, Target } from '../op-rule.ts';
import type { GraphNode } from '../value.ts';
import {
  blockDepthwiseWeight,
  blockedConv,
  blockFlippedWeight,
  hasBlocks,
  padChannels,
  passCost,
  productCost,
  reorderRows,
  weightCost,
} from './blocked-layout.ts';
import { convAttributes, convProducts, isDepthwise } from './conv-forward-lowerings.ts';
import { emitBlockedPhases, phasesApply } from './conv-input-phases.ts';
import { channelsLast, fromChannelsLast, MOST_PLACES, tapColumns, tapsFirst } from './conv-taps.ts';
import { emitWide, type WideConv, wideApplies, wideCost } from './conv-wide.ts';

type Node = GraphNode<'conv2dInput'>;

/**
 * The gradient in the input is a convolution of dy, with stride − 1 zeros between its elements, with the flipped
 * kernel: these are that convolution's pads.
 */
function flippedPads({ inputs: [dy, weight], attributes }: Node): [number, number, number, number] {
  const { strides, pads, dilations, shape } = attributes;
  const reach = [0, 1].map((axis) => dilations[axis] * (weight.shape[axis + 2] - 1));
  const before = [reach[0] - pads[0], reach[1] - pads[1]];
  const after = [0, 1].map(
    (axis) => shape[axis + 2] - dy.shape[axis + 2] * strides[axis] + reach[axis] - before[axis],
  );
  return [before[0], before[1], after[0], after[1]];
}

function hasStride({ attributes: { strides } }: Node): boolean {
  return strides[0] !== 1 || strides[1] !== 1;
}

const canFlip = (node: Node): boolean => flippedPads(node).every((pad) => pad >= 0);

/** The kernel turned by 180°; with `swap`, input and output channels change places. */
function flipKernel(e: Emitter, name: string, shape: readonly number[], swap: boolean): string {
  const [o, i, h, w] = shape;
  const taps = h * w;
  let flipped = name;
  if (taps > 1) {
    const backwards = e.int64(Array.from({ length: taps }, (_, k) => taps - 1 - k));
    const parts = e.reshape(flipped, [o, i, taps]);
    flipped = e.reshape(e.node('Gather', [parts, backwards], { attributes: { axis: { int: 2 } } }), shape);
  }
  return swap ? e.node('Transpose', [flipped], { attributes: { perm: { ints: [1, 0, 2, 3] } } }) : flipped;
}

/** Blocked dy with zeros between its rows and columns, so that a convolution of stride 1 can follow. */
function stuffZeros(e: Emitter, { inputs: [dy], attributes: { strides } }: Node): string {
  const [n, c, h, w] = dy.shape;
  const { blockSize } = e.target;
  const channels = padChannels(c, e.target);
  const parts = e.reshape(e.blocked(dy), [(n * channels * h) / blockSize, 1, w, 1, blockSize]);
  const pads = [0, 0, 0, 0, 0, 0, strides[0] - 1, 0, strides[1] - 1, 0];
  return e.reshape(e.node('Pad', [parts, e.int64(pads)]), [n, channels, h * strides[0], w * strides[1]]);
}

const products = ({ inputs: [dy, weight] }: Node): number => convProducts(weight.shape, dy.shape);

function blockedCost(node: Node, target: Target, efficiency: number): number {
  const waste = node.attributes.strides[0] * node.attributes.strides[1];
  const stuffing = hasStride(node) ? passCost(sizeOf(node.inputs[0].shape) * waste * 2, target) : 0;
  return (
    productCost(products(node) * waste, efficiency, target) +
    (node.attributes.groups === 1 ? weightCost(node.inputs[1].shape, node.attributes.shape) : 0) +
    stuffing +
    passCost(sizeOf(node.outputs[0].shape), target)
  );
}

/** What each tap meets in dy side by side, `[pixels of all samples, taps·O]`, times the weight as `[taps·O, I]`. */
function emitColumns(e: Emitter, node: Node): Emitted {
  const { inputs: [dy, weight], attributes: { dilations, shape } } = node; // biome-ignore format: one line
  const [o, i, ...kernel] = weight.shape;
  const taps = { kernel, strides: [1, 1], dilations, pads: flippedPads(node), size: shape.slice(2) };
  // The kernel is turned by 180° where taps are taken backwards.
  const product = e.node('MatMul', [
    tapColumns(e, dy, taps, true),
    e.reshape(tapsFirst(e, weight, 'before outputs'), [sizeOf(kernel) * o, i]),
  ]);
  return fromChannelsLast(e, product, shape);
}

/**
 * Every pixel of dy times the weight of every tap, `[pixels, O]·[O, taps·I]`, then for every pixel of the input the sum
 * of what its taps gave: the weight is the forward pass's, which need not be turned.
 */
function emitGatheredProducts(e: Emitter, node: Node): Emitted {
  const { inputs: [dy, weight], attributes: { strides, dilations, pads, shape } } = node; // biome-ignore format: one line
  const [n, o, height, width] = dy.shape;
  const [, i, ...kernel] = weight.shape;
  const taps = sizeOf(kernel);
  const pixels = n * height * width;
  // What lies outside gives the product of a row of zeros.
  const rows = e.node('Pad', [channelsLast(e, dy), e.int64([0, 0, 1, 0])]);
  const matrix = e.reshape(tapsFirst(e, weight, 'before inputs'), [o, taps * i]);
  const all = e.node('MatMul', [rows, matrix]);
  const along = (at: number, tap: number, axis: 0 | 1): number => {
    const place = (at + pads[axis] - tap * dilations[axis]) / strides[axis];
    return Number.isInteger(place) && place >= 0 && place < dy.shape[axis + 2] ? place : -1;
  };
  const found = shape[0] * shape[2] * shape[3];
  const order = Array.from({ length: found * taps }, (_, place) => {
    const tap = place % taps;
    const pixel = Math.floor(place / taps);
    const column = along(pixel % shape[3], tap % kernel[1], 1);
    const line = along(Math.floor(pixel / shape[3]) % shape[2], Math.floor(tap / kernel[1]), 0);
    const sample = Math.floor(pixel / (shape[2] * shape[3]));
    const source = line < 0 || column < 0 ? pixels : (sample * height + line) * width + column;
    return source * taps + tap;
  });
  const parts = e.reshape(reorderRows(e, all, [(pixels + 1) * taps, i], order), [found, taps, i]);
  const sums = e.node('ReduceSum', [parts, e.int64([1])], { attributes: { keepdims: { int: 0 } } });
  return fromChannelsLast(e, sums, shape);
}

const asWide = (node: Node): WideConv => ({
  image: node.inputs[0],
  shape: node.attributes.shape,
  kernel: node.inputs[1].shape.slice(2),
  pads: flippedPads(node),
  dilations: node.attributes.dilations,
});

/** Of what the products could reach: with larger kernels most time goes into adding up what overlaps, in one thread. */
function transposeEfficiency({ inputs: [, weight], attributes }: Node): number {
  if (isDepthwise(weight.shape, attributes)) return 0.01;
  return sizeOf(weight.shape.slice(2)) === 1 ? 0.3 : 0.1;
}

/** Ways to emit `conv2dInput`. */
export const convInputLowerings: OpTable['conv2dInput']['lowerings'] = [
  {
    name: 'ConvTranspose',
    cost: (node, target) =>
      productCost(products(node), transposeEfficiency(node), target) +
      passCost(sizeOf(node.outputs[0].shape) * 4, target),
    emit: (e, { inputs: [dy, weight], attributes }) => {
      const { strides, pads, dilations, shape } = attributes;
      const kernel = weight.shape.slice(2);
      const missing = [0, 1].map(
        (axis) =>
          shape[axis + 2] -
          (strides[axis] * (dy.shape[axis + 2] - 1) +
            dilations[axis] * (kernel[axis] - 1) +
            1 -
            pads[axis] -
            pads[axis + 2]),
      );
      return [
        e.node('ConvTranspose', [e.plain(dy), e.plain(weight)], {
          attributes: { ...convAttributes(attributes, kernel), output_padding: { ints: missing } },
        }),
      ];
    },
  },
  {
    name: 'flipped Conv',
    applies: (node) =>
      !hasStride(node) &&
      canFlip(node) &&
      (node.attributes.groups === 1 || isDepthwise(node.inputs[1].shape, node.attributes)),
    cost: (node, target) =>
      productCost(products(node), isDepthwise(node.inputs[1].shape, node.attributes) ? 0.02 : 0.6, target) +
      passCost(sizeOf(node.inputs[0].shape) * sizeOf(node.inputs[1].shape.slice(2)) * 0.3, target),
    emit: (e, node) => {
      const { inputs: [dy, weight], attributes } = node; // biome-ignore format: one line
      const swap = attributes.groups === 1;
      const filter = flipKernel(e, e.plain(weight), weight.shape, swap);
      const settings = { ...attributes, pads: flippedPads(node) };
      return [
        e.node('Conv', [e.plain(dy), filter], {
          attributes: convAttributes(settings, weight.shape.slice(2)),
        }),
      ];
    },
  },
  {
    name: 'product of columns',
    applies: (node) =>
      !hasStride(node) &&
      canFlip(node) &&
      node.attributes.groups === 1 &&
      sizeOf(node.inputs[1].shape.slice(2)) > 1,
    cost: (node, target) => {
      const [dy, weight] = node.inputs;
      const columns = sizeOf(dy.shape) * sizeOf(weight.shape.slice(2));
      return (
        productCost(products(node), 0.8, target) +
        passCost(columns * 2 + sizeOf(weight.shape) * 2 + sizeOf(dy.shape) * 2, target)
      );
    },
    emit: (e, node) => [emitColumns(e, node)],
  },
  {
    name: 'blocked',
    applies: (node, target) =>
      hasBlocks(target) &&
      node.attributes.groups === 1 &&
      Math.min(node.inputs[0].shape[1], node.attributes.shape[1]) >= target.blockSize &&
      node.attributes.dilations.every((dilation) => dilation === 1) &&
      canFlip(node) &&
      node.inputs[0].dtype === 'float32',
    cost: (node, target) =>
      blockedCost(node, target, 0.9) + passCost(sizeOf(node.inputs[1].shape) * 3, target),
    emit: (e, node) => {
      const [dy, weight] = node.inputs;
      const kernel = weight.shape.slice(2);
      const filter = blockFlippedWeight(e, weight);
      const source = hasStride(node) ? stuffZeros(e, node) : e.blocked(dy);
      return [{ blocked: blockedConv(e, [source, filter], { kernel, pads: flippedPads(node) }) }];
    },
  },
  {
    name: 'blocked wide',
    applies: (node, target) =>
      node.attributes.groups === 1 && !hasStride(node) && wideApplies(asWide(node), target),
    cost: (node, target) =>
      wideCost(asWide(node), products(node), target) + passCost(sizeOf(node.inputs[1].shape) * 2, target),
    emit: (e, node) => [{ blocked: emitWide(e, asWide(node), blockFlippedWeight(e, node.inputs[1]), []) }],
  },
  {
    name: 'gathered products',
    applies: ({ inputs: [dy, weight], attributes }, target) =>
      target.device === 'cpu' &&
      dy.dtype === 'float32' &&
      attributes.groups === 1 &&
      dy.shape[1] >= 16 &&
      (sizeOf(attributes.shape) / attributes.shape[1]) * sizeOf(weight.shape.slice(2)) <= MOST_PLACES,
    cost: (node, target) => {
      const [dy, weight] = node.inputs;
      const moved = (sizeOf(dy.shape) / dy.shape[1]) * sizeOf(weight.shape.slice(1)) * 4;
      return productCost(products(node), 0.8, target) + passCost(moved + sizeOf(weight.shape), target);
    },
    emit: (e, node) => [emitGatheredProducts(e, node)],
  },
  {
    name: 'blocked phases',
    applies: phasesApply,
    cost: (node, target) =>
      productCost(products(node), 0.9, target) +
      passCost(sizeOf(node.outputs[0].shape) * 3 + sizeOf(node.inputs[1].shape) * 3, target),
    emit: (e, node) => [{ blocked: emitBlockedPhases(e, node) }],
  },
  {
    name: 'blocked depthwise',
    applies: (node, target) =>
      hasBlocks(target) &&
      isDepthwise(node.inputs[1].shape, node.attributes) &&
      node.attributes.groups % target.blockSize === 0 &&
      node.attributes.dilations.every((dilation) => dilation === 1) &&
      canFlip(node) &&
      node.inputs[0].dtype === 'float32',
    cost: (node, target) => blockedCost(node, target, 0.3),
    emit: (e, node) => {
      const [dy, weight] = node.inputs;
      const filter = blockDepthwiseWeight(
        e,
        flipKernel(e, e.plain(weight), weight.shape, false),
        weight.shape,
      );
      const source = hasStride(node) ? stuffZeros(e, node) : e.blocked(dy);
      const options = {
        groups: node.attributes.groups,
        kernel: weight.shape.slice(2),
        pads: flippedPads(node),
      };
      return [{ blocked: blockedConv(e, [source, filter], options) }];
    },
  },
];
