import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DataError, type DType, ShapeError } from '#core';
import {
  type Bindings,
  checkGradient,
  concat,
  gradients,
  interpret,
  placeholder,
  referenceTensor,
  type Tensor,
  tensor,
} from '#engine';
import { biTemperedLogisticLoss } from './bi-tempered.ts';
import { bceWithLogits, sigmoidFocalLoss } from './binary.ts';
import { crossEntropy, nllLoss, softCrossEntropy } from './cross-entropy.ts';
import { focalCosineLoss, focalLoss } from './focal.ts';
import type { Reduction } from './reduction.ts';
import { huberLoss, klDivLoss, l1Loss, mseLoss, smoothL1Loss } from './regression.ts';

interface Encoded {
  readonly shape: number[];
  readonly dtype: DType | 'float64';
  readonly data: number[];
}

interface Case {
  readonly name: string;
  readonly options: Record<string, never>;
  readonly inputs: Record<string, Encoded>;
  readonly expected: Record<string, Encoded>;
}

const file = new URL('../../../test/fixtures/nn/losses.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Case[] };

/** The loss a case is about, with PyTorch's options under this library's names. */
function lossOf({ name, options: o }: Case, x: Record<string, Tensor>, reduction: Reduction): Tensor {
  const { input, target } = x;
  const classes = { weight: o.weight, ignoreIndex: o.ignore_index, reduction };
  if (name.startsWith('CrossEntropyLoss'))
    return crossEntropy(input, target, { ...classes, labelSmoothing: o.label_smoothing });
  if (name.startsWith('NLLLoss')) return nllLoss(input, target, classes);
  if (name.startsWith('SoftCrossEntropyLoss'))
    return softCrossEntropy(input, target, { smoothFactor: o.smooth_factor, reduction });
  if (name.startsWith('MSELoss')) return mseLoss(input, target, { reduction });
  if (name.startsWith('L1Loss')) return l1Loss(input, target, { reduction });
  if (name.startsWith('SmoothL1Loss')) return smoothL1Loss(input, target, { beta: o.beta, reduction });
  if (name.startsWith('HuberLoss')) return huberLoss(input, target, { delta: o.delta, reduction });
  if (name.startsWith('KLDivLoss')) return klDivLoss(input, target, { logTarget: o.log_target, reduction });
  if (name.startsWith('BCEWithLogitsLoss'))
    return bceWithLogits(input, target, { posWeight: o.pos_weight, weight: x.weight, reduction });
  if (name.startsWith('sigmoid focal'))
    return sigmoidFocalLoss(input, target, { alpha: o.alpha, gamma: o.gamma, reduction });
  if (name.startsWith('softmax focal')) return focalLoss(input, target, { gamma: o.gamma, reduction });
  if (name.startsWith('FocalCosineLoss'))
    return focalCosineLoss(input, target, {
      alpha: o.alpha,
      gamma: o.gamma,
      crossEntropyWeight: o.xent,
      reduction,
    });
  if (name.startsWith('BiTemperedLogisticLoss'))
    return biTemperedLogisticLoss(input, target, {
      t1: o.t1,
      t2: o.t2,
      labelSmoothing: o.smoothing,
      iterations: o.num_iters,
      reduction,
    });
  throw new Error(`no loss for the case ${name}`);
}

const dtypeOf = (encoded: Encoded): DType => (encoded.dtype === 'float64' ? 'float32' : encoded.dtype);

function placeholders(inputs: Case['inputs']): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, x]) => [name, placeholder(name, dtypeOf(x), x.shape)]),
  );
}

const bind = (inputs: Case['inputs']): Bindings =>
  Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, referenceTensor(x.data, x.shape)]));

function expectClose(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(...expected.map(Math.abs), 1e-3);
  const error = Math.max(...expected.map((value, i) => Math.abs(actual[i] - value)));
  expect(error / scale).toBeLessThanOrEqual(tolerance);
}

test.each(cases)("$name: value and gradient are PyTorch's to 1e-6", (entry) => {
  const x = placeholders(entry.inputs);
  const bindings = bind(entry.inputs);
  for (const reduction of ['mean', 'sum', 'none'] as const) {
    const [value] = interpret([lossOf(entry, x, reduction).value], bindings);
    expect([...value.shape]).toEqual(entry.expected[reduction].shape);
    expectClose(value.data, entry.expected[reduction].data, 1e-6);
  }
  const [gradient] = interpret(gradients(lossOf(entry, x, 'mean').value, [x.input.value]), bindings);
  expectClose(gradient.data, entry.expected['gradient.input'].data, 1e-6);
});

