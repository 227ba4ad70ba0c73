import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Bindings, interpret, placeholder, referenceTensor, type Tensor } from '#engine';
import { Adagrad } from './adagrad.ts';
import { Adam, AdamW, LAMB } from './adam.ts';
import { clipGradients, gradientNorm } from './clip-gradients.ts';
import { averageDecay } from './moving-average.ts';
import type { Optimizer } from './optimizer.ts';
import { RMSprop } from './rmsprop.ts';
import { SGD } from './sgd.ts';

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

const file = new URL('../../../test/fixtures/nn/optimizers.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Case[] };
const names = ['weight', 'bias', 'scale'];

const OWN_NAMES: Readonly<Record<string, string>> = {
  lr: 'learningRate',
  weight_decay: 'weightDecay',
  lr_decay: 'learningRateDecay',
  initial_accumulator_value: 'initialAccumulator',
};

/** PyTorch's options under this library's names. */
function ownOptions(options: Record<string, unknown>): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    if (key === 'groups') {
      own['groups'] = (value as Record<string, unknown>[]).map(({ params, ...rest }) => ({
        match: new RegExp(`^(${(params as string[]).join('|')})$`),
        ...ownOptions(rest),
      }));
    } else if (key !== 'max_norm' && key !== 'clip_value') own[OWN_NAMES[key] ?? key] = value;
  }
  return own;
}

const CLASSES = { SGD, Adam, AdamW, LAMB, RMSprop, Adagrad };

function optimizerOf({ name, options }: Case): Optimizer {
  const kind = name.startsWith('clip') ? 'SGD' : name.slice(0, name.indexOf(':'));
  const made = new CLASSES[kind as keyof typeof CLASSES](ownOptions(options));
  return made as unknown as Optimizer;
}

/**
 * Relative to the largest number of the whole trace: a plain number in a float32 graph is rounded to float32, and where
 * a parameter crosses zero that absolute error is large beside the value of the one step.
 */
const expectClose = (actual: ArrayLike<number>, trace: Encoded, step: number, what: string): void => {
  const expected = row(trace, step, actual.length);
  expect(expected.length, what).toBe(actual.length);
  const largest = Math.max(...trace.data.map(Math.abs));
  const error = Math.max(...expected.map((value, i) => Math.abs(actual[i] - value)));
  expect(error / largest, what).toBeLessThanOrEqual(1e-6);
};

const sizeOf = (encoded: Encoded): number => encoded.shape.reduce((a, b) => a * b, 1);

/** Row `step` of a trace. */
const row = (trace: Encoded, step: number, size: number): number[] =>
  trace.data.slice(step * size, (step + 1) * size);

/** One step of the optimiser in float64; changes `parameters` and `state`. */
function runStep(
  entry: Case,
  optimizer: Optimizer,
  step: number,
  parameters: Record<string, number[]>,
  state: Record<string, number[]>,
  isRateConstant = false,
): void {
  const bindings: Record<string, Bindings[string]> = {};
  const feed = (key: string, data: readonly number[], shape: readonly number[]): Tensor => {
    bindings[key] = referenceTensor(data, shape);
    return placeholder(key, 'float32', shape);
  };
  const raw = names.map((name) => {
    const { shape } = entry.inputs[name];
    const trace = entry.inputs[`gradients.${name}`];
    return feed(`gradient.${name}`, row(trace, step, sizeOf(entry.inputs[name])), shape);
  });
  const { max_norm, clip_value } = entry.options as { max_norm?: number; clip_value?: number };
  const gradients = clipGradients(raw, {
    ...(max_norm === undefined ? {} : { norm: max_norm }),
    ...(clip_value === undefined ? {} : { value: clip_value }),
  });
  if (entry.expected['norms'] !== undefined) {
    const [norm] = interpret([gradientNorm(raw).value], bindings);
    const norms = entry.expected['norms'];
    expectClose(norm.data, norms, step, `norm at step ${step + 1}`);
  }
  const outputs: [target: Record<string, number[]>, key: string, tensor: Tensor][] = [];
  names.forEach((name, i) => {
    const { shape } = entry.inputs[name];
    const group = optimizer.groupOf(name);
    const options = optimizer.groupOptions(group);
    const scalars = optimizer.scalars(options, { step: step + 1, learningRateFactor: 1 });
    const slots = optimizer.slots(options, isRateConstant).map((slot) => {
      const key = `${name}.${slot.name}`;
      state[key] ??= new Array<number>(sizeOf(entry.inputs[name])).fill(slot.initial);
      return [slot.name, feed(key, state[key], shape)];
    });
    const result = optimizer.update({
      parameter: feed(name, parameters[name], shape),
      gradient: gradients[i],
      slots: Object.fromEntries(slots),
      scalars: Object.fromEntries(
        Object.entries(scalars).map(([key, value]) => [key, feed(`${name}:${key}`, [value], [])]),
      ),
      options,
      isRateConstant,
    });
    outputs.push([parameters, name, result.parameter]);
    for (const [key, tensor] of Object.entries(result.slots)) outputs.push([state, `${name}.${key}`, tensor]);
  });
  const values = interpret(
    outputs.map(([, , tensor]) => tensor.value),
    bindings,
  );
  outputs.forEach(([target, key], i) => {
    target[key] = [...values[i].data];
  });
}

const implemented = (name: string): boolean =>
  name.startsWith('clip') || name.slice(0, name.indexOf(':')) in CLASSES;

test.each(cases.filter(({ name }) => implemented(name)))(
  "$name: twelve steps are PyTorch's to 1e-6",
  (entry) => {
    const optimizer = optimizerOf(entry);
    const parameters = Object.fromEntries(names.map((name) => [name, entry.inputs[name].data]));
    const state: Record<string, number[]> = {};
    for (let step = 0; step < 12; step++) {
      runStep(entry, optimizer, step, parameters, state);
      for (const name of names) {
        expectClose(parameters[name], entry.expected[name], step, `${name} after step ${step + 1}`);
      }
    }
  },
);

test.each(cases.filter(({ name }) => name.startsWith('SGD')))(
  "$name: with the learning rate in its state, twelve steps are PyTorch's to 1e-6 too",
  (entry) => {
    const optimizer = optimizerOf(entry);
    const parameters = Object.fromEntries(names.map((name) => [name, entry.inputs[name].data]));
    const state: Record<string, number[]> = {};
    for (let step = 0; step < 12; step++) {
      runStep(entry, optimizer, step, parameters, state, true);
      for (const name of names) {
        expectClose(parameters[name], entry.expected[name], step, `${name} after step ${step + 1}`);
      }
    }
  },
);

test.each(cases.filter(({ name }) => name.startsWith('EMA')))(
  '$name: the average follows the recurrence',
  (entry) => {
    const { decay, warmup } = entry.options as { decay: number; warmup: number };
    for (const name of names) {
      let average = entry.inputs[name].data;
      for (let step = 1; step <= 12; step++) {
        const d = averageDecay({ decay, warmupSteps: warmup }, step);
        const weights = row(entry.inputs[`weights.${name}`], step - 1, average.length);
        average = average.map((value, i) => d * value + (1 - d) * weights[i]);
        expectClose(average, entry.expected[name], step - 1, `${name} after step ${step}`);
      }
    }
  },
);
