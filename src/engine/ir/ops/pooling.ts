import { type Shape, ShapeError, sizeOf } from '#core';
import { requireShape, windowedSize } from '../conv-geometry.ts';
import type { AveragePoolAttributes, PoolAttributes } from '../op-attributes.ts';
import type { Emitter, Lowering, OnnxAttributeValue, OpTable } from '../op-rule.ts';
import { commonDType, formatShape, isFloat, requireDType } from '../shapes.ts';
import type { TensorType, Value } from '../value.ts';
import { blockedDomain, hasBlocks } from './blocked-layout.ts';
import { firstOfRows, maxOfRows } from './pool-rows.ts';

function pooledShape(x: TensorType, attributes: PoolAttributes, where: string): Shape {
  requireDType([x], isFloat, 'floating point numbers', where);
  const size = x.shape.length === 4 ? windowedSize(x.shape.slice(2), attributes.kernel, attributes) : [0, 0];
  if (size.some((dim) => dim < 1)) {
    throw new ShapeError(
      `${where}: the input must be [N, C, H, W] with room for the kernel, but got ${formatShape(x.shape)} and kernel [${attributes.kernel.join(', ')}]. Use a smaller kernel.`,
      { input: [...x.shape], kernel: [...attributes.kernel] },
    );
  }
  return [x.shape[0], x.shape[1], ...size];
}

/** Calls `visit` with each output and every input in its window. */
function visitWindows(
  x: Shape,
  y: Shape,
  { kernel, strides, pads }: PoolAttributes,
  visit: (y: number, x: number) => void,
): void {
  const [, , height, width] = x;
  const [samples, channels, outHeight, outWidth] = y;
  for (let plane = 0; plane < samples * channels; plane++) {
    for (let h = 0; h < outHeight; h++) {
      for (let w = 0; w < outWidth; w++) {
        for (let i = 0; i < kernel[0]; i++) {
          for (let j = 0; j < kernel[1]; j++) {
            const [row, column] = [h * strides[0] - pads[0] + i, w * strides[1] - pads[1] + j];
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            visit((plane * outHeight + h) * outWidth + w, (plane * height + row) * width + column);
          }
        }
      }
    }
  }
}

/** Index of the first maximum of every window, −1 for a window of padding alone. */
function maxima(x: { shape: Shape; data: Float64Array }, y: Shape, attributes: PoolAttributes): Int32Array {
  const best = new Int32Array(sizeOf(y)).fill(-1);
  visitWindows(x.shape, y, attributes, (out, at) => {
    const held = best[out];
    if (held < 0 || x.data[at] > x.data[held] || Number.isNaN(x.data[at])) best[out] = at;
  });
  return best;
}

/** Elements each output's mean is taken over. */
function windowAreas(x: Shape, y: Shape, attributes: AveragePoolAttributes): Float64Array {
  const areas = new Float64Array(sizeOf(y));
  if (attributes.countIncludePad) return areas.fill(attributes.kernel[0] * attributes.kernel[1]);
  visitWindows(x, y, attributes, (out) => {
    areas[out]++;
  });
  return areas;
}

const poolAttributes = ({ kernel, strides, pads }: PoolAttributes): Record<string, OnnxAttributeValue> => ({
  kernel_shape: { ints: kernel },
  strides: { ints: strides },
  pads: { ints: pads },
});

/** Pooling of a blocked operand stays blocked. */
function emitPool(e: Emitter, operator: string, x: Value, attributes: Record<string, OnnxAttributeValue>) {
  if (hasBlocks(e.target) && e.isBlocked(x)) {
    return [{ blocked: e.node(operator, [e.blocked(x)], { domain: blockedDomain, attributes }) }];
  }
  return [e.node(operator, [e.plain(x)], { attributes })];
}

/**
 * Positions of the maxima, found by comparing them with each element of their windows: WebGPU's `MaxPool` has no
 * indices. Elements are gone through backwards, so that the first of equal ones is left.
 */
function emitComparedPositions(e: Emitter, x: Value, y: Value, attributes: PoolAttributes): string {
  const { kernel, strides, pads } = attributes;
  const [height, width] = x.shape.slice(2);
  const [outHeight, outWidth] = y.shape.slice(2);
  const lowest = e.scalar(Number.NEGATIVE_INFINITY, x.dtype);
  const padded = pads.some((pad) => pad > 0)
    ? e.node('Pad', [e.plain(x), e.int64([0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]]), lowest])
    : e.plain(x);
  const shape = [1, 1, outHeight, outWidth];
  let found = e.constant(new Float32Array(outHeight * outWidth), shape, 'float32');
  for (let tap = kernel[0] * kernel[1] - 1; tap >= 0; tap--) {
    const [i, j] = [Math.floor(tap / kernel[1]), tap % kernel[1]];
    const ends = [i + (outHeight - 1) * strides[0] + 1, j + (outWidth - 1) * strides[1] + 1];
    const window = [e.int64([i, j]), e.int64(ends), e.int64([2, 3]), e.int64(strides)];
    const elements = e.node('Slice', [padded, ...window]);
    const places = Float32Array.from({ length: outHeight * outWidth }, (_, at) => {
      const row = Math.floor(at / outWidth) * strides[0] - pads[0] + i;
      const column = (at % outWidth) * strides[1] - pads[1] + j;
      return Math.min(height * width - 1, Math.max(0, row * width + column));
    });
    const isMaximum = e.node('Equal', [elements, e.plain(y)]);
    found = e.node('Where', [isMaximum, e.constant(places, shape, 'float32'), found]);
  }
  return e.cast(found, 'int64');
}

