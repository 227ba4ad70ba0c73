import { describe, expect, it } from 'vitest';
import { type HostTensor, Rng } from '#core';
import { sortNodes, type Tensor } from '#engine';
import {
  AdamW,
  BatchNorm2d,
  Conv2d,
  checkpoint,
  constantRate,
  crossEntropy,
  Dropout,
  GlobalAvgPool2d,
  Linear,
  Module,
  manualSeed,
  SGD,
} from '#nn';
import { type Batch, type CompileOptions, compile } from '#train';
import { createTrainingState, recordTrainingStep, ScalarTable, trainableParameters } from './record-step.ts';

class Mlp extends Module {
  l1 = new Linear(5, 8);
  l2 = new Linear(8, 3);
  override forward(x: Tensor): Tensor {
    return this.l2.forward(this.l1.forward(x).relu());
  }
}

/** Two blocks, each of which may be computed again in the backward pass. */
class ConvNet extends Module {
  conv1 = new Conv2d(1, 16, 3, { padding: 1, bias: false });
  bn1 = new BatchNorm2d(16);
  drop = new Dropout(0.2);
  conv2 = new Conv2d(16, 16, 3, { padding: 1, bias: false });
  bn2 = new BatchNorm2d(16);
  fc = new Linear(16, 3);
  readonly isCheckpointed: boolean;

  constructor(isCheckpointed: boolean) {
    super();
    this.isCheckpointed = isCheckpointed;
  }

  override forward(x: Tensor): Tensor {
    const run = this.isCheckpointed ? checkpoint : (forward: () => Tensor) => forward();
    const first = run(() => this.drop.forward(this.bn1.forward(this.conv1.forward(x)).silu()));
    const second = run(() => this.bn2.forward(this.conv2.forward(first)).silu());
    return this.fc.forward(new GlobalAvgPool2d().forward(second));
  }
}

function make<M>(create: () => M): M {
  manualSeed(1);
  return create();
}

function batchOf(rows: number, shape: readonly number[], seed = 1): Batch {
  const rng = new Rng(seed);
  const size = rows * shape.reduce((a, b) => a * b, 1);
  const x: HostTensor = {
    dtype: 'float32',
    shape: [rows, ...shape],
    data: Float32Array.from({ length: size }, () => rng.normal()),
  };
  const y: HostTensor = {
    dtype: 'int64',
    shape: [rows],
    data: BigInt64Array.from({ length: rows }, () => BigInt(rng.integer(3))),
  };
  return [x, y];
}

const base = {
  loss: crossEntropy,
  optimizer: new SGD({ learningRate: 0.1, momentum: 0.9 }),
  autotune: false,
  threads: 1,
};
const compiled = (model: Module, options: Partial<CompileOptions> = {}) =>
  compile({ ...base, ...options, model });
const numbers = (model: Module) =>
  [...model.stateDict().values()].flatMap(({ data }) => Array.from(data as Float32Array, Number));

const half = ([x, y]: Batch, at: 0 | 1): Batch => {
  const cut = ({ dtype, shape, data }: HostTensor) => {
    const size = data.length / 2;
    return {
      dtype,
      shape: [shape[0] / 2, ...shape.slice(1)],
      data: data.slice(at * size, (at + 1) * size),
    } as HostTensor;
  };
  return [cut(x), cut(y)];
};

function expectNear(got: readonly number[], wanted: readonly number[], tolerance: number) {
  expect(got).toHaveLength(wanted.length);
  got.forEach((value, i) => {
    expect(Math.abs(value - wanted[i])).toBeLessThan(tolerance * (1 + Math.abs(wanted[i])));
  });
}

