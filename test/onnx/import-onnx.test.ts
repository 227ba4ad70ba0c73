import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type HostTensor, packageRoot, Rng } from '#core';
import { fromHost, OnnxGraph, OnnxSession, type Tensor } from '#engine';
import {
  BatchNorm2d,
  Conv2d,
  crossEntropy,
  exportOnnx,
  GlobalAvgPool2d,
  gelu,
  importOnnx,
  LayerNorm,
  Linear,
  MaxPool2d,
  Module,
  MultiheadAttention,
  SGD,
  SqueezeExcite,
} from '#nn';
import { compile } from '#train';

class Mlp extends Module {
  l1 = new Linear(6, 8, { seed: 1 });
  l2 = new Linear(8, 3, { seed: 2 });
  override forward(x: Tensor): Tensor {
    return this.l2.forward(this.l1.forward(x).relu());
  }
}

class ConvBlock extends Module {
  conv = new Conv2d(2, 8, 3, { padding: 'same', stride: 2, bias: false, seed: 1 });
  bn = new BatchNorm2d(8);
  se = new SqueezeExcite(8, 2);
  pool = new MaxPool2d(2);
  fc = new Linear(8, 3, { seed: 3 });
  override forward(x: Tensor): Tensor {
    const y = this.pool.forward(this.se.forward(this.bn.forward(this.conv.forward(x)).silu()));
    return this.fc.forward(new GlobalAvgPool2d().forward(y));
  }
}

class AttentionBlock extends Module {
  norm = new LayerNorm(8);
  attention = new MultiheadAttention(8, 2, { seed: 1 });
  fc = new Linear(8, 3, { seed: 2 });
  override forward(x: Tensor): Tensor {
    return this.fc.forward(gelu(x.add(this.attention.forward(this.norm.forward(x)))).mean(1));
  }
}

function normal(shape: readonly number[], seed: number): HostTensor {
  const rng = new Rng(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: 'float32', shape, data: Float32Array.from({ length: size }, () => rng.normal()) };
}

const numbers = (tensor: HostTensor) => Array.from(tensor.data as Float32Array, Number);

function expectNear(got: readonly number[], wanted: readonly number[], tolerance: number) {
  expect(got).toHaveLength(wanted.length);
  got.forEach((value, i) => {
    expect(Math.abs(value - wanted[i])).toBeLessThan(tolerance * (1 + Math.abs(wanted[i])));
  });
}

const evaluated = async (model: Module, x: HostTensor) =>
  numbers(await model.eval().forward(fromHost(x)).host());

describe('importOnnx of our own exports', () => {
  it.each<[string, () => Module, number[]]>([
    ['perceptron', () => new Mlp(), [6]],
    ['convolutions with batch normalisation and squeeze-excite', () => new ConvBlock(), [2, 8, 8]],
    ['attention', () => new AttentionBlock(), [5, 8]],
  ])('%s: the module computes what the exported one did', async (_, make, shape) => {
    const model = make();
    const bytes = exportOnnx(model, { inputs: [{ name: 'x', shape: ['N', ...shape] }] });
    const imported = importOnnx(bytes);
    const x = normal([4, ...shape], 5);
    expectNear(await evaluated(imported, x), await evaluated(model, x), 1e-5);
    expect(imported.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: ['N', ...shape] }]);
  });

  it('parameters have the names of the file', () => {
    const bytes = exportOnnx(new Mlp(), { inputs: [{ name: 'x', shape: ['N', 6] }] });
    expect([...importOnnx(bytes).namedParameters().keys()].sort()).toEqual([
      'l1.bias',
      'l1.weight',
      'l2.bias',
      'l2.weight',
    ]);
  });

  it('metadata comes along', () => {
    const metadata = { classes: '["a","b"]' };
    const bytes = exportOnnx(new Mlp(), { inputs: [{ name: 'x', shape: ['N', 6] }], metadata });
    expect(importOnnx(bytes).metadata.get('classes')).toBe('["a","b"]');
  });

  it('training steps lower the loss, and the trained model leaves as ONNX again', async () => {
    const bytes = exportOnnx(new Mlp(), { inputs: [{ name: 'x', shape: ['N', 6] }] });
    const model = importOnnx(bytes);
    const run = compile({
      model,
      loss: crossEntropy,
      optimizer: new SGD({ learningRate: 0.5 }),
      autotune: false,
      threads: 1,
    });
    const x = normal([8, 6], 7);
    const y: HostTensor = {
      dtype: 'int64',
      shape: [8],
      data: BigInt64Array.from([0, 1, 2, 0, 1, 2, 0, 1], BigInt),
    };
    const first = (await run.step([x, y])).loss;
    for (let i = 0; i < 5; i++) await run.step([x, y]);
    expect((await run.step([x, y])).loss).toBeLessThan(first * 0.9);
    await run.release();
    const again = exportOnnx(model, { inputs: [{ name: 'x', shape: ['N', 6] }] });
    const session = await OnnxSession.create(again);
    const { output } = await session.run({
      x: { dtype: 'float32', dims: [8, 6], data: x.data as Float32Array },
    });
    expectNear(Array.from(output.data as Float32Array), await evaluated(model, x), 1e-5);
    await session.release();
  });

  it('a head for another number of classes replaces the one named', async () => {
    const bytes = exportOnnx(new Mlp(), { inputs: [{ name: 'x', shape: ['N', 6] }] });
    const model = importOnnx(bytes);
    model.swapHead('l2.weight', 7, { seed: 1 });
    expect(model.forward(fromHost(normal([2, 6], 1))).shape).toEqual([2, 7]);
    expect(() => model.swapHead('l3.weight', 7)).toThrow(/The last one is "l2.weight"/);
  });
});

