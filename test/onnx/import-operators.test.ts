import { describe, expect, it } from 'vitest';
import { type HostTensor, Rng } from '#core';
import { fromHost, type OnnxAttribute, OnnxGraph, OnnxSession } from '#engine';
import { importOnnx } from '#nn';

type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** One operator over a float input of a shape; the body returns the name of what is compared. */
interface Case {
  readonly name: string;
  readonly shape: readonly number[];
  readonly body: (graph: OnnxGraph, x: string) => string;
}

const int = (value: number): OnnxAttribute => ({ int: value });
const ints = (...values: number[]): OnnxAttribute => ({ ints: values });
const text = (value: string): OnnxAttribute => ({ string: value });
const float = (value: number): OnnxAttribute => ({ float: value });

/** An operator of one operand. */
const unary = (op: string, shape: readonly number[], attributes: Attributes = {}, label = ''): Case => ({
  name: label === '' ? op : `${op}, ${label}`,
  shape,
  body: (graph, x) => graph.node(op, [x], { attributes }),
});

/** An operator with further operands that are whole numbers. */
const sized = (
  op: string,
  shape: readonly number[],
  lists: readonly (readonly number[])[],
  attributes: Attributes = {},
  label = '',
): Case => ({
  name: label === '' ? op : `${op}, ${label}`,
  shape,
  body: (graph, x) => graph.node(op, [x, ...lists.map((list) => graph.int64(list))], { attributes }),
});

const weights = (graph: OnnxGraph, ...shape: number[]) => {
  const rng = new Rng(shape.length);
  const size = shape.reduce((a, b) => a * b, 1);
  return graph.constant(
    Float32Array.from({ length: size }, () => 0.2 + rng.uniform()),
    shape,
    'w',
  );
};

const layer = (
  op: string,
  shape: readonly number[],
  operands: readonly (readonly number[])[],
  attributes: Attributes = {},
  label = '',
): Case => ({
  name: label === '' ? op : `${op}, ${label}`,
  shape,
  body: (graph, x) => graph.node(op, [x, ...operands.map((each) => weights(graph, ...each))], { attributes }),
});

const resize = (label: string, size: readonly [number, number], attributes: Attributes): Case => ({
  name: `Resize, ${label}`,
  shape: [1, 2, 4, 6],
  body: (graph, x) => graph.node('Resize', [x, '', '', graph.int64([1, 2, ...size])], { attributes }),
});

const image = [2, 3, 7, 6];
const functions = [
  'Relu',
  'Sigmoid',
  'Tanh',
  'Exp',
  'Erf',
  'Abs',
  'Neg',
  'Sign',
  'Sin',
  'Cos',
  'Floor',
  'Ceil',
  'Round',
  'Softplus',
  'Softsign',
  'Mish',
  'HardSwish',
  'Identity',
];

