import { type Shape, ShapeError, sizeOf } from '#core';
import type { OpAttributes } from '../op-attributes.ts';
import type { Emitter, GradientArguments, Lowering, OpTable, ReferenceTensor } from '../op-rule.ts';
import { commonDType, formatShape, isFloat, requireDType } from '../shapes.ts';
import type { TensorType, Value } from '../value.ts';
import {
  blockedConv,
  blockedDomain,
  blockedShape,
  hasBlocks,
  padChannels,
  padVector,
} from './blocked-layout.ts';

type ChannelOp = 'channelAffine' | 'channelDot' | 'channelSum' | 'channelMoments';

function checkChannels(
  x: TensorType,
  vectors: readonly TensorType[],
  perSample: boolean,
  where: string,
): Shape {
  commonDType([x, ...vectors], where);
  requireDType([x], isFloat, 'floating point numbers', where);
  const expected = perSample ? x.shape.slice(0, 2) : [x.shape[1]];
  const wrong = x.shape.length < 2 || vectors.some(({ shape }) => String(shape) !== String(expected));
  if (wrong) {
    throw new ShapeError(
      `${where}: the input must be [N, C, …] and per-channel operands ${perSample ? '[N, C]' : '[C]'}, but got ${[x, ...vectors].map(({ shape }) => formatShape(shape)).join(' and ')}. Set the number of channels to ${x.shape[1]}.`,
      { input: [...x.shape], operands: vectors.map(({ shape }) => [...shape]) },
    );
  }
  return expected;
}

/** Calls `visit` with every element's index and its channel's. */
function visitChannels(
  shape: Shape,
  perSample: boolean,
  visit: (index: number, channel: number) => void,
): void {
  const [samples, channels] = shape;
  const inner = sizeOf(shape.slice(2));
  for (let n = 0; n < samples; n++) {
    for (let c = 0; c < channels; c++) {
      const channel = perSample ? n * channels + c : c;
      const start = (n * channels + c) * inner;
      for (let i = start; i < start + inner; i++) visit(i, channel);
    }
  }
}

function sumChannels(shape: Shape, perSample: boolean, term: (index: number) => number): Float64Array {
  const result = new Float64Array(perSample ? shape[0] * shape[1] : shape[1]);
  visitChannels(shape, perSample, (index, channel) => {
    result[channel] += term(index);
  });
  return result;
}

/** Mean, then the mean square of what is left: no cancellation. */
function moments({ shape, data }: ReferenceTensor): [Float64Array, Float64Array] {
  const count = sizeOf(shape) / shape[1];
  const mean = sumChannels(shape, false, (i) => data[i]).map((total) => total / count);
  const variance = new Float64Array(shape[1]);
  visitChannels(shape, false, (i, c) => {
    variance[c] += (data[i] - mean[c]) ** 2 / count;
  });
  return [mean, variance];
}

/** Axes that a channel sum runs over. */
const summedAxes = (rank: number, perSample: boolean): number[] =>
  Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis > 1 || (axis === 0 && !perSample));

/** `[C]` or `[N, C]` as an operand that broadcasts over `[N, C, …]`. */
const asChannels = (e: Emitter, vector: Value, rank: number): string =>
  e.reshape(e.plain(vector), [
    vector.shape.length === 2 ? vector.shape[0] : 1,
    vector.shape[vector.shape.length - 1],
    ...new Array<number>(rank - 2).fill(1),
  ]);

const reduce = (e: Emitter, name: string, axes: readonly number[]): string =>
  axes.length === 0
    ? name
    : e.node('ReduceSum', [name, e.int64(axes)], { attributes: { keepdims: { int: 0 } } });

function isImage(x: Value, e: { target: Emitter['target'] }): boolean {
  return hasBlocks(e.target) && x.shape.length === 4 && x.dtype === 'float32';
}

/**
 * Images of at least a block of channels are worth reordering; smaller ones are taken as they are, blocked or not.
 */
const blockedLowering = <K extends ChannelOp>(
  name: string,
  emit: Lowering<K>['emit'],
  fallback: Lowering<K>,
): Lowering<K> => ({
  name,
  applies: ({ inputs: [x] }, target) => isImage(x, { target }),
  cost: () => -1,
  emit: (e, node) => {
    const images = node.inputs.filter(({ shape }) => shape.length === 4);
    const isBlocked =
      node.inputs[0].shape[1] >= e.target.blockSize || images.some((image) => e.isBlocked(image));
    return (isBlocked ? emit : fallback.emit)(e, node);
  },
});

/** Whether a scale is a constant of ones. */
function isUnit({ node }: Value): boolean {
  if (node.op !== 'constant') return false;
  return ((node.attributes as OpAttributes['constant']).data as Float32Array).every(
    (element) => element === 1,
  );
}

export const plainAffine: Lowering<'channelAffine'> = {
  name: 'Mul, Add',
  emit: (e, { inputs: [x, scale, shift] }) => {
    const rank = x.shape.length;
    const scaled = isUnit(scale) ? e.plain(x) : e.node('Mul', [e.plain(x), asChannels(e, scale, rank)]);
    return [shift === undefined ? scaled : e.node('Add', [scaled, asChannels(e, shift, rank)])];
  },
};

