import assert from 'node:assert/strict';
import type { HostTensor } from '#core';
import type { Tensor } from '#engine';
import { type CommonOptions, Linear, Module, type Optimizer, type ParameterGroup } from '#nn';
import { type CompiledModel, compile } from '#train';
import type { ConformanceCase } from './learner-conformance.ts';

/** Two layers without activation: their product is fitted to a plane. */
class Plane extends Module {
  readonly first = new Linear(3, 3, { seed: 1 });
  readonly last = new Linear(3, 1, { seed: 2 });

  override forward(x: Tensor): Tensor {
    return this.last.forward(this.first.forward(x));
  }
}

const x: HostTensor = {
  dtype: 'float32',
  shape: [4, 3],
  data: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1),
};
const y: HostTensor = { dtype: 'float32', shape: [4, 1], data: Float32Array.of(1, -1, 2, 2) };
const squares = (output: Tensor, target: Tensor) => output.sub(target).pow(2).mean();

function start(optimizer: Optimizer): { model: Plane; run: CompiledModel } {
  const model = new Plane();
  return { model, run: compile({ model, loss: squares, optimizer, autotune: false, threads: 1 }) };
}

async function descend(run: CompiledModel, steps: number): Promise<number> {
  let loss = Number.NaN;
  for (let i = 0; i < steps; i++) loss = (await run.step([x, y])).loss;
  return loss;
}

/**
 * What every optimiser must do, for any test runner.
 *
 * @param create makes it with a learning rate at which 40 steps of a small regression lower the loss
 */
export function optimizerConformanceCases(
  create: (groups?: readonly ParameterGroup<CommonOptions>[]) => Optimizer,
): ConformanceCase[] {
  return [
    {
      name: 'lowers a convex loss',
      run: async () => {
        const { run } = start(create());
        const first = await descend(run, 1);
        assert.ok((await descend(run, 40)) < first);
        await run.release();
      },
    },
    {
      name: 'goes on from a saved state bit for bit',
      run: async () => {
        const whole = start(create());
        await descend(whole.run, 6);
        const part = start(create());
        await descend(part.run, 3);
        const resumed = start(create());
        resumed.run.loadState(part.run.stateDict(), part.run.position);
        await descend(resumed.run, 3);
        assert.deepEqual(resumed.run.stateDict(), whole.run.stateDict());
        await Promise.all([whole, part, resumed].map(({ run }) => run.release()));
      },
    },
    {
      name: 'leaves a group with learning rate 0 and no decay alone',
      run: async () => {
        const { model, run } = start(create([{ match: 'first', learningRate: 0, weightDecay: 0 }]));
        const before = model.stateDict();
        await descend(run, 3);
        const after = model.stateDict();
        assert.deepEqual(after.get('first.weight'), before.get('first.weight'));
        assert.notDeepEqual(after.get('last.weight'), before.get('last.weight'));
        await run.release();
      },
    },
    {
      name: 'updates a group of the same options as all others',
      run: async () => {
        const [one, two] = [start(create()), start(create([{ match: 'first' }]))];
        await descend(one.run, 3);
        await descend(two.run, 3);
        const [whole, grouped] = [one, two].map(({ model }) => [...model.stateDict().values()]);
        whole.forEach(({ data }, i) => {
          const other = grouped[i].data as Float32Array;
          (data as Float32Array).forEach((value, at) => {
            assert.ok(Math.abs(value - other[at]) <= 1e-5 * (1 + Math.abs(value)));
          });
        });
        await Promise.all([one, two].map(({ run }) => run.release()));
      },
    },
    {
      name: 'names its state after the parameter',
      run: async () => {
        const optimizer = create();
        const { run } = start(optimizer);
        const slots = optimizer
          .slots(optimizer.options, true)
          .map(({ name }) => `optimizer.first.weight.${name}`);
        const names = [...run.stateDict().keys()];
        assert.deepEqual(
          slots.filter((name) => !names.includes(name)),
          [],
        );
      },
    },
  ];
}
