import { sizeOf } from '#core';
import type { ConvAttributes } from '../op-attributes.ts';
import type { Emitted, Emitter, OnnxAttributeValue, OpTable, Target } from '../op-rule.ts';
import type { GraphNode, Value } from '../value.ts';
import {
  blockDenseWeight,
  blockDepthwiseWeight,
  blockedConv,
  blockStemWeight,
  hasBlocks,
  padChannels,
  padVector,
  passCost,
  productCost,
  weightCost,
} from './blocked-layout.ts';
import { fromChannelsLast, tapColumns, tapsFirst } from './conv-taps.ts';
import { emitWide, type WideConv, wideApplies, wideCost } from './conv-wide.ts';

/** ONNX attributes of a convolution. */
export function convAttributes(
  { strides, pads, dilations, groups }: ConvAttributes,
  kernel: readonly number[],
): Record<string, OnnxAttributeValue> {
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: strides },
    pads: { ints: pads },
    dilations: { ints: dilations },
    group: { int: groups },
  };
}

/** Multiply-adds of a convolution node. */
export function convProducts(weight: readonly number[], y: readonly number[]): number {
  return (sizeOf(y) / y[1]) * sizeOf(weight);
}

/** One input and one output channel per group. */
export function isDepthwise(weight: readonly number[], { groups }: ConvAttributes): boolean {
  return groups > 1 && weight[0] === groups && weight[1] === 1;
}

function denseApplies({ inputs: [x, weight], attributes }: GraphNode<'conv2d'>, target: Target): boolean {
  return (
    hasBlocks(target) &&
    attributes.groups === 1 &&
    x.shape[1] >= target.blockSize &&
    weight.dtype === 'float32'
  );
}

/** The bias, if there is one, padded to whole blocks. */
const blockedBias = (e: Emitter, bias: readonly Value[]): string[] =>
  bias.map((value) => padVector(e, e.plain(value), value.shape));

/** What each tap of the kernel meets side by side, `[pixels of all samples, taps·I]`, times the weight. */
function emitColumns(
  e: Emitter,
  { inputs: [x, weight, bias], outputs: [y], attributes }: GraphNode<'conv2d'>,
): Emitted {
  const [o, i, ...kernel] = weight.shape;
  const operands = [
    tapColumns(e, x, { ...attributes, kernel, size: y.shape.slice(2) }),
    e.reshape(tapsFirst(e, weight, 'before inputs'), [o, sizeOf(kernel) * i]),
    ...(bias === undefined ? [] : [e.plain(bias)]),
  ];
  return fromChannelsLast(e, e.node('Gemm', operands, { attributes: { transB: { int: 1 } } }), y.shape);
}

const asWide = ({ inputs: [image, weight], outputs: [y], attributes }: GraphNode<'conv2d'>): WideConv => ({
  image,
  shape: y.shape,
  kernel: weight.shape.slice(2),
  pads: attributes.pads,
  dilations: attributes.dilations,
});