const plainDot: Lowering<'channelDot'> = {
  name: 'Mul, ReduceSum',
  emit: (e, { inputs: [x, y], attributes }) => [
    reduce(e, e.node('Mul', [e.plain(x), e.plain(y)]), summedAxes(x.shape.length, attributes.perSample)),
  ],
};

const plainSum: Lowering<'channelSum'> = {
  name: 'ReduceSum',
  emit: (e, { inputs: [x], attributes }) => [
    reduce(e, e.plain(x), summedAxes(x.shape.length, attributes.perSample)),
  ],
};

const plainMoments: Lowering<'channelMoments'> = {
  name: 'ReduceMean, Sub, ReduceSumSquare',
  emit: (e, { inputs: [x] }) => {
    const axes = e.int64(summedAxes(x.shape.length, false));
    const mean = e.node('ReduceMean', [e.plain(x), axes], { attributes: { keepdims: { int: 1 } } });
    const centred = e.node('Sub', [e.plain(x), mean]);
    const squares = e.node('ReduceSumSquare', [centred, axes], { attributes: { keepdims: { int: 0 } } });
    const count = e.scalar(sizeOf(x.shape) / x.shape[1], x.dtype);
    return [e.reshape(mean, [x.shape[1]]), e.node('Div', [squares, count])];
  },
};

/** x·scale + shift per channel, plus an addend in whose place the result comes to lie where nothing else reads it. */
export function blockedAffine(
  e: Emitter,
  x: Value,
  vectors: readonly Value[],
  { addend, relu = false }: { addend?: Value | undefined; relu?: boolean } = {},
): string {
  const channels = padChannels(x.shape[1], e.target);
  const [scale, ...shift] = vectors.map((vector) => padVector(e, e.plain(vector), vector.shape));
  const operands = [e.blocked(x), e.reshape(scale, [channels, 1, 1, 1]), ...shift];
  return blockedConv(e, addend === undefined ? operands : [...operands, e.blocked(addend)], {
    groups: channels,
    kernel: [1, 1],
    relu,
  });
}

/** Σ x·y of every sample and channel, `[N, C padded]`: samples are channels of one image, and y is the kernel. */
function blockedDots(e: Emitter, x: Value, y: Value): string {
  const [n, c, h, w] = blockedShape(x.shape, e.target);
  const images = e.reshape(e.blocked(x), [1, n * c, h, w]);
  const filters = e.reshape(e.blocked(y), [n * c, 1, h, w]);
  return e.reshape(blockedConv(e, [images, filters], { groups: n * c, kernel: [h, w] }), [n, c]);
}

/** Mean of every sample and channel, `[N, C padded]`. */
function blockedMeans(e: Emitter, x: Value): string {
  const [n, c] = blockedShape(x.shape, e.target);
  return e.reshape(e.node('GlobalAveragePool', [e.blocked(x)], { domain: blockedDomain }), [n, c]);
}

/** `[N, C padded]` or `[C padded]` without the padding. */
function cutChannels(e: Emitter, name: string, channels: number, rank: number): string {
  if (padChannels(channels, e.target) === channels) return name;
  return e.node('Slice', [name, e.int64([0]), e.int64([channels]), e.int64([rank - 1])]);
}

function sumSamples(e: Emitter, perSample: boolean, name: string, channels: number): string {
  return cutChannels(e, perSample ? name : reduce(e, name, [0]), channels, perSample ? 2 : 1);
}

/**
 * Per channel x·scale + shift, and the sums that its gradients are made of: together with a few operations on vectors
 * they are batch normalisation, squeeze-and-excitation and global pooling. Their gradients stay among them.
 */
