import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '#core';
import {
  type Bindings,
  type Buffer,
  build,
  fromHost,
  gradients,
  interpret,
  placeholder,
  referenceTensor,
  Tensor,
  tensor,
  trace,
  type Value,
} from '#engine';
import {
  AvgPool2d,
  BatchNorm1d,
  BatchNorm2d,
  Conv2d,
  ConvTranspose2d,
  Embedding,
  elu,
  GlobalAvgPool2d,
  GroupNorm,
  gelu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  LayerNorm,
  Linear,
  leakyRelu,
  MaxPool2d,
  Module,
  MultiheadAttention,
  mish,
  namedStates,
  type PaddingOption,
  type Pair,
  PReLU,
  relu,
  relu6,
  softplus,
} from '#nn';

interface Encoded {
  readonly shape: number[];
  readonly dtype: string;
  readonly data: number[];
}

interface Case {
  readonly name: string;
  readonly options: Record<string, never>;
  readonly inputs: Record<string, Encoded>;
  readonly expected: Record<string, Encoded>;
}

const file = new URL('../../../test/fixtures/nn/layers.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Case[] };

/** A function as a layer. */
class Of extends Module {
  private readonly compute: (x: Tensor) => Tensor;

  constructor(compute: (x: Tensor) => Tensor) {
    super();
    this.compute = compute;
  }

  override forward(x: Tensor): Tensor {
    return this.compute(x);
  }
}

const padding = (value: unknown): PaddingOption => (value ?? 0) as PaddingOption;

/** PyTorch's layer under this library's name. */
const layers: Readonly<Record<string, (o: Record<string, never>) => Module>> = {
  Linear: (o) => new Linear(o['in_features'], o['out_features'], { bias: o['bias'] }),
  Embedding: (o) => new Embedding(o['num_embeddings'], o['embedding_dim'], o['padding_idx'] === undefined ? {} : { paddingIndex: o['padding_idx'] }), // biome-ignore format: one layer a line
  Conv2d: (o) => new Conv2d(o['in_channels'], o['out_channels'], o['kernel_size'] as Pair, { stride: o['stride'] ?? 1, padding: padding(o['padding']), dilation: o['dilation'] ?? 1, groups: o['groups'] ?? 1, bias: o['bias'] ?? true }), // biome-ignore format: one layer a line
  ConvTranspose2d: (o) => new ConvTranspose2d(o['in_channels'], o['out_channels'], o['kernel_size'] as Pair, { stride: o['stride'] ?? 1, padding: o['padding'] ?? 0, outputPadding: o['output_padding'] ?? 0, dilation: o['dilation'] ?? 1, groups: o['groups'] ?? 1, bias: o['bias'] ?? true }), // biome-ignore format: one layer a line
  BatchNorm1d: (o) => new BatchNorm1d(o['num_features'], o),
  BatchNorm2d: (o) => new BatchNorm2d(o['num_features'], o),
  LayerNorm: (o) => new LayerNorm(o['normalized_shape'], { eps: o['eps'] ?? 1e-5 }),
  GroupNorm: (o) => new GroupNorm(o['num_groups'], o['num_channels'], { eps: o['eps'] ?? 1e-5 }),
  MaxPool2d: (o) => new MaxPool2d(o['kernel_size'], { stride: o['stride'] ?? o['kernel_size'], padding: padding(o['padding']), ceilMode: o['ceil_mode'] ?? false }), // biome-ignore format: one layer a line
  AvgPool2d: (o) => new AvgPool2d(o['kernel_size'], { stride: o['stride'] ?? o['kernel_size'], padding: padding(o['padding']), ceilMode: o['ceil_mode'] ?? false, countIncludePad: o['count_include_pad'] ?? true }), // biome-ignore format: one layer a line
  AdaptiveAvgPool2d: () =>
    new Of((x) => new GlobalAvgPool2d().forward(x).reshape([...x.shape.slice(0, 2), 1, 1])),
  ReLU: () => new Of(relu),
  ReLU6: () => new Of(relu6),
  LeakyReLU: (o) => new Of((x) => leakyRelu(x, o['negative_slope'])),
  ELU: (o) => new Of((x) => elu(x, o['alpha'])),
  GELU: (o) => new Of((x) => gelu(x, o['approximate'])),
  SiLU: () => new Of((x) => x.silu()),
  Mish: () => new Of(mish),
  Hardswish: () => new Of(hardSwish),
  Hardsigmoid: () => new Of(hardSigmoid),
  Hardtanh: () => new Of((x) => hardTanh(x)),
  Softplus: () => new Of(softplus),
  Sigmoid: () => new Of((x) => x.sigmoid()),
  Tanh: () => new Of((x) => x.tanh()),
  LogSoftmax: () => new Of((x) => x.logSoftmax(1)),
  Softmax: () => new Of((x) => x.softmax(1)),
  PReLU: (o) => new PReLU(o['num_parameters']),
  MultiheadAttention: (o) => new MultiheadAttention(o['embed_dim'], o['num_heads']),
  interpolate: (o) =>
    new Of((x) => {
      const attributes = { size: o['size'], mode: o['mode'], alignCorners: o['align_corners'] === true };
      return new Tensor(build.resize2d(x.value, attributes));
    }),
};

const host = ({ shape, data }: Encoded): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
});

