import { sizeOf } from '#core';
import { windowedSize } from '../conv-geometry.ts';
import type { Emitter, OpTable, Target } from '../op-rule.ts';
import type { GraphNode, Value } from '../value.ts';
import {
  blockedConv,
  blockedDomain,
  hasBlocks,
  padChannels,
  passCost,
  productCost,
  unblockDepthwiseWeight,
} from './blocked-layout.ts';
import { convAttributes, convProducts, isDepthwise } from './conv-forward-lowerings.ts';
import { channelsLast, permute, sliceTaps, type Taps, tapColumns } from './conv-taps.ts';
import { emitBlockedRows, rowsApply, rowsMoved } from './conv-weight-rows.ts';
import { sumRows } from './sum-rows.ts';

type Node = GraphNode<'conv2dWeight'>;

const products = ({ outputs: [dw], inputs: [, dy] }: Node): number => convProducts(dw.shape, dy.shape);

/** Kernel 1×1 that touches every pixel once. */
function isPointwise({ attributes: { strides, pads, groups, shape } }: Node): boolean {
  return groups === 1 && shape[2] === 1 && shape[3] === 1 && [...strides, ...pads].join() === '1,1,0,0,0,0';
}

function product(e: Emitter, a: string, b: string, transA: number, transB: number): string {
  if (e.target.device !== 'cpu') {
    const left = transA ? permute(e, a, [0, 2, 1]) : a;
    return e.node('MatMul', [left, transB ? permute(e, b, [0, 2, 1]) : b]);
  }
  return e.node('FusedMatMul', [a, b], {
    domain: 'com.microsoft',
    attributes: { transA: { int: transA }, transB: { int: transB } },
  });
}

/** What each tap of the kernel meets in x. */
const tapsOf = (e: Emitter, node: Node): string[] => sliceTaps(e, node.inputs[0], tapsMeeting(node));

const tapsMeeting = ({ inputs: [, dy], attributes }: Node): Taps => ({
  ...attributes,
  kernel: attributes.shape.slice(2),
  size: dy.shape.slice(2),
});

/** `[taps, O, C]` in parts of one tap as the weight. */
function joinTaps(e: Emitter, taps: readonly string[], { attributes: { shape } }: Node): string {
  const [o, c] = shape;
  const parts = taps.map((tap) => e.reshape(tap, [1, o, c]));
  const stacked =
    parts.length === 1 ? parts[0] : e.node('Concat', parts, { attributes: { axis: { int: 0 } } });
  return e.reshape(permute(e, stacked, [1, 2, 0]), shape);
}

/** The sum of what each of `count` samples gives, `[length]`. */
function sumSamples(e: Emitter, name: string, count: number, length: number): string {
  if (e.target.device === 'cpu') return sumRows(e, name, count, [length]);
  const rows = e.reshape(name, [count, length]);
  return e.node('ReduceSum', [rows, e.int64([0])], { attributes: { keepdims: { int: 0 } } });
}

/** One product dyᵀ·x per tap, over all pixels of all samples. */
function emitTaps(e: Emitter, node: Node): string {
  const [x, dy] = node.inputs;
  const gradient = channelsLast(e, dy);
  const rows = sizeOf(dy.shape) / dy.shape[1];
  const taps = tapsOf(e, node).map((part) =>
    e.node('Gemm', [gradient, e.reshape(part, [rows, x.shape[1]])], { attributes: { transA: { int: 1 } } }),
  );
  return joinTaps(e, taps, node);
}

/** One product dy·x per tap and sample, dy as `[O, pixels]` and x as `[pixels, C]`, so that neither is transposed. */
function emitSampleTaps(e: Emitter, node: Node): string {
  const [x, dy] = node.inputs;
  const [n, o, height, width] = dy.shape;
  const gradient = e.reshape(e.plain(dy), [n, o, height * width]);
  const taps = tapsOf(e, node).map((part) => {
    const perSample = e.node('MatMul', [gradient, e.reshape(part, [n, height * width, x.shape[1]])]);
    return sumSamples(e, perSample, n, o * x.shape[1]);
  });
  return joinTaps(e, taps, node);
}