export const channelRules: Pick<OpTable, ChannelOp> = {
  channelAffine: {
    infer: ([x, ...vectors], { perSample }, where) => {
      checkChannels(x, vectors, perSample, where);
      return [x];
    },
    gradient: ({ build, node, inputs: [x, scale], gradients: [dy], needs }) => {
      if (dy === undefined) return [undefined, undefined, undefined];
      const { perSample } = node.attributes;
      return [
        needs[0] ? build.channelAffine(dy, scale) : undefined,
        needs[1] ? build.channelDot(dy, x, perSample) : undefined,
        needs[2] ? build.channelSum(dy, perSample) : undefined,
      ];
    },
    reference: ([x, scale, shift], { perSample }) => {
      const result = new Float64Array(x.data.length);
      visitChannels(x.shape, perSample, (i, c) => {
        result[i] = x.data[i] * scale.data[c] + (shift?.data[c] ?? 0);
      });
      return [result];
    },
    lowerings: [
      plainAffine,
      blockedLowering(
        'blocked',
        (e, { inputs: [x, ...vectors], attributes: { perSample } }) => {
          if (!perSample) return [{ blocked: blockedAffine(e, x, vectors) }];
          const [n, c, h, w] = blockedShape(x.shape, e.target);
          const [scale, ...shift] = vectors.map((vector) => padVector(e, e.plain(vector), vector.shape));
          const image = e.reshape(e.blocked(x), [1, n * c, h, w]);
          const operands = [
            image,
            e.reshape(scale, [n * c, 1, 1, 1]),
            ...shift.map((name) => e.reshape(name, [n * c])),
          ];
          const scaled = blockedConv(e, operands, { groups: n * c, kernel: [1, 1] });
          return [{ blocked: e.reshape(scaled, [n, c, h, w]) }];
        },
        plainAffine,
      ),
    ],
  },
  channelDot: {
    infer: ([x, y], { perSample }, where) => {
      const shape = checkChannels(x, [], perSample, where);
      commonDType([x, y], where);
      if (String(x.shape) !== String(y.shape)) {
        throw new ShapeError(
          `${where}: operands must have one shape, but got ${formatShape(x.shape)} and ${formatShape(y.shape)}. Reshape one.`,
          { x: [...x.shape], y: [...y.shape] },
        );
      }
      return [{ dtype: x.dtype, shape }];
    },
    gradient: dotGradient,
    reference: ([x, y], { perSample }) => [sumChannels(x.shape, perSample, (i) => x.data[i] * y.data[i])],
    lowerings: [
      plainDot,
      blockedLowering(
        'blocked',
        (e, { inputs: [x, y], attributes: { perSample } }) => [
          sumSamples(e, perSample, blockedDots(e, x, y), x.shape[1]),
        ],
        plainDot,
      ),
    ],
  },
  channelSum: {
    infer: ([x], { perSample }, where) => [{ dtype: x.dtype, shape: checkChannels(x, [], perSample, where) }],
    gradient: ({ build, inputs: [x], gradients: [g] }) => {
      if (g === undefined) return [undefined];
      const rank = x.shape.length;
      const leading = g.shape.length === 2 ? g.shape : [1, ...g.shape];
      return [build.expand(build.reshape(g, [...leading, ...new Array<number>(rank - 2).fill(1)]), x.shape)];
    },
    reference: ([x], { perSample }) => [sumChannels(x.shape, perSample, (i) => x.data[i])],
    lowerings: [
      plainSum,
      blockedLowering(
        'blocked',
        (e, { inputs: [x], attributes: { perSample } }) => {
          const pixels = e.scalar(x.shape[2] * x.shape[3], x.dtype);
          return [e.node('Mul', [sumSamples(e, perSample, blockedMeans(e, x), x.shape[1]), pixels])];
        },
        plainSum,
      ),
    ],
  },
  // With n elements per channel: dmean/dx = 1/n, dvariance/dx = 2(x − mean)/n
  channelMoments: {
    infer: ([x], _, where) => {
      const shape = checkChannels(x, [], false, where);
      return [
        { dtype: x.dtype, shape },
        { dtype: x.dtype, shape },
      ];
    },
    gradient: ({ build, inputs: [x], outputs: [mean], gradients: [dMean, dVariance] }) => {
      const count = sizeOf(x.shape) / x.shape[1];
      const zero = build.expand(build.scalar(0, x.dtype), mean.shape);
      const scale = build.mul(dVariance ?? zero, 2 / count);
      const shift = build.sub(build.mul(dMean ?? zero, 1 / count), build.mul(scale, mean));
      return [build.channelAffine(x, scale, shift)];
    },
    reference: ([x]) => moments(x),
    lowerings: [
      plainMoments,
      blockedLowering(
        'blocked',
        (e, { inputs: [x] }) => {
          // Variance = mean over samples of each sample's + variance over samples of each sample's mean.
          const [, c, h, w] = blockedShape(x.shape, e.target);
          const means = blockedMeans(e, x);
          const squares = e.node('Div', [blockedDots(e, x, x), e.scalar(h * w, x.dtype)]);
          const within = e.node('Sub', [squares, e.node('Mul', [means, means])]);
          const samples = e.int64([0]);
          const mean = e.node('ReduceMean', [means, samples], { attributes: { keepdims: { int: 0 } } });
          const off = e.node('Sub', [means, e.reshape(mean, [1, c])]);
          const spread = e.node('Add', [within, e.node('Mul', [off, off])]);
          const variance = e.node('ReduceMean', [spread, samples], { attributes: { keepdims: { int: 0 } } });
          const positive = e.node('Max', [variance, e.scalar(0, x.dtype)]);
          return [cutChannels(e, mean, x.shape[1], 1), cutChannels(e, positive, x.shape[1], 1)];
        },
        plainMoments,
      ),
    ],
  },
};

// d(Σ x·y)/dx = y; a value dotted with itself gives both halves at once.
function dotGradient({ build, inputs: [x, y], gradients: [g], needs }: GradientArguments<'channelDot'>) {
  if (g === undefined) return [undefined, undefined];
  if (x === y) return [build.channelAffine(x, build.mul(g, 2)), undefined];
  return [needs[0] ? build.channelAffine(y, g) : undefined, needs[1] ? build.channelAffine(x, g) : undefined];
}
