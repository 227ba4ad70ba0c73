import { type Shape, sizeOf } from '#core';
import type { EmitOptions, Emitter, OnnxAttributeValue, Target } from '../op-rule.ts';
import type { Value } from '../value.ts';

/** ONNX Runtime's operators on `[N, C/B, H, W, B]` tensors; its optimiser uses them, and so may a model. */
export const blockedDomain = 'com.microsoft.nchwc';

/** The next multiple of the block size. */
export function padChannels(channels: number, { blockSize }: Target): number {
  return Math.ceil(channels / blockSize) * blockSize;
}

/** Whether `[N, C, H, W]` tensors can be blocked on this target. */
export function hasBlocks({ device, blockSize }: Target): boolean {
  return device === 'cpu' && blockSize > 1;
}

/** The shape that a blocked tensor is declared with. */
export function blockedShape(shape: Shape, target: Target): Shape {
  return [shape[0], padChannels(shape[1], target), ...shape.slice(2)];
}

/** Pads the first `counts.length` axes of a value with zeros at their ends. */
function padEnds(e: Emitter, name: string, shape: Shape, counts: readonly number[]): string {
  if (counts.every((count) => count === 0)) return name;
  const after = shape.map((_, axis) => counts[axis] ?? 0);
  return e.node('Pad', [name, e.int64([...shape.map(() => 0), ...after])]);
}

/** A vector `[C]`, or `[N, C]`, padded with zeros to whole blocks of channels. */
export function padVector(e: Emitter, name: string, shape: Shape): string {
  const channels = shape[shape.length - 1];
  const missing = padChannels(channels, e.target) - channels;
  return padEnds(e, name, shape, [...shape.slice(1).map(() => 0), missing]);
}

/** Rows of a value of shape `[…, rows, length]` in another order, copied by all threads. */
export function reorderRows(e: Emitter, name: string, shape: Shape, order: readonly number[]): string {
  const indices = e.constant(BigInt64Array.from(order, BigInt), [order.length], 'int64', 'order');
  return e.node('Gather', [e.reshape(name, shape), indices], {
    attributes: { axis: { int: shape.length - 2 } },
  });
}

/**
 * A dense weight `[O, I, kH, kW]` in the order in which blocked convolution reads it, `[O/B, I/B, kH·kW, B(i), B(o)]`,
 * declared as `[O, I, kH, kW]` with O and I padded. It is made of operators that use all threads: `Transpose` uses one.
 */
export function blockDenseWeight(e: Emitter, weight: Value): string {
  return e.once(weight, 'dense blocks', () => {
    const { blockSize: b } = e.target;
    const [o, i, h, w] = weight.shape;
    const [outs, ins] = [padChannels(o, e.target), padChannels(i, e.target)];
    const taps = h * w;
    const padded = padEnds(e, e.plain(weight), weight.shape, [outs - o, ins - i]);
    // [O/B, I·kH·kW, B(o)], then taps before the channels of a block.
    const rows = e.node('ReorderInput', [e.reshape(padded, [1, outs, ins * taps, 1])], {
      domain: blockedDomain,
    });
    if (taps === 1) return e.reshape(rows, [outs, ins, h, w]);
    const order = Array.from({ length: taps * b }, (_, row) => (row % b) * taps + Math.floor(row / b));
    return e.reshape(reorderRows(e, rows, [(outs * ins) / (b * b), b * taps, b], order), [outs, ins, h, w]);
  });
}

/** Every block `[B(i), B(o)]` of a blocked weight transposed: `[O/B · I/B · kH·kW, B(o), B(i)]`. */
export function turnedBlocks(e: Emitter, weight: Value): string {
  const { blockSize: b } = e.target;
  const [o, i, h, w] = weight.shape;
  const blocks = (padChannels(o, e.target) / b) * (padChannels(i, e.target) / b) * h * w;
  return e.node('ReorderInput', [e.reshape(blockDenseWeight(e, weight), [blocks, b, b, 1])], {
    domain: blockedDomain,
  });
}

