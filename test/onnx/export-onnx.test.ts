import { describe, expect, it } from 'vitest';
import { type HostTensor, Rng } from '#core';
import { OnnxSession, readOnnxModel, type Tensor, tensor } from '#engine';
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  exportOnnx,
  GlobalAvgPool2d,
  LayerNorm,
  Linear,
  MaxPool2d,
  Module,
  MultiheadAttention,
  manualSeed,
  Sequential,
  SqueezeExcite,
} from '#nn';
import { compile } from '#train';

class Mlp extends Module {
  l1 = new Linear(6, 5);
  drop = new Dropout(0.5);
  l2 = new Linear(5, 3);
  override forward(x: Tensor): Tensor {
    return this.l2.forward(this.drop.forward(this.l1.forward(x.flatten(1)).relu()));
  }
}

class ConvNet extends Module {
  conv = new Conv2d(2, 8, 3, { stride: 2, padding: 'same', bias: false });
  bn = new BatchNorm2d(8);
  se = new SqueezeExcite(8, 2);
  dw = new Sequential(new Conv2d(8, 8, 3, { padding: 1, groups: 8 }), new BatchNorm2d(8));
  pool = new MaxPool2d(2);
  head = new Linear(8, 3);
  override forward(x: Tensor): Tensor {
    const h = this.se.forward(this.bn.forward(this.conv.forward(x)).silu());
    return this.head.forward(new GlobalAvgPool2d().forward(this.pool.forward(this.dw.forward(h))));
  }
}

class Transformer extends Module {
  attention = new MultiheadAttention(6, 2);
  norm = new LayerNorm(6);
  head = new Linear(6, 3);
  override forward(x: Tensor): Tensor {
    return this.head.forward(this.norm.forward(this.attention.forward(x).add(x)).mean(1));
  }
}

const models: readonly (readonly [string, () => Module, readonly number[]])[] = [
  ['a perceptron', () => new Mlp(), [2, 3]],
  ['a convolution network', () => new ConvNet(), [2, 9, 8]],
  ['attention', () => new Transformer(), [4, 6]],
];

const random = (shape: readonly number[], seed: number): HostTensor => {
  const rng = new Rng(seed);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.normal());
  return { dtype: 'float32', shape, data };
};

/** A few steps, so that running statistics are not what they start as. */
async function trained(create: () => Module, shape: readonly number[]) {
  manualSeed(2);
  const model = create();
  const { SGD, crossEntropy } = await import('#nn');
  const run = compile({
    model,
    loss: crossEntropy,
    optimizer: new SGD({ learningRate: 0.1 }),
    autotune: false,
  });
  const labels: HostTensor = { dtype: 'int64', shape: [4], data: BigInt64Array.of(0n, 1n, 2n, 0n) };
  for (let i = 0; i < 3; i++) await run.step([random([4, ...shape], i), labels]);
  return { model, run };
}

describe('exportOnnx', () => {
  it.each(models)(
    '%s: the file gives what the module gives in evaluation mode, for any number of samples',
    async (_, create, shape) => {
      const { model, run } = await trained(create, shape);
      const bytes = exportOnnx(model, { inputs: [{ name: 'x', shape: ['N', ...shape] }], output: 'logits' });
      const session = await OnnxSession.create(bytes);
      for (const samples of [1, 5]) {
        const x = random([samples, ...shape], 9);
        const { logits } = await session.run({
          x: { dtype: 'float32', data: x.data as Float32Array, dims: x.shape },
        });
        const expected = await run.predict([x]);
        expect(logits.dims).toEqual(expected.shape);
        (logits.data as Float32Array).forEach((value, i) => {
          expect(Math.abs(value - Number(expected.data[i]))).toBeLessThan(1e-5);
        });
      }
      await session.release();
      await run.release();
    },
  );

  it('folds batch normalisation, uses standard operators alone and keeps names and metadata', async () => {
    const { model, run } = await trained(() => new ConvNet(), [2, 9, 8]);
    const bytes = exportOnnx(model, {
      inputs: [{ name: 'image', shape: ['N', 2, 9, 8] }],
      output: 'logits',
      extra: { label: (logits) => logits.argMax(1) },
      metadata: { classes: '["a","b","c"]' },
    });
    const info = readOnnxModel(bytes);
    expect(info.metadata).toEqual({ classes: '["a","b","c"]' });
    expect(info.inputs).toMatchObject([{ name: 'image', dtype: 'float32', shape: ['N', 2, 9, 8] }]);
    expect(info.outputs.map(({ name }) => name)).toEqual(['logits', 'label']);
    expect(Object.keys(info.opsets)).toEqual(['']);
    expect(
      info.operators.filter((operator) => operator === 'BatchNormalization' || operator === 'Sqrt'),
    ).toEqual([]);
    expect(info.operators.filter((operator) => operator === 'Conv')).toHaveLength(2);
    expect(model.training).toBe(true);
    await run.release();
  });

  it('takes a fixed number of samples, or a free one that the model computes with', async () => {
    class CountsSamples extends Module {
      override forward(x: Tensor): Tensor {
        return tensor(1).expand([x.shape[0], 2]).mul(x);
      }
    }
    const fixed = exportOnnx(new CountsSamples(), { inputs: [{ name: 'x', shape: [3, 2] }] });
    expect(readOnnxModel(fixed).inputs[0].shape).toEqual([3, 2]);
    const free = await OnnxSession.create(
      exportOnnx(new CountsSamples(), { inputs: [{ name: 'x', shape: ['N', 2] }], output: 'y' }),
    );
    const { y } = await free.run({
      x: { dtype: 'float32', data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), dims: [4, 2] },
    });
    expect(y.dims).toEqual([4, 2]);
    await free.release();
    expect(() => exportOnnx(new Mlp(), { inputs: [] })).toThrow('must have an input');
  });
});

