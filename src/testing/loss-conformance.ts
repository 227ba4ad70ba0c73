import assert from 'node:assert/strict';
import type { HostTensor } from '#core';
import { checkGradient, fromHost, interpret, placeholder, referenceTensor } from '#engine';
import type { Loss } from '#nn';
import { randomBatch } from './layer-conformance.ts';
import type { ConformanceCase } from './learner-conformance.ts';

export interface LossConformanceOptions {
  /** Shape of the output, samples first. */
  readonly output: readonly number[];
  readonly target: HostTensor;
  /** The loss is unbounded or undefined for outputs of ±80. */
  readonly skipExtremes?: boolean;
  /** Largest error of the gradient check, relative; 1e-6 by default. */
  readonly tolerance?: number;
}

/** What every loss must do, for any test runner. */
export function lossConformanceCases(loss: Loss, options: LossConformanceOptions): ConformanceCase[] {
  const target = fromHost(options.target);
  const output = () => placeholder('output', 'float32', options.output);
  const valueAt = (data: ArrayLike<number>) =>
    interpret([loss(output(), target).value], { output: referenceTensor(data, options.output) })[0];
  const data = randomBatch(options.output, 5).data;
  const cases: ConformanceCase[] = [
    { name: 'is one number', run: async () => assert.equal(loss(output(), target).size, 1) },
    {
      name: 'has the gradient of its value',
      run: async () => {
        const { tolerance = 1e-6 } = options;
        const x = output();
        const bindings = { output: referenceTensor(data, options.output) };
        const { error } = checkGradient(loss(x, target).value, [x.value], bindings, { tolerance });
        assert.ok(error <= tolerance, `relative error ${error}`);
      },
    },
  ];
  if (options.skipExtremes) return cases;
  const extremes = {
    name: 'is finite for extreme outputs',
    run: async () => {
      const value = valueAt(data.map((_, i) => (i % 2 === 0 ? 80 : -80))).data[0];
      assert.ok(Number.isFinite(value), `got ${value}`);
    },
  };
  return [...cases, extremes];
}