/** Ways to emit `conv2d`. */
export const convForwardLowerings: OpTable['conv2d']['lowerings'] = [
  {
    name: 'Conv',
    cost: ({ inputs: [x, weight], outputs: [y], attributes }, target) =>
      productCost(
        convProducts(weight.shape, y.shape),
        isDepthwise(weight.shape, attributes) ? 0.02 : 0.6,
        target,
      ) + passCost(sizeOf(x.shape) * weight.shape[2] * weight.shape[3] * 0.3, target),
    emit: (e, { inputs: [x, weight, ...bias], attributes }) => [
      e.node('Conv', [e.plain(x), e.plain(weight), ...bias.map(e.plain, e)], {
        attributes: convAttributes(attributes, weight.shape.slice(2)),
      }),
    ],
  },
  {
    name: 'product of columns',
    applies: ({ inputs: [x, weight], attributes }, target) =>
      target.device === 'cpu' &&
      attributes.groups === 1 &&
      weight.dtype === 'float32' &&
      sizeOf(weight.shape.slice(2)) > 1 &&
      x.shape[1] >= 16 &&
      attributes.pads.every((pad) => pad >= 0),
    cost: ({ inputs: [x, weight], outputs: [y] }, target) => {
      const columns = (sizeOf(y.shape) / y.shape[1]) * sizeOf(weight.shape.slice(1));
      return (
        productCost(convProducts(weight.shape, y.shape), 0.8, target) +
        passCost(columns * 2 + sizeOf(weight.shape) * 2 + sizeOf(x.shape) + sizeOf(y.shape), target)
      );
    },
    emit: (e, node) => [emitColumns(e, node)],
  },
  {
    name: 'blocked',
    applies: denseApplies,
    cost: ({ inputs: [, weight], outputs: [y] }, target) =>
      productCost(convProducts(weight.shape, y.shape), 0.9, target) +
      weightCost(weight.shape, y.shape) +
      passCost(sizeOf(weight.shape) * 2, target),
    emit: (e, { inputs: [x, weight, ...bias], attributes }) => {
      const filter = blockDenseWeight(e, weight);
      return [
        {
          blocked: blockedConv(e, [e.blocked(x), filter, ...blockedBias(e, bias)], {
            ...attributes,
            kernel: weight.shape.slice(2),
          }),
        },
      ];
    },
  },
  {
    name: 'blocked wide',
    applies: (node, target) =>
      denseApplies(node, target) &&
      node.attributes.strides.every((stride) => stride === 1) &&
      wideApplies(asWide(node), target),
    cost: (node, target) =>
      wideCost(asWide(node), convProducts(node.inputs[1].shape, node.outputs[0].shape), target) +
      passCost(sizeOf(node.inputs[1].shape) * 2, target),
    emit: (e, node) => {
      const [, weight, ...bias] = node.inputs;
      return [{ blocked: emitWide(e, asWide(node), blockDenseWeight(e, weight), blockedBias(e, bias)) }];
    },
  },
  {
    name: 'blocked stem',
    applies: ({ inputs: [x], attributes }, target) =>
      hasBlocks(target) && attributes.groups === 1 && x.shape[1] < target.blockSize && x.dtype === 'float32',
    cost: ({ inputs: [, weight], outputs: [y] }, target) => {
      const channels = padChannels(y.shape[1], target);
      // Few channels are taken out of the block again, and out of two.
      const reordered = y.shape[1] < target.blockSize ? (sizeOf(y.shape) / y.shape[1]) * channels * 2 : 0;
      const made = (convProducts(weight.shape, y.shape) / y.shape[1]) * channels;
      return productCost(made, 0.7, target) + passCost(reordered, target);
    },
    emit: (e, { inputs: [x, weight, ...bias], attributes }) => {
      const filter = blockStemWeight(e, e.plain(weight), weight.shape);
      return [
        {
          blocked: blockedConv(e, [e.plain(x), filter, ...blockedBias(e, bias)], {
            ...attributes,
            kernel: weight.shape.slice(2),
          }),
        },
      ];
    },
  },
  {
    name: 'blocked depthwise',
    applies: ({ inputs: [x, weight], attributes }, target) =>
      hasBlocks(target) &&
      isDepthwise(weight.shape, attributes) &&
      x.shape[1] % target.blockSize === 0 &&
      x.dtype === 'float32',
    cost: ({ inputs: [, weight], outputs: [y] }, target) =>
      productCost(convProducts(weight.shape, y.shape), 0.3, target) + passCost(sizeOf(y.shape), target),
    emit: (e, { inputs: [x, weight, ...bias], attributes }) => {
      const filter = blockDepthwiseWeight(e, e.plain(weight), weight.shape);
      return [
        {
          blocked: blockedConv(e, [e.blocked(x), filter, ...blockedBias(e, bias)], {
            ...attributes,
            kernel: weight.shape.slice(2),
          }),
        },
      ];
    },
  },
];