describe('exportOnnx with a free number of samples, computed over all of them', () => {
  const computations: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    'the mean of everything': (x) => x.mean(),
    'the mean of samples': (x) => x.mean(0),
    'the sum of samples': (x) => x.sum([0]),
    'samples less their mean': (x) => x.sub(x.mean(0, true)),
    'the variance of samples': (x) => x.sub(x.mean(0, true)).pow(2).mean([0]),
    'means of channels': (x) => x.reshape([-1, 2, 1, 3]).mean([0, 2, 3]),
    'a product with their number': (x) => x.mul(x.shape[0]),
    'a share of their number': (x) => x.mul(1 / (3 * x.shape[0])),
    'small numbers that have nothing to do with it': (x) => x.mul(1e-6).add(1e-5).mul(1e-12).add(1e6),
  };

  it.each(Object.entries(computations))('%s', async (_, compute) => {
    class Computes extends Module {
      override forward(x: Tensor): Tensor {
        return compute(x);
      }
    }
    const bytes = exportOnnx(new Computes(), { inputs: [{ name: 'x', shape: ['N', 6] }], output: 'y' });
    const session = await OnnxSession.create(bytes);
    for (const rows of [1, 2, 5]) {
      const data = Float32Array.from({ length: rows * 6 }, (__, i) => ((i * 7) % 11) - 3);
      const { y } = await session.run({ x: { dtype: 'float32', data, dims: [rows, 6] } });
      const wanted = await compute(tensor([...data]).reshape([rows, 6])).data();
      expect(y.data).toHaveLength(wanted.length);
      Array.from(wanted, Number).forEach((value, i) => {
        expect(Math.abs(Number(y.data[i]) - value)).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(value)));
      });
    }
    await session.release();
  });
});

describe('exportOnnx with an input that the file computes', () => {
  it('resizes pictures of any size inside the file, and gives what the resized pixels give', async () => {
    manualSeed(3);
    const model = new ConvNet();
    const bytes = exportOnnx(model, {
      inputs: [
        {
          name: 'resized',
          shape: ['N', 2, 8, 8],
          prepare: (graph) => {
            const picture = graph.input('picture', 'float32', ['N', 2, 'height', 'width']);
            const samples = graph.node('Shape', [picture], { attributes: { end: { int: 2 } } });
            const sizes = graph.node('Concat', [samples, graph.int64([8, 8])], {
              attributes: { axis: { int: 0 } },
            });
            return graph.node('Resize', [picture, '', '', sizes], {
              attributes: {
                mode: { string: 'nearest' },
                nearest_mode: { string: 'floor' },
                coordinate_transformation_mode: { string: 'asymmetric' },
              },
            });
          },
        },
      ],
    });
    expect(readOnnxModel(bytes, 'test').inputs.map(({ name }) => name)).toEqual(['picture']);
    const small = Float32Array.from({ length: 2 * 8 * 8 }, (_, i) => Math.sin(i));
    // Every pixel twice in both directions: the nearest ones are the small picture again.
    const large = Float32Array.from({ length: 2 * 16 * 16 }, (_, i) => {
      const [channel, y, x] = [i >> 8, ((i >> 4) & 15) >> 1, (i & 15) >> 1];
      return small[channel * 64 + y * 8 + x];
    });
    const session = await OnnxSession.create(bytes);
    const run = async (data: Float32Array, size: number) =>
      (await session.run({ picture: { dtype: 'float32', data, dims: [1, 2, size, size] } }))['output'].data;
    const expected = await run(small, 8);
    expect(await run(large, 16)).toEqual(expected);
    expect(
      await run(
        small.map((value) => -value),
        8,
      ),
    ).not.toEqual(expected);
    await session.release();
  });
});