test.each(cases)('$name: the gradient agrees with finite differences', (entry) => {
  const x = placeholders(entry.inputs);
  // The traced gradient of the tempered softmax is that of the converged iteration.
  const options = { ...entry.options, num_iters: 60 } as unknown as Case['options'];
  const loss = lossOf({ ...entry, options }, x, 'sum');
  const { error } = checkGradient(loss.value, [x.input.value], bind(entry.inputs), { tolerance: 1e-6 });
  expect(error).toBeLessThanOrEqual(1e-6);
});

test('through ONNX Runtime every loss has the value PyTorch has', async () => {
  const losses = cases.map((entry) => {
    const inputs = Object.entries(entry.inputs).map(([name, x]) => {
      const flat = x.dtype === 'int64' ? tensor(x.data, 'int64') : tensor(x.data);
      return [name, flat.reshape(x.shape)];
    });
    return lossOf(entry, Object.fromEntries(inputs), 'mean').reshape([1]);
  });
  const values = await concat(losses, 0).data();
  cases.forEach(({ name, expected }, i) => {
    expect(Number(values[i]), name).toBeCloseTo(expected.mean.data[0], 4);
  });
});

test('cross-entropy is the negative log-likelihood of log-softmax', () => {
  const { inputs } = cases[0];
  const { input, target } = placeholders(inputs);
  const pair = [crossEntropy(input, target).value, nllLoss(input.logSoftmax(1), target).value];
  const [whole, parts] = interpret(pair, bind(inputs));
  expect(whole.data[0]).toBeCloseTo(parts.data[0], 12);
});

test('a target of another shape is a ShapeError that names both shapes', () => {
  const output = placeholder('output', 'float32', [4, 3]);
  const wrong = placeholder('target', 'float32', [4, 2]);
  for (const loss of [
    mseLoss,
    l1Loss,
    smoothL1Loss,
    huberLoss,
    klDivLoss,
    bceWithLogits,
    sigmoidFocalLoss,
    crossEntropy,
  ]) {
    expect(() => loss(output, wrong), loss.name).toThrow(ShapeError);
    expect(() => loss(output, wrong), loss.name).toThrow('[4, 3] and [4, 2]');
  }
  const labels = placeholder('labels', 'int64', [5]);
  for (const loss of [crossEntropy, nllLoss, focalLoss, softCrossEntropy]) {
    expect(() => loss(output, labels), loss.name).toThrow(ShapeError);
  }
});

test('masked logits, −∞ for classes that cannot be, leave loss and gradient finite', () => {
  const logits = placeholder('logits', 'float32', [2, 3]);
  const labels = placeholder('labels', 'int64', [2]);
  const loss = crossEntropy(logits, labels);
  const bindings = {
    logits: referenceTensor([1, Number.NEGATIVE_INFINITY, 0, 2, 2, Number.NEGATIVE_INFINITY], [2, 3]),
    labels: referenceTensor([0, 1], [2]),
  };
  const [value, gradient] = interpret([loss.value, ...gradients(loss.value, [logits.value])], bindings);
  // Mean of log(1 + 1/e) and log 2; gradients (p − target)/2.
  expect(value.data[0]).toBeCloseTo((Math.log1p(Math.exp(-1)) + Math.LN2) / 2, 12);
  const p = 1 / (1 + Math.exp(-1));
  [(p - 1) / 2, 0, (1 - p) / 2, 0.25, -0.25, 0].forEach((wanted, i) => {
    expect(gradient.data[i]).toBeCloseTo(wanted, 12);
  });
});

test('labels that are no classes are refused, the ignored one excepted', () => {
  const logits = tensor([1, 2, 3, 4, 5, 6]).reshape([2, 3]);
  expect(() => nllLoss(logits, tensor([0, 3], 'int64'))).toThrow(
    /nllLoss: class labels must be whole numbers in \[0, 3\), but number 1 is 3.*losses\.test\.ts:\d+/,
  );
  expect(() => crossEntropy(logits, tensor([-1, 0], 'int64'))).toThrow(DataError);
  expect(() => crossEntropy(logits, tensor([255, 0], 'int64'), { ignoreIndex: 255 })).not.toThrow();
  expect(() => biTemperedLogisticLoss(logits, tensor([0, 7], 'int64'), { t1: 0.8, t2: 1.2 })).toThrow(
    DataError,
  );
});