const folder = `${packageRoot}/test/fixtures/onnx`;
interface Expected {
  readonly shape: number[];
  readonly x: number[];
  readonly y: number[];
  readonly parameters: string[];
}
const expected: Record<string, Expected> = existsSync(`${folder}/expected.json`)
  ? JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8'))
  : {};

describe.each(Object.entries(expected))(
  'importOnnx of %s, written by PyTorch',
  (name, { shape, x, y, parameters }) => {
    const load = () => importOnnx(readFileSync(`${folder}/${name}.onnx`));
    const input: HostTensor = { dtype: 'float32', shape, data: Float32Array.from(x) };

    it('computes what PyTorch did', async () => {
      expectNear(await evaluated(load(), input), y, 1e-5);
    });

    it('has the parameters of the PyTorch module, biases and norms by their names', () => {
      const names = [...load().namedParameters().keys()];
      expect(names).toHaveLength(parameters.length);
      const known = names.filter((each) => parameters.includes(each));
      expect(known.length).toBeGreaterThanOrEqual(parameters.length - 3);
    });

    it('learns', async () => {
      const model = load();
      const before = model.stateDict();
      const run = compile({
        model,
        loss: crossEntropy,
        optimizer: new SGD({ learningRate: 0.05 }),
        autotune: false,
        threads: 1,
      });
      const target: HostTensor = { dtype: 'int64', shape: [shape[0]], data: BigInt64Array.of(0n, 2n) };
      const first = (await run.step([input, target])).loss;
      for (let i = 0; i < 4; i++) await run.step([input, target]);
      expect((await run.step([input, target])).loss).toBeLessThan(first);
      for (const [each, host] of model.stateDict()) {
        expect(numbers(host), each).not.toEqual(numbers(before.get(each)!));
      }
      await run.release();
    });

    it('leaves again with a free number of samples', async () => {
      const model = load().eval();
      const bytes = exportOnnx(model, { inputs: [{ name: 'x', shape: ['N', ...shape.slice(1)] }] });
      const session = await OnnxSession.create(bytes);
      const { output } = await session.run({
        x: { dtype: 'float32', dims: shape, data: input.data as Float32Array },
      });
      expectNear(Array.from(output.data as Float32Array), y, 1e-5);
      await session.release();
    });
  },
);