describe('CompiledModel', () => {
  it('one step of plain descent subtracts the learning rate times the gradient', async () => {
    const model = make(() => new Linear(2, 1, { bias: false }));
    model.weight.set({ dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, -1) });
    const loss = (output: Tensor, target: Tensor) => output.sub(target).mul(output.sub(target)).sum();
    const one = compile({ ...base, loss, optimizer: new SGD({ learningRate: 0.1 }), model });
    const x: HostTensor = { dtype: 'float32', shape: [1, 2], data: Float32Array.of(3, 2) };
    const y: HostTensor = { dtype: 'float32', shape: [1, 1], data: Float32Array.of(0) };
    // Output 3 − 2 = 1, loss 1, gradient 2·1·[3, 2]; new weights 1 − 0.6 and −1 − 0.4.
    expect((await one.step([x, y])).loss).toBe(1);
    expectNear(numbers(model), [0.4, -1.4], 1e-6);
    await one.release();
  });

  it('accumulated halves of a batch make the step of the whole batch', async () => {
    const [whole, parts] = [make(() => new Mlp()), make(() => new Mlp())];
    const batch = batchOf(8, [5]);
    const [one, two] = [compiled(whole), compiled(parts, { accumulate: 2 })];
    await one.step(batch);
    await two.step(half(batch, 0));
    expect(two.position).toMatchObject({ updates: 0, batches: 1 });
    await two.step(half(batch, 1));
    expect(two.position).toMatchObject({ updates: 1, batches: 2 });
    expectNear(numbers(parts), numbers(whole), 1e-6);
    await one.release();
    await two.release();
  });

  it('frozen parameters stay, and groups have their own learning rate', async () => {
    const model = make(() => new Mlp());
    model.freeze('l1.bias');
    const before = model.stateDict();
    const optimizer = new SGD({ learningRate: 0.1, groups: [{ match: 'l2', learningRate: 0 }] });
    const run = compiled(model, { optimizer });
    await run.step(batchOf(8, [5]));
    const after = model.stateDict();
    expect(after.get('l1.bias')).toEqual(before.get('l1.bias'));
    expect(after.get('l2.weight')).toEqual(before.get('l2.weight'));
    expect(after.get('l1.weight')).not.toEqual(before.get('l1.weight'));
    await run.release();
  });

  it.each([
    ['descent', {}],
    ['momentum and decay', { momentum: 0.9, weightDecay: 0.01 }],
    ['dampened momentum', { momentum: 0.5, dampening: 0.2 }],
    ['Nesterov momentum', { momentum: 0.9, nesterov: true }],
  ])(
    '%s: the same weights whether the loss or each gradient is multiplied by the learning rate',
    async (_, settings) => {
      const [one, other] = [make(() => new Mlp()), make(() => new Mlp())];
      const options = { learningRate: 0.1, ...settings };
      const whole = compiled(one, { optimizer: new SGD(options) });
      // A group of its own, with the same rate, keeps the loss as it is.
      const grouped = compiled(other, { optimizer: new SGD({ ...options, groups: [{ match: 'l2' }] }) });
      for (let step = 0; step < 4; step++) {
        const batch = batchOf(8, [5], step);
        const [loss, same] = [(await whole.step(batch)).loss, (await grouped.step(batch)).loss];
        expectNear([loss], [same], 1e-6);
      }
      expectNear(numbers(one), numbers(other), 1e-6);
      await Promise.all([whole.release(), grouped.release()]);
    },
  );

  it('clips by norm, and tells the norm', async () => {
    const model = make(() => new Mlp());
    const before = numbers(model);
    const run = compiled(model, { optimizer: new SGD({ learningRate: 1 }), clip: { norm: 1e-3 } });
    const { gradientNorm } = await run.step(batchOf(8, [5]));
    const moved = Math.sqrt(numbers(model).reduce((sum, value, i) => sum + (value - before[i]) ** 2, 0));
    expect(gradientNorm).toBeGreaterThan(1e-3);
    expect(moved).toBeGreaterThan(0.9e-3);
    expect(moved).toBeLessThan(1.1e-3);
    await run.release();
  });

  it('evaluates on averaged weights and trains on its own', async () => {
    const model = make(() => new Mlp());
    const run = compiled(model, { ema: { decay: 0.5 } });
    const batch = batchOf(8, [5]);
    const start = numbers(model);
    await run.step(batch);
    const stepped = numbers(model);
    const { output } = await run.evaluate(batch);
    expect(numbers(model)).toEqual(stepped);
    run.useAverages();
    expectNear(
      numbers(model),
      start.map((value, i) => (value + stepped[i]) / 2),
      1e-6,
    );
    const direct = compiled(model);
    expectNear(
      Array.from((await direct.predict([batch[0]])).data as Float32Array),
      Array.from(output.data as Float32Array),
      1e-6,
    );
    await run.release();
    await direct.release();
  });

  it('a computation repeated for the backward pass changes no result', async () => {
    const [kept, again] = [make(() => new ConvNet(false)), make(() => new ConvNet(true))];
    const [one, two] = [compiled(kept, { seed: 3 }), compiled(again, { seed: 3 })];
    for (let i = 0; i < 3; i++) {
      const batch = batchOf(4, [1, 6, 6], i);
      const [a, b] = [await one.step(batch), await two.step(batch)];
      expect(Math.abs(a.loss - b.loss)).toBeLessThan(1e-5);
    }
    expectNear(numbers(again), numbers(kept), 1e-4);
    await one.release();
    await two.release();
  });

  it('in the backward pass, nothing inside a repeated region is read from the forward pass', () => {
    const model = make(() => new ConvNet(true));
    const record = {
      ...base,
      model,
      clip: undefined,
      accumulate: 1,
      momentumCycled: false,
      isRateConstant: true,
      mixedPrecision: false,
      device: 'cpu' as const,
    };
    const table = new ScalarTable(base.optimizer, trainableParameters(model).keys(), false);
    const types = batchOf(4, [1, 6, 6]).map(({ dtype, shape }) => ({ dtype, shape }));
    const { outputs, updates } = recordTrainingStep(
      record,
      createTrainingState(record, false),
      types,
      table,
      true,
    );
    const nodes = sortNodes([...outputs, ...updates.values()]);
    const read = nodes
      // A region's input is the output of the region before; it is kept, and read through `after`.
      .filter(({ phase, op }) => phase === 'backward' && op !== 'after')
      .flatMap(({ inputs }) => inputs)
      .filter(
        ({ node, shape }) =>
          node.region !== undefined &&
          node.phase === 'forward' &&
          shape.length === 4 &&
          node.inputs.length > 0,
      );
    expect(read.map(({ node }) => `${node.op} ${node.region}`)).toEqual([]);
    expect(nodes.filter(({ op }) => op === 'after').length).toBeGreaterThan(0);
  });

  it('mixed precision learns what float32 learns, to the accuracy of float16', async () => {
    const [full, mixed] = [make(() => new ConvNet(false)), make(() => new ConvNet(false))];
    const [one, two] = [compiled(full), compiled(mixed, { precision: 'mixed' })];
    for (let i = 0; i < 3; i++) {
      const batch = batchOf(4, [1, 6, 6], i);
      const [a, b] = [await one.step(batch), await two.step(batch)];
      expect(Math.abs(a.loss - b.loss)).toBeLessThan(0.02);
      expect(b.skipped).toBeUndefined();
    }
    await one.release();
    await two.release();
  });

  it('mixed precision skips a step that overflows and halves the loss scale', async () => {
    const model = make(() => new Mlp());
    const run = compiled(model, { precision: 'mixed', optimizer: new AdamW() });
    const [x, y] = batchOf(4, [5]);
    const before = numbers(model);
    const huge = {
      ...x,
      data: (x.data as Float32Array).map((value, i) => (i === 3 ? Number.POSITIVE_INFINITY : value)),
    } as HostTensor;
    expect(await run.step([huge, y])).toMatchObject({ skipped: true });
    expect(numbers(model)).toEqual(before);
    expect(run.position).toMatchObject({ updates: 0, batches: 1 });
    expect(run.state.scaling?.scale.contents().data[0]).toBe(32768);
    expect((await run.step([x, y])).skipped).toBeUndefined();
    expect(numbers(model)).not.toEqual(before);
    await run.release();
  });

  it('mixed precision ends when no loss scale helps', async () => {
    const model = make(() => new Mlp());
    const run = compiled(model, { precision: 'mixed' });
    const [x, y] = batchOf(4, [5]);
    const bad = { ...x, data: (x.data as Float32Array).map(() => Number.NaN) } as HostTensor;
    for (let step = 0; step < 32; step++) expect(await run.step([bad, y])).toMatchObject({ skipped: true });
    await expect(run.step([bad, y])).rejects.toThrow(
      /gradients must stay finite, but overflowed in 33 steps in a row, the last at step 33\. The first tensor .* input "batch0"/,
    );
    expect(numbers(model).every(Number.isFinite)).toBe(true);
    await run.release();
  });

  it('goes back before a step whose loss is not finite', async () => {
    const model = make(() => new Mlp());
    const run = compiled(model, { schedule: constantRate() });
    const [x, y] = batchOf(4, [5]);
    await run.step([x, y]);
    const before = numbers(model);
    const bad = {
      ...x,
      data: (x.data as Float32Array).map((value, i) => (i === 3 ? Number.POSITIVE_INFINITY : value)),
    } as HostTensor;
    await expect(run.step([bad, y])).rejects.toThrow(/got NaN at step 2/);
    expect(numbers(model)).toEqual(before);
    await run.release();
  });

  it('refuses a number of accumulated batches that is none, and shapes that do not fit, naming the line', async () => {
    expect(() => compiled(new Mlp(), { accumulate: 0 })).toThrow(
      'accumulate must be a whole number above 0, but got 0',
    );
    const run = compiled(new Mlp());
    await expect(run.step(batchOf(4, [7]))).rejects.toThrow(
      /matmul: columns of the first must equal rows.*\[4, 7\] and \[8, 5\].*compiled-model.test.ts:\d+/,
    );
  });
});
