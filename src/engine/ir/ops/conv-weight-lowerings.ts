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

type Node = GraphNode<'conv2dWeight'>;

const products = ({ outputs: [dw], inputs: [, dy] }: Node): number => convProducts(dw.shape, dy.shape);

/** Kernel 1×1 that touches every pixel once. */
function isPointwise({ attributes: { strides, pads, groups, shape } }: Node): boolean {
  return groups === 1 && shape[2] === 1 && shape[3] === 1 && [...strides, ...pads].join() === '1,1,0,0,0,0';
}

const permute = (e: Emitter, name: string, ints: readonly number[]): string =>
  e.node('Transpose', [name], { attributes: { perm: { ints } } });

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

/** The value as a matrix `[N·H·W, C]`, straight from the layout it has. */
function channelsLast(e: Emitter, value: Value): string {
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

/** Σ over all taps: x padded, `[N, Hp, Wp, C]`, cut to the elements that a tap meets. */
function emitTaps(e: Emitter, node: Node): string {
  const [x, dy] = node.inputs;
  const { strides, pads, dilations, shape } = node.attributes;
  const [n, c, h, w] = x.shape;
  const [, o, outHeight, outWidth] = dy.shape;
  const image = e.reshape(channelsLast(e, x), [n, h, w, c]);
  const padded = pads.every((pad) => pad === 0)
    ? image
    : e.node('Pad', [image, e.int64([0, pads[0], pads[1], 0, 0, pads[2], pads[3], 0])]);
  const gradient = channelsLast(e, dy);
  const rows = n * outHeight * outWidth;
  const taps: string[] = [];
  for (let i = 0; i < shape[2]; i++) {
    for (let j = 0; j < shape[3]; j++) {
      const start = [i * dilations[0], j * dilations[1]];
      const end = [start[0] + (outHeight - 1) * strides[0] + 1, start[1] + (outWidth - 1) * strides[1] + 1];
      const part = e.node('Slice', [padded, e.int64(start), e.int64(end), e.int64([1, 2]), e.int64(strides)]);
      const tap = e.node('Gemm', [gradient, e.reshape(part, [rows, c])], {
        attributes: { transA: { int: 1 } },
      });
      taps.push(e.reshape(tap, [1, o, c]));
    }
  }
  const stacked = taps.length === 1 ? taps[0] : e.node('Concat', taps, { attributes: { axis: { int: 0 } } });
  return e.reshape(permute(e, stacked, [1, 2, 0]), shape);
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
  const total = e.node('ReduceSum', [cut, e.int64([0])], { attributes: { keepdims: { int: 0 } } });
  return unblockDepthwiseWeight(e, e.reshape(total, [1, c, ...shape.slice(2)]), shape);
}

/** Every sample's product dy·xᵀ, `[N, O, C]`, then their sum. */
function emitSampleProducts(e: Emitter, node: Node): string {
  const [x, dy] = node.inputs;
  const matrix = (value: Value) => e.reshape(e.plain(value), [value.shape[0], value.shape[1], -1]);
  const perSample = product(e, matrix(dy), matrix(x), 0, 1);
  const total = e.node('ReduceSum', [perSample, e.int64([0])], { attributes: { keepdims: { int: 0 } } });
  return e.reshape(total, node.attributes.shape);
}

const layoutCost = (node: Node, target: Target): number =>
  passCost(sizeOf(node.inputs[0].shape) + sizeOf(node.inputs[1].shape), target);

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
    cost: (node, target) => {
      const taps = node.attributes.shape[2] * node.attributes.shape[3];
      const [n, c] = node.inputs[0].shape;
      const moved = taps === 1 ? 0 : taps * n * c * node.inputs[1].shape[2] * node.inputs[1].shape[3];
      return productCost(products(node), 0.6, target) + layoutCost(node, target) + passCost(moved, target);
    },
    emit: (e, node) => [emitTaps(e, node)],
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
];