/** Relative to the largest element: constants are float32 in the graph. */
function expectClose(got: ArrayLike<number>, { data }: Encoded, tolerance: number, what: string): void {
  const scale = Math.max(1e-3, ...data.map(Math.abs));
  expect(got.length, what).toBe(data.length);
  data.forEach((value, i) => {
    expect(Math.abs(Number(got[i]) - value) / scale, `${what}, element ${i}`).toBeLessThan(tolerance);
  });
}

function prepare({ name, options, inputs }: Case) {
  const kind = /^\w+/.exec(name)![0];
  const layer = layers[kind](options);
  const isIndex = kind === 'Embedding';
  const x = placeholder('input', isIndex ? 'int64' : 'float32', inputs['input'].shape);
  const states = namedStates(layer);
  for (const [key, state] of states) {
    const given = inputs[key];
    if (given === undefined) continue;
    const data =
      state.dtype === 'int64'
        ? BigInt64Array.from(given.data, (v) => BigInt(v))
        : Float32Array.from(given.data);
    state.set({ dtype: state.dtype, shape: given.shape, data } as HostTensor);
  }
  return { layer, x, states, isIndex };
}

/** Contents in float64, where the fixture has more digits than float32 holds. */
function bindingsOf({ inputs }: Case, states: ReturnType<typeof prepare>['states']): Bindings {
  const own = [...states].filter(([key]) => inputs[key] !== undefined);
  return {
    input: referenceTensor(inputs['input'].data, inputs['input'].shape),
    ...Object.fromEntries(
      own.map(([key, { variable }]) => [variable.name, referenceTensor(inputs[key].data, inputs[key].shape)]),
    ),
  };
}

function masksOf({ inputs }: Case): (Tensor | undefined)[] {
  const mask = (key: string) => {
    if (inputs[key] === undefined) return undefined;
    const { data, shape, dtype } = inputs[key];
    return tensor(data, dtype === 'bool' ? 'bool' : 'float32').reshape(shape);
  };
  return [mask('key_padding_mask'), mask('attn_mask')];
}

describe('layers agree with PyTorch', () => {
  it.each(cases.map((each) => [each.name, each] as const))('%s', async (name, each) => {
    const { layer, x, states } = prepare(each);
    const isTraining = !name.endsWith('eval');
    const { result: y, updates } = trace({ training: isTraining }, () => {
      layer.train(isTraining);
      if (layer instanceof MultiheadAttention) return layer.forward(x, x, x, ...(masksOf(each) as []));
      return layer.forward(x);
    });
    const cotangent = build.constant(Float32Array.from(each.inputs['cotangent'].data), y.shape, 'float32');
    const objective = build.sum(build.mul(y.value, cotangent));
    const names = Object.keys(each.expected).filter((key) => key.startsWith('gradient.'));
    const wanted = names.map((key): Value => {
      const own = key.slice('gradient.'.length);
      return own === 'input' ? x.value : states.get(own)!.value;
    });
    const values = [y.value, ...gradients(objective, wanted)];
    const exact = interpret(values, bindingsOf(each, states));
    expectClose(exact[0].data, each.expected['output'], 2e-6, 'output');
    names.forEach((key, i) => {
      expectClose(exact[i + 1].data, each.expected[key], 2e-6, key);
    });
    const given = { ...host(each.inputs['input']) };
    const fed =
      x.dtype === 'int64'
        ? {
            ...given,
            dtype: 'int64' as const,
            data: BigInt64Array.from(each.inputs['input'].data, (v) => BigInt(v)),
          }
        : given;
    const run = trace({ training: isTraining }, () => {
      const input = fromHost(fed as HostTensor);
      if (layer instanceof MultiheadAttention)
        return layer.forward(input, input, input, ...(masksOf(each) as []));
      return layer.forward(input);
    });
    expectClose((await run.result.data()) as Float32Array, each.expected['output'], 1e-4, 'ONNX Runtime');
    const buffers = Object.keys(each.expected).filter((key) => key.endsWith('.after one'));
    for (const key of buffers) {
      const buffer = states.get(key.replace('.after one', '')) as Buffer;
      const [moved] = interpret([updates.get(buffer.variable)!], bindingsOf(each, states));
      expectClose(moved.data, each.expected[key], 2e-6, key);
    }
    expect(buffers.length).toBe(name.endsWith('train') ? 2 : 0);
  });

  it('names parameters and buffers as PyTorch does', () => {
    expect([...namedStates(new BatchNorm2d(3)).keys()]).toEqual([
      'weight',
      'bias',
      'running_mean',
      'running_var',
      'num_batches_tracked',
    ]);
    expect([...namedStates(new MultiheadAttention(4, 2)).keys()]).toEqual([
      'in_proj_weight',
      'in_proj_bias',
      'out_proj.weight',
      'out_proj.bias',
    ]);
  });
});