/** All taps side by side, `[pixels of all samples, taps·C]`, and one product dyᵀ·x. */
function emitColumns(e: Emitter, node: Node): string {
  const [x, dy] = node.inputs;
  const { shape } = node.attributes;
  const taps = shape[2] * shape[3];
  const matrix = tapColumns(e, x, tapsMeeting(node));
  const result = e.node('Gemm', [channelsLast(e, dy), matrix], { attributes: { transA: { int: 1 } } });
  return e.reshape(permute(e, e.reshape(result, [shape[0], taps, shape[1]]), [0, 2, 1]), shape);
}

/**
 * x and dy change places with weight and y: x as `[C/groups, groups·N, H, W]` is convolved with dy as
 * `[O, N, Ho, Wo]`, stride and dilation exchanged, which gives `[C/groups, O, kH, kW]`.
 */
function emitSwapped(e: Emitter, node: Node): string {
  const [x, dy] = node.inputs;
  const { strides, pads, dilations, groups, shape } = node.attributes;
  const [n, c, h, w] = x.shape;
  const perGroup = c / groups;
  const parts = permute(e, e.reshape(e.plain(x), [n, groups, perGroup, h, w]), [2, 1, 0, 3, 4]);
  const images = e.reshape(parts, [perGroup, groups * n, h, w]);
  const filters = permute(e, e.plain(dy), [1, 0, 2, 3]);
  const kernel = dy.shape.slice(2);
  const swapped = { strides: dilations, dilations: strides, pads, groups };
  const result = e.node('Conv', [images, filters], { attributes: convAttributes(swapped, kernel) });
  const size = windowedSize([h, w], kernel, swapped);
  const isLarger = size[0] > shape[2] || size[1] > shape[3];
  const cut = isLarger
    ? e.node('Slice', [result, e.int64([0, 0]), e.int64(shape.slice(2)), e.int64([2, 3])])
    : result;
  return permute(e, cut, [1, 0, 2, 3]);
}

/** Samples become channels of one image, and dy the kernel: no element is moved before the sum over samples. */
function emitBlockedDepthwise(e: Emitter, node: Node): string {
  const [x, dy] = node.inputs;
  const { strides, pads, dilations, shape } = node.attributes;
  const [n, c, h, w] = x.shape;
  const kernel = dy.shape.slice(2);
  const images = e.reshape(e.blocked(x), [1, n * c, h, w]);
  const filters = e.reshape(e.blocked(dy), [n * c, 1, ...kernel]);
  const swapped = { strides: dilations, dilations: strides, pads };
  const perSample = blockedConv(e, [images, filters], { ...swapped, groups: n * c, kernel });
  const size = windowedSize([h, w], kernel, swapped);
  const { blockSize: b } = e.target;
  const parts = e.reshape(perSample, [n, c / b, ...size, b]);
  const isLarger = size[0] > shape[2] || size[1] > shape[3];
  const cut = isLarger
    ? e.node('Slice', [parts, e.int64([0, 0]), e.int64(shape.slice(2)), e.int64([2, 3])])
    : parts;
  const total = sumSamples(e, cut, n, c * shape[2] * shape[3]);
  return unblockDepthwiseWeight(e, e.reshape(total, [1, c, ...shape.slice(2)]), shape);
}

/**
 * Every pair of an output and an input channel of every sample is a channel of one image, whose kernel is dy: the
 * depthwise convolution gives each pair's gradient, and the samples are added up. For few channels, where products of
 * matrices are too narrow to be fast.
 */