/** Positions of the maxima within each sample and channel (int64). */
function emitPositions(e: Emitter, x: Value, y: Value, attributes: PoolAttributes): string {
  if (e.target.device === 'webgpu') return emitComparedPositions(e, x, y, attributes);
  const [n, c, h, w] = x.shape;
  const flat = e.reshape(e.plain(x), [n * c, 1, h, w]);
  const [, indices] = e.nodes('MaxPool', [flat], { attributes: poolAttributes(attributes), outputs: 2 });
  const offsets = BigInt64Array.from({ length: n * c }, (_, i) => BigInt(i * h * w));
  return e.node('Sub', [indices, e.constant(offsets, [n * c, 1, 1, 1], 'int64')]);
}

const isTiled = ({ kernel, strides, pads }: PoolAttributes, x: Shape): boolean =>
  kernel[0] === strides[0] &&
  kernel[1] === strides[1] &&
  pads.every((pad) => pad === 0) &&
  x[2] % kernel[0] === 0 &&
  x[3] % kernel[1] === 0;

/** Windows that do not overlap: every position is written once at most. */
const tiledScatter: Lowering<'maxPool2dScatter'> = {
  name: 'MaxUnpool',
  applies: ({ attributes }, { device }) => device !== 'webgpu' && isTiled(attributes, attributes.shape),
  cost: () => 0,
  emit: (e, { inputs: [dy, x], attributes }) => {
    const [, indices] = e.nodes('MaxPool', [e.plain(x)], {
      attributes: poolAttributes(attributes),
      outputs: 2,
    });
    return [
      e.node('MaxUnpool', [e.plain(dy), indices, e.int64(attributes.shape)], {
        attributes: { kernel_shape: { ints: attributes.kernel }, strides: { ints: attributes.strides } },
      }),
    ];
  },
};

/** Max and average pooling with their gradients, which are linear and each other's gradients. */
export const poolingRules: Pick<
  OpTable,
  'maxPool2d' | 'maxPool2dScatter' | 'maxPool2dGather' | 'averagePool2d' | 'averagePool2dGradient'
