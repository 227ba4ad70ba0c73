import { sizeOf } from '#core';
import * as build from '../../ir/build.ts';
import { windowCount } from '../../ir/conv-geometry.ts';
import type { Value } from '../../ir/value.ts';
import { channelMean } from './import-reductions.ts';
import type { ImportNode, ImportTable, NodeReader } from './node-reader.ts';

interface Window {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** `[top, left, bottom, right]` */
  readonly pads: readonly [number, number, number, number];
}

type Pads = Window['pads'];

/** Signals `[N, C, L]` are images of one row. */
const asImage = (x: Value): Value =>
  x.shape.length === 3 ? build.reshape(x, [x.shape[0], x.shape[1], 1, x.shape[2]]) : x;

const asBefore = (y: Value, rank: number): Value =>
  rank === 3 ? build.reshape(y, [y.shape[0], y.shape[1], y.shape[3]]) : y;

const pairOf = (numbers: readonly number[] | undefined, otherwise: number): [number, number] => {
  if (numbers === undefined) return [otherwise, otherwise];
  return numbers.length === 1 ? [otherwise, numbers[0]] : [numbers[0], numbers[1]];
};

/** Geometry of a window over images of a size. */
function windowOf(
  node: NodeReader,
  size: readonly number[],
  kernelShape: readonly number[] | undefined,
): Window {
  const kernel = pairOf(kernelShape, 1);
  const strides = pairOf(node.ints('strides'), 1);
  const dilations = pairOf(node.ints('dilations'), 1);
  const given = node.ints('pads') ?? [0, 0, 0, 0];
  const pads: Pads =
    given.length === 2 ? [0, given[0], 0, given[1]] : [given[0], given[1], given[2], given[3]];
  const auto = node.string('auto_pad', 'NOTSET');
  if (auto === 'NOTSET') return { kernel, strides, dilations, pads };
  if (auto === 'VALID') return { kernel, strides, dilations, pads: [0, 0, 0, 0] };
  const [height, width] = [0, 1].map((axis) => {
    const out = Math.ceil(size[axis] / strides[axis]);
    const total = Math.max(
      0,
      (out - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1 - size[axis],
    );
    const [small, large] = [Math.floor(total / 2), Math.ceil(total / 2)];
    return auto === 'SAME_LOWER' ? [large, small] : [small, large];
  });
  return { kernel, strides, dilations, pads: [height[0], width[0], height[1], width[1]] };
}

function conv(node: NodeReader): Value {
  const given = node.input(0);
  node.requireRank(given, [3, 4]);
  const [x, weight] = [asImage(given), asImage(node.input(1))];
  const { kernel: _, ...geometry } = windowOf(node, x.shape.slice(2), weight.shape.slice(2));
  const attributes = { ...geometry, groups: node.int('group', 1) };
  return asBefore(build.conv2d(x, weight, attributes, node.optional(2)), given.shape.length);
}

function convTranspose(node: NodeReader): Value {
  const given = node.input(0);
  node.requireRank(given, [3, 4]);
  const [x, weight] = [asImage(given), asImage(node.input(1))];
  const auto = node.string('auto_pad', 'NOTSET');
  if ((auto !== 'NOTSET' && auto !== 'VALID') || node.hasAttribute('output_shape')) {
    throw node.unsupported(`padding must be given in pixels, but got auto_pad=${auto} or an output_shape`);
  }
  const { kernel: _, ...geometry } = windowOf(node, x.shape.slice(2), weight.shape.slice(2));
  const groups = node.int('group', 1);
  const extra = pairOf(node.ints('output_padding'), 0);
  const size = [0, 1].map(
    (axis) =>
      (x.shape[axis + 2] - 1) * geometry.strides[axis] +
      geometry.dilations[axis] * (weight.shape[axis + 2] - 1) +
      1 +
      extra[axis] -
      geometry.pads[axis] -
      geometry.pads[axis + 2],
  );
  const shape = [x.shape[0], weight.shape[1] * groups, ...size];
  const y = build.conv2dInput(x, weight, { ...geometry, groups, shape });
  const bias = node.optional(2);
  return asBefore(bias === undefined ? y : build.channelShift(y, bias), given.shape.length);
}

/** Pixels to add at the bottom and right so that the last, partial windows count too. */
function ceilPads(size: readonly number[], { kernel, strides, pads }: Window): [number, number] {
  const [height, width] = [0, 1].map((axis) => {
    const padded = pads[axis] + pads[axis + 2];
    const whole = windowCount(size[axis], kernel[axis], strides[axis], padded, 1);
    const rest = size[axis] + padded - kernel[axis] - (whole - 1) * strides[axis];
    // A window that would start in the padding at the end is left out.
    const startsInside = whole * strides[axis] < size[axis] + pads[axis];
    return rest > 0 && startsInside ? strides[axis] - rest : 0;
  });
  return [height, width];
}

function pool(
  node: NodeReader,
  make: (x: Value, window: Omit<Window, 'dilations'>, isRaised: boolean) => Value,
): Value {
  const given = node.input(0);
  node.requireRank(given, [3, 4]);
  if (node.outputCount > 1)
    throw node.unsupported('only the pooled output can be used, but got the indices too');
  const x = asImage(given);
  const window = windowOf(node, x.shape.slice(2), node.ints('kernel_shape'));
  if (window.dilations.some((dilation) => dilation !== 1)) {
    throw node.unsupported(`dilations must be 1, but got [${window.dilations.join(', ')}]`);
  }
  const [bottom, right] = node.int('ceil_mode', 0) !== 0 ? ceilPads(x.shape.slice(2), window) : [0, 0];
  const pads: Pads = [window.pads[0], window.pads[1], window.pads[2] + bottom, window.pads[3] + right];
  const { kernel, strides } = window;
  return asBefore(make(x, { kernel, strides, pads }, bottom + right > 0), given.shape.length);
}

function averagePool(node: NodeReader): Value {
  const countIncludePad = node.int('count_include_pad', 0) !== 0;
  return pool(node, (x, window, isRaised) => {
    if (isRaised && countIncludePad) {
      throw node.unsupported('ceil_mode must not add windows where padding counts, but it does');
    }
    return build.averagePool2d(x, { ...window, countIncludePad });
  });
}

const global =
  (make: (x: Value) => Value): ImportNode =>
  (node) => {
    const x = node.input(0);
    return build.reshape(make(x), [x.shape[0], x.shape[1], ...x.shape.slice(2).map(() => 1)]);
  };

function globalAverage(x: Value): Value {
  return sizeOf(x.shape.slice(2)) === 1 ? x : channelMean(x, false);
}

/** Convolution and pooling. */
export const imageImports: ImportTable = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: (node) => pool(node, build.maxPool2d),
  AveragePool: averagePool,
  GlobalAveragePool: global(globalAverage),
  GlobalMaxPool: global((x) => build.reduceMax(x, x.shape.map((_, axis) => axis).slice(2))), // biome-ignore format: short
};