const cases: readonly Case[] = [
  ...functions.map((op) => unary(op, [2, 5])),
  unary('LeakyRelu', [2, 5], { alpha: float(0.3) }),
  unary('Elu', [2, 5], { alpha: float(1.5) }),
  unary('Selu', [2, 5]),
  unary('HardSigmoid', [2, 5]),
  unary('Gelu', [2, 5]),
  unary('Gelu', [2, 5], { approximate: text('tanh') }, 'tanh'),
  layer('PRelu', image, [[3, 1, 1]]),
  {
    name: 'Clip',
    shape: [2, 5],
    body: (g, x) =>
      g.node('Clip', [x, g.constant(Float32Array.of(-0.5), []), g.constant(Float32Array.of(0.5), [])]),
  },
  { name: 'Pow', shape: [2, 5], body: (g, x) => g.node('Pow', [x, g.constant(Float32Array.of(3), [])]) },
  {
    name: 'Where of a comparison',
    shape: [2, 5],
    body: (g, x) =>
      g.node('Where', [g.node('Greater', [x, g.constant(Float32Array.of(0), [])]), x, g.node('Neg', [x])]),
  },
  {
    name: 'Max and Min of several',
    shape: [2, 5],
    body: (g, x) => g.node('Max', [x, g.node('Neg', [x]), g.node('Min', [x, weights(g, 5)])]),
  },
  {
    name: 'Mod with the sign of the dividend',
    shape: [2, 5],
    body: (g, x) =>
      g.node('Mod', [x, g.constant(Float32Array.of(0.3), [])], { attributes: { fmod: int(1) } }),
  },
  unary('Softmax', [2, 3, 4], { axis: int(1) }),
  unary('LogSoftmax', [2, 3, 4]),
  sized('ReduceMean', image, [[2, 3]]),
  sized('ReduceMean', image, [[1]], { keepdims: int(0) }, 'an inner axis'),
  sized('ReduceSum', image, [[-1]]),
  sized('ReduceMax', image, [[2, 3]], { keepdims: int(0) }),
  sized('ReduceMin', image, [[0]]),
  sized('ReduceL2', image, [[1]]),
  sized('ReduceL1', image, [[1]]),
  sized('ReduceSumSquare', image, [[1, 2]]),
  sized('ReduceLogSumExp', image, [[1]]),
  unary('ReduceSum', [2, 3], {}, 'everything'),
  {
    name: 'ArgMax as numbers',
    shape: [3, 5],
    body: (g, x) =>
      g.node('Cast', [g.node('ArgMax', [x], { attributes: { axis: int(1) } })], {
        attributes: { to: int(1) },
      }),
  },
  {
    name: 'ArgMin as numbers',
    shape: [3, 5],
    body: (g, x) =>
      g.node('Cast', [g.node('ArgMin', [x], { attributes: { axis: int(0), keepdims: int(0) } })], {
        attributes: { to: int(1) },
      }),
  },
  { name: 'TopK', shape: [3, 5], body: (g, x) => g.multiNode('TopK', [x, g.int64([2])], { outputs: 2 })[0] },
  {
    name: 'CumSum',
    shape: [3, 5],
    body: (g, x) => g.node('CumSum', [x, g.int64(1)], { attributes: { reverse: int(1), exclusive: int(1) } }),
  },
  sized('Reshape', [2, 3, 4], [[0, -1]]),
  unary('Flatten', [2, 3, 4], { axis: int(2) }),
  unary('Flatten', [2, 3, 4], { axis: int(-1) }, 'from the end'),
  unary('Flatten', [2, 3, 4], { axis: int(0) }, 'everything'),
  unary('Transpose', [2, 3, 4], { perm: ints(2, 0, 1) }),
  sized('Squeeze', [2, 1, 3, 1], [[-1]]),
  sized('Unsqueeze', [2, 3], [[0, -1]]),
  sized(
    'Slice',
    [4, 6],
    [
      [1, -4],
      [2 ** 31 - 1, -1],
      [0, 1],
      [2, 1],
    ],
  ),
  sized('Slice', [4, 6], [[-1], [-100], [1], [-2]], {}, 'backwards'),
  sized('Slice', [4, 6], [[3], [1000], [1]], {}, 'to the end'),
  {
    name: 'Split',
    shape: [5, 4],
    body: (g, x) => g.multiNode('Split', [x, g.int64([2, 3])], { outputs: 2 })[1],
  },
  {
    name: 'Split into equal parts',
    shape: [5, 4],
    body: (g, x) => g.multiNode('Split', [x], { outputs: 2, attributes: { num_outputs: int(2) } })[1],
  },
  {
    name: 'Concat',
    shape: [2, 4],
    body: (g, x) => g.node('Concat', [x, g.node('Neg', [x])], { attributes: { axis: int(-1) } }),
  },
  {
    name: 'Gather of one',
    shape: [2, 4],
    body: (g, x) => g.node('Gather', [x, g.int64(-1)], { attributes: { axis: int(1) } }),
  },
  {
    name: 'Gather of several',
    shape: [2, 4],
    body: (g, x) => g.node('Gather', [x, g.int64([3, -4, 1])], { attributes: { axis: int(1) } }),
  },
  {
    name: 'GatherElements',
    shape: [2, 2],
    body: (g, x) =>
      g.node('GatherElements', [x, g.constant(BigInt64Array.of(0n, 1n, 1n, 0n), [2, 2])], {
        attributes: { axis: int(1) },
      }),
  },
  sized('Expand', [3, 1], [[2, 1, 4]]),
  sized('Tile', [2, 3], [[2, 2]]),
  sized('Pad', [2, 3], [[0, 1, 1, 2]]),
  sized('Pad', [2, 4], [[0, -1, 1, -1]], {}, 'cutting'),
  ...['reflect', 'edge', 'wrap'].map((mode) =>
    sized('Pad', [1, 2, 4, 5], [[0, 0, 2, 1, 0, 0, 1, 3]], { mode: text(mode) }, mode),
  ),
  {
    name: 'Shape, Range and ConstantOfShape',
    shape: [2, 3],
    body: (g, x) => {
      const size = g.node('Gather', [g.node('Shape', [x]), g.int64(1)]);
      const range = g.node('Cast', [g.node('Range', [g.int64(0), size, g.int64(1)])], {
        attributes: { to: int(1) },
      });
      const ones = g.node('ConstantOfShape', [g.node('Shape', [x])], {
        attributes: { value: { tensor: { data: Float32Array.of(2), dims: [1] } } },
      });
      return g.node('Add', [g.node('Mul', [x, ones]), range]);
    },
  },
  unary('DepthToSpace', [1, 8, 2, 3], { blocksize: int(2) }),
  unary('DepthToSpace', [1, 8, 2, 3], { blocksize: int(2), mode: text('CRD') }, 'CRD'),
  unary('SpaceToDepth', [1, 2, 4, 6], { blocksize: int(2) }),
  layer('MatMul', [2, 3, 4], [[4, 5]]),
  layer('MatMul', [3, 4], [[4]], {}, 'a vector'),
  layer('Gemm', [3, 4], [[5, 4], [5]], { transB: int(1), alpha: float(0.5), beta: float(2) }),
  layer('Gemm', [4, 3], [[4, 5]], { transA: int(1) }, 'without a third operand'),
  layer('BatchNormalization', image, [[3], [3], [3], [3]], { epsilon: float(0.01) }),
  layer(
    'LayerNormalization',
    [2, 3, 4],
    [
      [3, 4],
      [3, 4],
    ],
    { axis: int(1) },
  ),
  layer('InstanceNormalization', image, [[3], [3]]),
  layer('GroupNormalization', [2, 4, 3, 3], [[4], [4]], { num_groups: int(2) }),
  layer('Conv', image, [[4, 3, 3, 3], [4]], { pads: ints(1, 0, 2, 1), strides: ints(2, 1) }),
  layer('Conv', image, [[3, 1, 3, 3]], { group: int(3), dilations: ints(2, 1) }, 'depthwise'),
  layer('Conv', image, [[4, 3, 3, 2]], { auto_pad: text('SAME_UPPER'), strides: ints(2, 2) }, 'same, upper'),
  layer('Conv', image, [[4, 3, 3, 2]], { auto_pad: text('SAME_LOWER'), strides: ints(2, 2) }, 'same, lower'),
  layer('Conv', [2, 3, 9], [[4, 3, 3], [4]], { pads: ints(1, 1), strides: ints(2) }, 'signals'),
  layer('ConvTranspose', image, [[3, 2, 3, 3], [2]], {
    strides: ints(2, 2),
    pads: ints(1, 1, 1, 1),
    output_padding: ints(1, 1),
  }),
  layer('ConvTranspose', image, [[3, 2, 2, 2]], { group: int(3), strides: ints(2, 2) }, 'groups'),
  unary('MaxPool', image, { kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 1, 1) }),
  unary(
    'MaxPool',
    [1, 2, 8, 8],
    { kernel_shape: ints(3, 3), strides: ints(2, 2), ceil_mode: int(1) },
    'ceil',
  ),
  unary('MaxPool', [1, 2, 7], { kernel_shape: ints(2), strides: ints(2) }, 'signals'),
  unary('AveragePool', image, { kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 1, 1) }),
  unary(
    'AveragePool',
    image,
    { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1), count_include_pad: int(1) },
    'padding counts',
  ),
  unary(
    'AveragePool',
    image,
    { kernel_shape: ints(3, 3), strides: ints(2, 2), auto_pad: text('SAME_UPPER') },
    'same',
  ),
  unary('GlobalAveragePool', image),
  unary('GlobalMaxPool', image),
  resize('nearest, twice as large', [8, 12], {
    coordinate_transformation_mode: text('asymmetric'),
    nearest_mode: text('floor'),
  }),
  resize('nearest, half pixels', [6, 4], { mode: text('nearest') }),
  resize('nearest, rounded up', [3, 9], {
    coordinate_transformation_mode: text('asymmetric'),
    nearest_mode: text('ceil'),
  }),
  resize('linear', [7, 9], { mode: text('linear') }),
  resize('linear, corners', [7, 3], {
    mode: text('linear'),
    coordinate_transformation_mode: text('align_corners'),
  }),
  resize('linear, asymmetric', [8, 9], {
    mode: text('linear'),
    coordinate_transformation_mode: text('asymmetric'),
  }),
  resize("linear, PyTorch's half pixels", [5, 2], {
    mode: text('linear'),
    coordinate_transformation_mode: text('pytorch_half_pixel'),
  }),
];