> = {
  maxPool2d: {
    infer: ([x], attributes, where) => [{ dtype: x.dtype, shape: pooledShape(x, attributes, where) }],
    gradient: ({ build, node, inputs: [x], outputs: [y], gradients: [dy] }) => [
      dy && build.maxPool2dScatter(dy, x, y, node.attributes),
    ],
    reference: ([x], attributes, [{ shape }]) => [
      Float64Array.from(maxima(x, shape, attributes), (at) =>
        at < 0 ? Number.NEGATIVE_INFINITY : x.data[at],
      ),
    ],
    lowerings: [
      {
        name: 'MaxPool',
        cost: () => 0,
        emit: (e, { inputs: [x], attributes }) => emitPool(e, 'MaxPool', x, poolAttributes(attributes)),
      },
      maxOfRows,
    ],
  },
  maxPool2dScatter: {
    infer: ([dy, x, y], _, where) => {
      commonDType([dy, x, y], where);
      requireShape(dy, y.shape, 'the gradient', where);
      return [{ dtype: dy.dtype, shape: x.shape }];
    },
    gradient: ({ build, node, inputs: [, x, y], gradients: [g] }) => {
      const { kernel, strides, pads } = node.attributes;
      return [g && build.maxPool2dGather(g, x, y, { kernel, strides, pads }), undefined, undefined];
    },
    reference: ([dy, x], attributes) => {
      const result = new Float64Array(x.data.length);
      maxima(x, dy.shape, attributes).forEach((at, i) => {
        if (at >= 0) result[at] += dy.data[i];
      });
      return [result];
    },
    lowerings: [
      {
        name: 'ScatterElements',
        cost: () => 1,
        emit: (e, { inputs: [dy, x, y], attributes }) => {
          const [n, c, h, w] = attributes.shape;
          const flat = (name: string) => e.reshape(name, [n * c, -1]);
          const zeros = e.node('Expand', [e.scalar(0, x.dtype), e.int64([n * c, h * w])]);
          const scattered = e.node(
            'ScatterElements',
            [zeros, flat(emitPositions(e, x, y, attributes)), flat(e.plain(dy))],
            { attributes: { axis: { int: 1 }, reduction: { string: 'add' } } },
          );
          return [e.reshape(scattered, attributes.shape)];
        },
      },
      tiledScatter,
      firstOfRows,
    ],
  },
  maxPool2dGather: {
    infer: ([g, x, y], _, where) => {
      commonDType([g, x, y], where);
      requireShape(g, x.shape, 'the operand', where);
      return [{ dtype: g.dtype, shape: y.shape }];
    },
    gradient: ({ build, node, inputs: [, x, y], gradients: [dg] }) => [
      dg && build.maxPool2dScatter(dg, x, y, node.attributes),
      undefined,
      undefined,
    ],
    reference: ([g, x], attributes, [{ shape }]) => [
      Float64Array.from(maxima(x, shape, attributes), (at) => (at < 0 ? 0 : g.data[at])),
    ],
    lowerings: [
      {
        name: 'GatherElements',
        emit: (e, { inputs: [g, x, y], attributes }) => {
          const rows = y.shape[0] * y.shape[1];
          const positions = e.reshape(emitPositions(e, x, y, attributes), [rows, -1]);
          const flat = e.reshape(e.plain(g), [rows, -1]);
          return [
            e.reshape(
              e.node('GatherElements', [flat, positions], { attributes: { axis: { int: 1 } } }),
              y.shape,
            ),
          ];
        },
      },
    ],
  },
  averagePool2d: {
    infer: ([x], attributes, where) => [{ dtype: x.dtype, shape: pooledShape(x, attributes, where) }],
    gradient: ({ build, node, inputs: [x], gradients: [dy] }) => [
      dy && build.averagePool2dGradient(dy, { ...node.attributes, shape: x.shape }),
    ],
    reference: ([x], attributes, [{ shape }]) => {
      const result = new Float64Array(sizeOf(shape));
      visitWindows(x.shape, shape, attributes, (out, at) => {
        result[out] += x.data[at];
      });
      const areas = windowAreas(x.shape, shape, attributes);
      return [result.map((total, i) => total / areas[i])];
    },
    lowerings: [
      {
        name: 'AveragePool',
        emit: (e, { inputs: [x], attributes }) =>
          emitPool(e, 'AveragePool', x, {
            ...poolAttributes(attributes),
            count_include_pad: { int: Number(attributes.countIncludePad) },
          }),
      },
    ],
  },
  averagePool2dGradient: {
    infer: ([dy], { shape }, where) => {
      requireDType([dy], isFloat, 'floating point numbers', where);
      return [{ dtype: dy.dtype, shape }];
    },
    gradient: ({ build, node, gradients: [g] }) => {
      const { kernel, strides, pads, countIncludePad } = node.attributes;
      return [g && build.averagePool2d(g, { kernel, strides, pads, countIncludePad })];
    },
    reference: ([dy], attributes, [{ shape }]) => {
      const areas = windowAreas(shape, dy.shape, attributes);
      const result = new Float64Array(sizeOf(shape));
      visitWindows(shape, dy.shape, attributes, (out, at) => {
        result[at] += dy.data[out] / areas[out];
      });
      return [result];
    },
    lowerings: [{ name: 'ConvTranspose', emit: emitAverageGradient }],
  },
};

/** Every output's share goes to all of its window: a transposed convolution with a kernel of ones, plane by plane. */
function emitAverageGradient(
  e: Emitter,
  { inputs: [dy], attributes }: Parameters<Lowering<'averagePool2dGradient'>['emit']>[1],
): readonly string[] {
  const { kernel, strides, pads, shape } = attributes;
  const [n, c, h, w] = shape;
  const size = dy.shape.slice(2);
  const areas = windowAreas([1, 1, h, w], [1, 1, ...size], attributes);
  const shares = e.constant(
    Float32Array.from(areas, (area) => 1 / area),
    [1, 1, ...size],
    'float32',
  );
  const scaled = e.node('Mul', [e.reshape(e.plain(dy), [n * c, 1, ...size]), e.cast(shares, dy.dtype)]);
  const ones = e.constant(new Float32Array(kernel[0] * kernel[1]).fill(1), [1, 1, ...kernel], 'float32');
  const missing = [0, 1].map(
    (axis) =>
      shape[axis + 2] - (strides[axis] * (size[axis] - 1) + kernel[axis] - pads[axis] - pads[axis + 2]),
  );
  // Rows behind the last window, and windows that lie in the padding, are cut or filled by the output's padding.
  const spread = e.node('ConvTranspose', [scaled, e.cast(ones, dy.dtype)], {
    attributes: {
      ...poolAttributes(attributes),
      output_padding: { ints: missing.map((count) => Math.max(0, count)) },
    },
  });
  return [e.reshape(spread, shape)];
}
