import { sizeOf } from '#core';
import * as build from '../build.ts';
import type { OpAttributes } from '../op-attributes.ts';
import { countUses, sortNodes, type Value } from '../value.ts';
import { rewrite } from './rewrite.ts';

/** Multiply-adds per pixel of the convolution that may be added: beyond, finding maxima in windows takes less time. */
const MOST_ADDED = 70;
/** Places in a window up to which comparing them one by one pays. */
const MOST_PLACES = 16;

/**
 * Max pooling of a convolution, in windows that do not overlap, by phases: pixels at one place of their windows are
 * channels of their own, which a strided convolution with shifted copies of the kernel gives, and the maximum is taken
 * over those channels. Where it is, which the gradient asks for, is then known from comparisons of whole vectors, and
 * few channels fill the vector units better. The zeros around the copies are multiplied in vain: worth it for small
 * kernels of few channels. The bias, which changes no order, is added to the maxima.
 *
 * For the forward pass on the CPU, before it is differentiated.
 */
export function poolByPhases(outputs: readonly Value[]): Value[] {
  const uses = countUses(sortNodes(outputs), outputs);
  return rewrite(outputs, (node, [x]) => {
    if (node.op !== 'maxPool2d' || x.node.op !== 'conv2d' || uses.get(node.inputs[0]) !== 1) return undefined;
    const pool = node.attributes as OpAttributes['maxPool2d'];
    return isWorthwhile(x, pool) ? [poolPhases(x, pool.kernel)] : undefined;
  });
}

function isWorthwhile(
  { node: { inputs, attributes } }: Value,
  { kernel, strides, pads }: OpAttributes['maxPool2d'],
): boolean {
  const conv = attributes as OpAttributes['conv2d'];
  const [, inChannels, height, width] = inputs[1].shape;
  const added = (height + kernel[0] - 1) * (width + kernel[1] - 1) - height * width;
  return (
    sizeOf(kernel) > 1 &&
    sizeOf(kernel) <= MOST_PLACES &&
    String(kernel) === String(strides) &&
    pads.every((pad) => pad === 0) &&
    conv.groups === 1 &&
    [...conv.strides, ...conv.dilations].every((step) => step === 1) &&
    inChannels * added <= MOST_ADDED
  );
}

function poolPhases({ node }: Value, [rows, columns]: readonly [number, number]): Value {
  const [x, weight, bias] = node.inputs;
  const { pads, dilations, groups } = node.attributes as OpAttributes['conv2d'];
  const copies = Array.from({ length: rows * columns }, (_, phase) => {
    const [row, column] = [Math.floor(phase / columns), phase % columns];
    return build.pad(weight, [0, 0, row, column], [0, 0, rows - 1 - row, columns - 1 - column]);
  });
  const phases = build.conv2d(x, build.concat(copies), { strides: [rows, columns], pads, dilations, groups });
  const [samples, , height, width] = phases.shape;
  const channels = weight.shape[0];
  const places = build.reshape(phases, [samples, 1, copies.length, channels * height * width]);
  const all = [copies.length, 1] as const;
  const maxima = build.maxPool2d(places, { kernel: all, strides: all, pads: [0, 0, 0, 0], isByPhases: true });
  const pooled = build.reshape(maxima, [samples, channels, height, width]);
  return bias === undefined ? pooled : build.add(pooled, build.reshape(bias, [channels, 1, 1]));
}