function emitBlockedPairs(e: Emitter, { inputs: [x, dy], attributes }: Node): string {
  const { strides, pads, dilations, shape } = attributes;
  const [n, c, h, w] = x.shape;
  const [, o, ...kernel] = dy.shape;
  const padded = [h + pads[0] + pads[2], w + pads[1] + pads[3]];
  const images = pads.some((pad) => pad > 0)
    ? e.node('Pad', [e.plain(x), e.int64([0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]])])
    : e.plain(x);
  const pairs = (name: string, own: readonly number[], size: readonly number[]) => {
    const whole = [n, o, c, ...size];
    const repeated =
      sizeOf(own) === sizeOf(whole) ? name : e.node('Expand', [e.reshape(name, own), e.int64(whole)]);
    return e.node('ReorderInput', [e.reshape(repeated, [1, n * o * c, ...size])], { domain: blockedDomain });
  };
  const filters = e.reshape(pairs(e.plain(dy), [n, o, 1, ...kernel], kernel), [n * o * c, 1, ...kernel]);
  const swapped = { strides: dilations, dilations: strides, groups: n * o * c, kernel };
  const found = blockedConv(e, [pairs(images, [n, 1, c, ...padded], padded), filters], swapped);
  const size = windowedSize(padded, kernel, { ...swapped, pads: [0, 0, 0, 0] });
  const plain = e.node('ReorderOutput', [found], {
    domain: blockedDomain,
    attributes: { channels: { int: n * o * c } },
  });
  const total = e.reshape(sumSamples(e, plain, n, o * c * size[0] * size[1]), [o, c, ...size]);
  const isLarger = size[0] > shape[2] || size[1] > shape[3];
  return isLarger
    ? e.node('Slice', [total, e.int64([0, 0]), e.int64(shape.slice(2)), e.int64([2, 3])])
    : total;
}

/**
 * A convolution of plain images with dy as its kernel, as dy lies in memory: input channels are images, samples are
 * groups of one input channel each, `[C, N, H, W]` ⋆ `[N·O, 1, Ho, Wo]` = `[C, N·O, kH, kW]`, and samples are added up.
 */
function emitBlockedStem(e: Emitter, { inputs: [x, dy], attributes }: Node): string {
  const { strides, pads, dilations, shape } = attributes;
  const [n, c, h, w] = x.shape;
  const kernel = dy.shape.slice(2);
  const outs = padChannels(dy.shape[1], e.target);
  const turned = c === 1 ? e.reshape(e.plain(x), [1, n, h, w]) : permute(e, e.plain(x), [1, 0, 2, 3]);
  // Where windows lie in the padding, the kernel takes one element at a time.
  const images = pads.some((pad) => pad > 0)
    ? e.node('Pad', [turned, e.int64([0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]])])
    : turned;
  const swapped = { strides: dilations, dilations: strides, groups: n, kernel };
  const filters = e.reshape(e.blocked(dy), [n * outs, 1, ...kernel]);
  const found = blockedConv(e, [images, filters], swapped);
  const padded = [h + pads[0] + pads[2], w + pads[1] + pads[3]];
  const size = windowedSize(padded, kernel, { ...swapped, pads: [0, 0, 0, 0] });
  const plain = e.node('ReorderOutput', [found], {
    domain: blockedDomain,
    attributes: { channels: { int: n * outs } },
  });
  const ones = e.constant(new Float32Array(n).fill(1), [1, n], 'float32');
  const total = e.node('MatMul', [ones, e.reshape(plain, [c, n, outs * size[0] * size[1]])]);
  const weight = permute(e, e.reshape(total, [c, outs, ...size]), [1, 0, 2, 3]);
  const isLarger = outs > shape[0] || size[0] > shape[2] || size[1] > shape[3];
  const ends = [shape[0], shape[2], shape[3]];
  return isLarger ? e.node('Slice', [weight, e.int64([0, 0, 0]), e.int64(ends), e.int64([0, 2, 3])]) : weight;
}

/** Every sample's product dy·xᵀ, `[N, O, C]`, then their sum. */
function emitSampleProducts(e: Emitter, node: Node): string {
  const [x, dy] = node.inputs;
  const matrix = (value: Value) => e.reshape(e.plain(value), [value.shape[0], value.shape[1], -1]);
  const perSample = product(e, matrix(dy), matrix(x), 0, 1);
  const { shape } = node.attributes;
  return e.reshape(sumSamples(e, perSample, x.shape[0], sizeOf(shape)), shape);
}

const layoutCost = (node: Node, target: Target): number =>
  passCost(sizeOf(node.inputs[0].shape) + sizeOf(node.inputs[1].shape), target);

const tapCount = ({ attributes: { shape } }: Node): number => shape[2] * shape[3];

/** Elements that are copied to line x up with every tap. */
const movedByTaps = (node: Node): number => {
  const [x, dy] = node.inputs;
  return tapCount(node) === 1 ? 0 : tapCount(node) * x.shape[1] * (sizeOf(dy.shape) / dy.shape[1]);
};