describe('importOnnx', () => {
  it.each(cases)('$name computes what ONNX Runtime does', async ({ shape, body }) => {
    const graph = new OnnxGraph('case');
    const x = graph.input('x', 'float32', shape);
    // A sum, so that the operator's result is not the graph's last word.
    graph.output(
      graph.node('Add', [body(graph, x), graph.constant(Float32Array.of(1), [])]),
      'float32',
      ['?'],
      'y',
    );
    const bytes = graph.toModel();
    const rng = new Rng(shape.length);
    const size = shape.reduce((a, b) => a * b, 1);
    const input: HostTensor = {
      dtype: 'float32',
      shape,
      data: Float32Array.from({ length: size }, () => rng.normal()),
    };
    const session = await OnnxSession.create(bytes);
    const { y } = await session.run({
      x: { dtype: 'float32', dims: shape, data: input.data as Float32Array },
    });
    await session.release();
    const ours = await importOnnx(bytes).eval().forward(fromHost(input)).host();
    expect(ours.shape).toEqual(y.dims);
    Array.from(ours.data as Float32Array).forEach((value, i) => {
      const wanted = Number(y.data[i]);
      expect(Math.abs(value - wanted), `element ${i}: ${value} is not ${wanted}`).toBeLessThan(
        1e-4 * (1 + Math.abs(wanted)),
      );
    });
  });
});