describe('importOnnx and batch normalisation', () => {
  const bytes = () => readFileSync(`${folder}/conv-net-16.onnx`);
  const input = normal([4, 2, 8, 8], 3);
  const target: HostTensor = { dtype: 'int64', shape: [4], data: BigInt64Array.of(0n, 1n, 2n, 0n) };

  it.each([true, false])(
    'moves the running statistics in training when batchStatistics is %s',
    async (moves) => {
      const model = importOnnx(bytes(), { batchStatistics: moves });
      const buffers = [...model.namedBuffers().keys()];
      expect(buffers.sort()).toEqual([
        'bn1.running_mean',
        'bn1.running_var',
        'bn2.running_mean',
        'bn2.running_var',
      ]);
      const before = numbers(model.stateDict().get('bn1.running_mean')!);
      const run = compile({
        model,
        loss: crossEntropy,
        optimizer: new SGD({ learningRate: 0.01 }),
        autotune: false,
        threads: 1,
      });
      await run.step([input, target]);
      const after = numbers(model.stateDict().get('bn1.running_mean')!);
      if (moves) expect(after).not.toEqual(before);
      else expect(after).toEqual(before);
      await run.release();
    },
  );
});

describe('importOnnx refuses', () => {
  function graphOf(make: (graph: OnnxGraph, x: string) => string): Uint8Array {
    const graph = new OnnxGraph('bad');
    const x = graph.input('x', 'float32', ['N', 4]);
    graph.output(make(graph, x), 'float32', ['N', 4], 'y');
    return graph.toModel();
  }

  it('operators that are not known, all at once with their numbers', () => {
    const bytes = graphOf((graph, x) => {
      const a = graph.node('Det', [
        graph.node('NonZero', [graph.node('Hardmax', [graph.node('Hardmax', [x])])]),
      ]);
      return graph.node('Relu', [a]);
    });
    expect(() => importOnnx(bytes)).toThrow(/Hardmax \(2 times\), NonZero, Det/);
  });

  it('bytes that are no model', () => {
    expect(() => importOnnx(Uint8Array.of(1, 2, 3, 255, 255))).toThrow(
      /must be an ONNX model, but its 5 bytes/,
    );
    expect(() => importOnnx(new Uint8Array())).toThrow(/must hold an ONNX graph/);
  });

  it('a model cut off anywhere, with an error of ours', () => {
    const bytes = exportOnnx(new Mlp(), { inputs: [{ name: 'x', shape: ['N', 6] }] });
    for (let length = 0; length < bytes.length; length += 37) {
      expect(() => importOnnx(bytes.subarray(0, length)), `${length} bytes`).toThrow(/^importOnnx/);
    }
  });

  it('a tensor that declares more than it holds, before any memory is taken', () => {
    const bytes = graphOf((graph, x) =>
      graph.node('Add', [x, graph.constant(new Float32Array(4), [4], 'w')]),
    );
    const name = Buffer.from('w');
    expect(name).toHaveLength(1);
    // The size 4 of the initializer `w` (field 1, varint 4) becomes 2^42.
    const copy = Buffer.from(bytes);
    const at = copy.indexOf(Buffer.of(0x0a, 0x01, 0x04, 0x10, 0x01));
    expect(at).toBeGreaterThan(0);
    copy[at + 2] = 0x7f;
    expect(() => importOnnx(copy)).toThrow(/declares \[127\] and holds 4 elements/);
  });

  it('sizes that no model has', () => {
    const bytes = graphOf((graph, x) =>
      graph.node('Add', [x, graph.node('ConstantOfShape', [graph.int64([2 ** 20, 2 ** 20, 4])])]),
    );
    expect(() => importOnnx(bytes).forward(fromHost(normal([2, 4], 1)))).toThrow(
      /sizes must be whole numbers of at most/,
    );
  });

  it('sizes that depend on the data', () => {
    const bytes = graphOf((graph, x) => {
      const total = graph.node(
        'Cast',
        [graph.node('ReduceSum', [x], { attributes: { keepdims: { int: 0 } } })],
        {
          attributes: { to: { int: 7 } },
        },
      );
      return graph.node('Expand', [x, graph.node('Reshape', [total, graph.int64([1])])]);
    });
    expect(() => importOnnx(bytes).forward(fromHost(normal([2, 4], 1)))).toThrow(/depends on the data/);
  });

  it('inputs of another shape than the file says, unless told otherwise', () => {
    const bytes = exportOnnx(new Mlp(), { inputs: [{ name: 'x', shape: [1, 6] }] });
    const x = fromHost(normal([2, 6], 1));
    expect(() => importOnnx(bytes).forward(x)).toThrow(/x float32\[1, 6\], but got float32\[2, 6\]/);
    expect(importOnnx(bytes, { shapes: { x: ['N', 6] } }).forward(x).shape).toEqual([2, 3]);
  });
});