/** Ways to emit `conv2dWeight`. */
export const convWeightLowerings: OpTable['conv2dWeight']['lowerings'] = [
  {
    name: 'swapped Conv',
    cost: (node, target) => productCost(products(node), 0.05, target) + layoutCost(node, target) * 2,
    emit: (e, node) => [emitSwapped(e, node)],
  },
  {
    name: 'products of samples',
    applies: isPointwise,
    cost: (node, target) => {
      const pixels = node.inputs[0].shape[2] * node.inputs[0].shape[3];
      return productCost(products(node), pixels >= 64 ? 0.6 : 0.2, target) + layoutCost(node, target);
    },
    emit: (e, node) => [emitSampleProducts(e, node)],
  },
  {
    name: 'products of taps',
    applies: ({ attributes }) => attributes.groups === 1,
    cost: (node, target) =>
      productCost(products(node), 0.6, target) +
      layoutCost(node, target) +
      passCost(movedByTaps(node), target) +
      tapCount(node) * 0.05,
    emit: (e, node) => [emitTaps(e, node)],
  },
  {
    name: 'products of taps and samples',
    applies: ({ attributes }) => attributes.groups === 1 && attributes.shape[2] * attributes.shape[3] > 1,
    cost: (node, target) =>
      productCost(products(node), 0.7, target) +
      layoutCost(node, target) +
      passCost(movedByTaps(node) + sizeOf(node.outputs[0].shape) * node.inputs[0].shape[0] * 1.5, target) +
      tapCount(node) * 0.07,
    emit: (e, node) => [emitSampleTaps(e, node)],
  },
  {
    name: 'product of columns',
    applies: ({ attributes }) => attributes.groups === 1 && attributes.shape[2] * attributes.shape[3] > 1,
    cost: (node, target) =>
      productCost(products(node), 0.8, target) +
      layoutCost(node, target) +
      passCost(movedByTaps(node) * 2, target),
    emit: (e, node) => [emitColumns(e, node)],
  },
  {
    name: 'blocked depthwise',
    applies: ({ inputs: [x], attributes }, target) =>
      hasBlocks(target) &&
      isDepthwise(attributes.shape, attributes) &&
      padChannels(x.shape[1], target) === x.shape[1] &&
      x.dtype === 'float32',
    cost: (node, target) => productCost(products(node), 0.3, target),
    emit: (e, node) => [emitBlockedDepthwise(e, node)],
  },
  {
    name: 'blocked rows',
    applies: rowsApply,
    cost: (node, target) => productCost(products(node), 0.85, target) + passCost(rowsMoved(node), target),
    emit: (e, node) => [emitBlockedRows(e, node)],
  },
  {
    name: 'blocked stem',
    applies: ({ inputs: [x], attributes }, target) =>
      hasBlocks(target) &&
      attributes.groups === 1 &&
      x.shape[1] < target.blockSize &&
      attributes.pads.every((pad) => pad >= 0) &&
      x.dtype === 'float32',
    cost: (node, target) => {
      const [x, dy] = node.inputs;
      const waste = padChannels(dy.shape[1], target) / dy.shape[1];
      return productCost(products(node) * waste, 0.3, target) + passCost(sizeOf(x.shape) * 2, target);
    },
    emit: (e, node) => [emitBlockedStem(e, node)],
  },
  {
    name: 'blocked pairs',
    applies: ({ inputs: [x, dy], attributes }, target) =>
      hasBlocks(target) &&
      attributes.groups === 1 &&
      (x.shape[0] * x.shape[1] * dy.shape[1]) % target.blockSize === 0 &&
      attributes.pads.every((pad) => pad >= 0) &&
      x.dtype === 'float32',
    cost: (node, target) => {
      const [x, dy] = node.inputs;
      const repeated = sizeOf(x.shape) * dy.shape[1] + sizeOf(dy.shape) * x.shape[1];
      return productCost(products(node), 0.3, target) + passCost(repeated * 2, target);
    },
    emit: (e, node) => [emitBlockedPairs(e, node)],
  },
];
