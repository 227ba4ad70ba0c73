import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '#core';
import type { Tensor } from '#engine';
import { Parameter } from '#engine';
import {
  Adagrad,
  Adam,
  AdamW,
  constantRate,
  LAMB,
  Module,
  type Optimizer,
  RMSprop,
  type Schedule,
  SGD,
} from '#nn';
import { type CompileOptions, compile } from '#train';

interface Encoded {
  readonly shape: number[];
  readonly data: number[];
}

interface Case {
  readonly name: string;
  readonly options: Record<string, unknown>;
  readonly inputs: Record<string, Encoded>;
  readonly expected: Record<string, Encoded>;
}

const file = new URL('../fixtures/nn/optimizers.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Case[] };
const names = ['weight', 'bias', 'scale'] as const;
const classes = { SGD, Adam, AdamW, LAMB, RMSprop, Adagrad };
const ownNames: Readonly<Record<string, string>> = {
  lr: 'learningRate',
  weight_decay: 'weightDecay',
  lr_decay: 'learningRateDecay',
  initial_accumulator_value: 'initialAccumulator',
};

function ownOptions(options: Record<string, unknown>): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    if (key === 'groups') {
      own['groups'] = (value as Record<string, unknown>[]).map(({ params, ...rest }) => ({
        match: new RegExp(`^(${(params as string[]).join('|')})$`),
        ...ownOptions(rest),
      }));
    } else if (key !== 'max_norm' && key !== 'clip_value') own[ownNames[key] ?? key] = value;
  }
  return own;
}

/** Its loss is Σ parameter·given, so that what is fed is the gradient. */
class Products extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly scale: Parameter;

  constructor(inputs: Case['inputs']) {
    super();
    const parameter = ({ shape, data }: Encoded) =>
      new Parameter({ dtype: 'float32', shape, data: Float32Array.from(data) });
    this.weight = parameter(inputs['weight']);
    this.bias = parameter(inputs['bias']);
    this.scale = parameter(inputs['scale']);
  }

  override forward(...given: Tensor[]): Tensor {
    return names.map((name, i) => this[name].mul(given[i]).sum()).reduce((total, part) => total.add(part));
  }
}

function compileCase({ name, options, inputs }: Case, schedule: Schedule | undefined) {
  const kind = name.startsWith('clip') ? 'SGD' : name.slice(0, name.indexOf(':'));
  const optimizer = new classes[kind as keyof typeof classes](ownOptions(options)) as unknown as Optimizer;
  const { max_norm, clip_value } = options as { max_norm?: number; clip_value?: number };
  const clip = {
    ...(max_norm === undefined ? {} : { norm: max_norm }),
    ...(clip_value === undefined ? {} : { value: clip_value }),
  };
  const settings: CompileOptions = {
    model: new Products(inputs),
    loss: (output) => output,
    optimizer,
    autotune: false,
    threads: 1,
    ...(Object.keys(clip).length === 0 ? {} : { clip }),
    ...(schedule === undefined ? {} : { schedule }),
  };
  return compile(settings);
}

/** Row `step` of a trace. */
function row({ shape, data }: Encoded, step: number): HostTensor {
  const size = data.length / shape[0];
  return {
    dtype: 'float32',
    shape: shape.slice(1),
    data: Float32Array.from(data.slice(step * size, (step + 1) * size)),
  };
}

const present = cases.filter(
  ({ name }) => name.startsWith('clip') || name.slice(0, name.indexOf(':')) in classes,
);

describe.each([
  ['a constant rate', undefined],
  ['a schedule', constantRate()],
] as const)('twelve compiled steps, with %s', (_, schedule) => {
  it.each(present)("$name: PyTorch's parameters, to float32's accuracy", async (entry) => {
    const run = compileCase(entry, schedule);
    const target: HostTensor = { dtype: 'int64', shape: [1], data: BigInt64Array.of(0n) };
    for (let step = 0; step < 12; step++) {
      const gradients = names.map((name) => row(entry.inputs[`gradients.${name}`], step));
      await run.step([...gradients, target]);
      for (const name of names) {
        const wanted = row(entry.expected[name], step).data as Float32Array;
        const got = run.stateDict().get(`model.${name}`)!.data as Float32Array;
        const largest = Math.max(...entry.expected[name].data.map(Math.abs));
        const error = Math.max(...wanted.map((value, i) => Math.abs(got[i] - value)));
        expect(error / largest, `${name} after step ${step + 1}`).toBeLessThanOrEqual(2e-6);
      }
    }
    await run.release();
  });
});