/** Turned blocks of some taps, `[I/B, O/B, taps, B(o), B(i)]`: whole blocks change places. */
export function flippedBlocks(e: Emitter, turned: string, shape: Shape, taps: readonly number[]): string {
  const { blockSize: b } = e.target;
  const [outs, ins] = [padChannels(shape[0], e.target) / b, padChannels(shape[1], e.target) / b];
  const all = shape[2] * shape[3];
  const order = Array.from({ length: outs * ins * taps.length }, (_, block) => {
    const tap = taps[block % taps.length];
    const out = Math.floor(block / taps.length) % outs;
    const input = Math.floor(block / (taps.length * outs));
    return (out * ins + input) * all + tap;
  });
  return reorderRows(e, turned, [outs * ins * all, b * b], order);
}

/**
 * The same for the kernel of the gradient in the input: turned by 180°, input and output channels in each other's
 * place: `[I/B, O/B, kH·kW, B(o), B(i)]`, declared as `[I, O, kH, kW]`.
 */
export function blockFlippedWeight(e: Emitter, weight: Value): string {
  const [o, i, h, w] = weight.shape;
  const backwards = Array.from({ length: h * w }, (_, tap) => h * w - 1 - tap);
  const filter = flippedBlocks(e, turnedBlocks(e, weight), weight.shape, backwards);
  return e.reshape(filter, [padChannels(i, e.target), padChannels(o, e.target), h, w]);
}

/** A weight whose input stays plain (fewer input channels than a block): `[O/B, I, kH, kW, B]`. */
export function blockStemWeight(e: Emitter, name: string, shape: Shape): string {
  const { blockSize: b } = e.target;
  const [o, i, h, w] = shape;
  const outs = padChannels(o, e.target);
  const parts = e.reshape(padEnds(e, name, shape, [outs - o]), [outs / b, b, i * h * w]);
  const ordered = e.node('Transpose', [parts], { attributes: { perm: { ints: [0, 2, 1] } } });
  return e.reshape(ordered, [outs, i, h, w]);
}

/** A depthwise weight `[C, 1, kH, kW]` as `[C/B, kH, kW, B]`. */
export function blockDepthwiseWeight(e: Emitter, name: string, shape: Shape): string {
  return blockStemWeight(e, name, shape);
}

/** Blocked `[1, C, kH, kW]` (memory `[C/B, kH, kW, B]`) back to a plain depthwise weight of the given shape. */
export function unblockDepthwiseWeight(e: Emitter, name: string, shape: Shape): string {
  const { blockSize: b } = e.target;
  const [c, , h, w] = shape;
  const channels = padChannels(c, e.target);
  const parts = e.reshape(name, [channels / b, h * w, b]);
  const ordered = e.node('Transpose', [parts], { attributes: { perm: { ints: [0, 2, 1] } } });
  const rows = e.reshape(ordered, [channels, 1, h, w]);
  return channels === c ? rows : e.node('Slice', [rows, e.int64([0]), e.int64([c]), e.int64([0])]);
}

interface BlockedConvOptions {
  readonly groups?: number;
  readonly kernel: readonly number[];
  readonly strides?: readonly number[];
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  readonly relu?: boolean;
}

/** `com.microsoft.nchwc` Conv: inputs x, weight and optionally bias and a tensor to add. */
export function blockedConv(e: Emitter, inputs: readonly string[], options: BlockedConvOptions): string {
  const {
    groups = 1,
    kernel,
    strides = [1, 1],
    pads = [0, 0, 0, 0],
    dilations = [1, 1],
    relu = false,
  } = options;
  const attributes: Record<string, OnnxAttributeValue> = {
    group: { int: groups },
    kernel_shape: { ints: kernel },
    strides: { ints: strides },
    pads: { ints: pads },
    dilations: { ints: dilations },
    ...(relu ? { activation: { string: 'Relu' } } : {}),
  };
  const settings: EmitOptions = { domain: blockedDomain, attributes };
  return e.node('Conv', inputs, settings);
}

/** Milliseconds to read and write `elements` float32 values once, memory being the limit. */
export function passCost(elements: number, { threads }: Target): number {
  return (elements * 8) / (8e6 * Math.min(threads || 2, 2));
}

/** Milliseconds to read a weight for every row of every image, as blocked convolution does, from a cache. */
export function weightCost(weight: Shape, y: Shape): number {
  return (sizeOf(weight) * y[0] * y[2] * 4) / 2e8;
}

/** Milliseconds of `products` multiply-adds at `efficiency` of what the vector units reach. */
export function productCost(products: number, efficiency: number, { threads }: Target): number {
  return products / (6e7 * (threads || 2) * efficiency);
}
