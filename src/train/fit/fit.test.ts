import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataError, type HostTensor, Rng } from '#core';
import { DataLoader, type Sample, TensorDataset } from '#data';
import type { Tensor } from '#engine';
import {
  AdamW,
  BatchNorm1d,
  crossEntropy,
  Dropout,
  Linear,
  Module,
  manualSeed,
  oneCycle,
  ReduceOnPlateau,
  SGD,
} from '#nn';
import { accuracy, argMaxRows, type BatchProgress, fit, readCheckpoint } from '#train';

/** Dropout and batch normalisation, so that random numbers and buffers must be resumed too. */
class Net extends Module {
  l1 = new Linear(6, 16);
  bn = new BatchNorm1d(16);
  drop = new Dropout(0.3);
  l2 = new Linear(16, 3);

  override forward(x: Tensor): Tensor {
    return this.l2.forward(this.drop.forward(this.bn.forward(this.l1.forward(x)).relu()));
  }
}

/** Three clouds of points. */
function clouds(rows: number, seed: number): TensorDataset {
  const rng = new Rng(seed);
  const labels = BigInt64Array.from({ length: rows }, () => BigInt(rng.integer(3)));
  const data = Float32Array.from(
    { length: rows * 6 },
    (_, i) => rng.normal() + 3 * Number(Number(labels[Math.floor(i / 6)]) === i % 3),
  );
  return new TensorDataset(
    { dtype: 'float32', shape: [rows, 6], data },
    { dtype: 'int64', shape: [rows], data: labels },
  );
}

const makeNet = () => {
  manualSeed(5);
  return new Net();
};
const loader = (dropLast = false) =>
  new DataLoader(clouds(70, 1), { batchSize: 16, shuffle: true, seed: 3, dropLast });

const base = () => ({
  loss: crossEntropy,
  optimizer: new AdamW({ learningRate: 0.01 }),
  schedule: oneCycle({ steps: 20 }),
  data: loader(),
  validation: new DataLoader(clouds(40, 2), { batchSize: 16 }),
  metrics: [accuracy],
  epochs: 4,
  seed: 9,
  autotune: false,
});

const weightsOf = (model: Module) =>
  [...model.stateDict()].map(([name, { data }]) => [name, Array.from(data as Float32Array, Number)]);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fit-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('fit', () => {
  it('learns, and reports every epoch with loss, metric and rate', async () => {
    const model = makeNet();
    const { epochs, bestEpoch, stopped } = await fit({ ...base(), model, epochs: 6 });
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(epochs[5].trainLoss).toBeLessThan(epochs[0].trainLoss);
    expect(epochs[5].metrics['accuracy']).toBeGreaterThan(0.8);
    expect(epochs[5].samplesPerSecond).toBeGreaterThan(0);
    expect(bestEpoch).toBeGreaterThan(0);
    expect(stopped).toBe('completed');
  });

  it.each([1, 3, 25])('gives the same weights with %i steps per call', async (stepsPerCall) => {
    const [one, other] = [makeNet(), makeNet()];
    await fit({ ...base(), model: one, stepsPerCall: 1, epochs: 2 });
    await fit({ ...base(), model: other, stepsPerCall, epochs: 2 });
    expect(weightsOf(other)).toEqual(weightsOf(one));
  });

  it('joins no more batches to a call than memory should hold', async () => {
    class Means extends Module {
      readonly layer = new Linear(4, 3);
      override forward(x: Tensor): Tensor {
        return this.layer.forward(x.reshape([x.shape[0], 4, -1]).mean(2));
      }
    }
    // 15 MiB each, so that four make less than 64, and two calls of three go further.
    const row = new Float32Array(4_000_000);
    const get = (): Sample => [
      { dtype: 'float32', shape: [row.length], data: row },
      { dtype: 'int64', shape: [], data: BigInt64Array.of(1n) },
    ];
    const calls: number[] = [];
    await fit({
      ...base(),
      model: new Means(),
      data: new DataLoader({ length: 6, get }, { batchSize: 1 }),
      epochs: 1,
      callbacks: { onBatchEnd: ({ losses }: BatchProgress) => void calls.push(losses.length) },
      validation: undefined,
      metrics: [],
    } as never);
    expect(calls).toEqual([3, 3]);
  });

  it('stopped inside an epoch and resumed, gives bit for bit what it gives without a stop', async () => {
    const whole = makeNet();
    const uninterrupted = await fit({ ...base(), model: whole });

    const first = makeNet();
    const stop = new AbortController();
    const onBatchEnd = ({ epoch, batch }: BatchProgress) => {
      if (epoch === 2 && batch >= 2) stop.abort();
    };
    const checkpoint = { folder };
    const options = { ...base(), checkpoint, stepsPerCall: 2 };
    const stopped = await fit({ ...options, model: first, signal: stop.signal, callbacks: { onBatchEnd } });
    expect(stopped.stopped).toBe('cancelled');
    expect(stopped.epochs).toHaveLength(1);

    const second = makeNet();
    const resumed = await fit({ ...options, model: second, resume: true });
    expect(resumed.epochs.map(({ trainLoss }) => trainLoss)).toEqual(
      uninterrupted.epochs.map(({ trainLoss }) => trainLoss),
    );
    expect(weightsOf(second)).toEqual(weightsOf(whole));
  });

  it('resumes gradient sums and averaged weights too', async () => {
    const options = () => ({
      ...base(),
      accumulate: 2,
      ema: { decay: 0.9 },
      checkpoint: { folder },
      epochs: 3,
    });
    const whole = makeNet();
    await fit({ ...options(), checkpoint: { folder: join(folder, 'whole') }, model: whole });
    await fit({ ...options(), model: makeNet(), epochs: 1 });
    const second = makeNet();
    await fit({ ...options(), model: second, resume: true });
    expect(weightsOf(second)).toEqual(weightsOf(whole));
  });

  it('keeps last, best and every epoch on request', async () => {
    const written: string[] = [];
    await fit({
      ...base(),
      model: makeNet(),
      epochs: 2,
      checkpoint: { folder, everyEpoch: true },
      callbacks: { onCheckpoint: (_, kind) => written.push(kind) },
    });
    expect(readdirSync(folder).sort()).toEqual([
      'best.safetensors',
      'epoch-0001.safetensors',
      'epoch-0002.safetensors',
      'last.safetensors',
    ]);
    expect(written).toContain('best');
    expect((await readCheckpoint(join(folder, 'last.safetensors'))).state).toMatchObject({
      epoch: 2,
      batch: 0,
    });
  });

  it('hands a metric of the whole validation set all its outputs and targets, and watches it', async () => {
    const seen: (readonly number[])[] = [];
    const share = {
      name: 'share',
      isBetterHigher: true,
      compute(output: HostTensor, target: HostTensor) {
        seen.push(output.shape, target.shape);
        const right = argMaxRows(output).filter((k, i) => k === Number(target.data[i]));
        return right.length / target.data.length;
      },
    };
    const metrics = [accuracy, share];
    const { epochs, bestEpoch } = await fit({
      ...base(),
      model: makeNet(),
      epochs: 3,
      metrics,
      watch: 'share',
    });
    expect(seen[0]).toEqual([40, 3]);
    expect(seen[1]).toEqual([40]);
    const values = epochs.map((epoch) => epoch.metrics['share']);
    expect(values).toEqual(epochs.map((epoch) => expect.closeTo(epoch.metrics['accuracy'], 6)));
    expect(bestEpoch).toBe(values.indexOf(Math.max(...values)) + 1);
  });

  it('stops early when nothing gets better', async () => {
    const options = { ...base(), optimizer: new SGD({ learningRate: 0 }), epochs: 10 };
    const { epochs, stopped } = await fit({
      ...options,
      schedule: new ReduceOnPlateau(),
      model: makeNet(),
      watch: 'accuracy',
      earlyStopping: { patience: 2, minDelta: 1 },
    });
    expect(stopped).toBe('early-stopping');
    expect(epochs.length).toBe(3);
  });

  it('tells progress with rate and time left', async () => {
    const seen: BatchProgress[] = [];
    await fit({
      ...base(),
      model: makeNet(),
      epochs: 1,
      stepsPerCall: 2,
      callbacks: { onBatchEnd: (progress) => void seen.push(progress) },
    });
    expect(seen.map(({ batch }) => batch)).toEqual([2, 4, 5]);
    expect(seen.flatMap(({ losses }) => losses)).toHaveLength(5);
    expect(seen[2].secondsLeft).toBe(0);
    expect(seen[0].samplesPerSecond).toBeGreaterThan(0);
  });

  it('stops at a loss that is not finite, naming step, tensor and line, and keeps the weights before it', async () => {
    const model = makeNet();
    const data = clouds(32, 1);
    (data.tensors[0] as HostTensor<'float32'>).data[6 * 20] = Number.NaN;
    const run = fit({
      ...base(),
      model,
      validation: undefined,
      metrics: [],
      data: new DataLoader(data, { batchSize: 16 }),
    } as never);
    await expect(run).rejects.toThrow(
      /loss must stay finite, but got NaN at step 2.*input "batch0".*Lower the learning rate/,
    );
    expect(
      weightsOf(model)
        .flat(3)
        .every((value) => typeof value === 'string' || Number.isFinite(value)),
    ).toBe(true);
  });

  it.each([3, -1, 2 ** 32])(
    'refuses the label %d of three classes in training and in validation',
    async (label) => {
      const bad = clouds(32, 1);
      (bad.tensors[1] as HostTensor<'int64'>).data[20] = BigInt(label);
      const [good, loader] = [clouds(32, 1), new DataLoader(bad, { batchSize: 8 })];
      const wanted = new RegExp(
        `crossEntropy: class labels must be whole numbers in \\[0, 3\\), but number \\d+ is ${label}\\..*fit.test.ts`,
      );
      const model = makeNet();
      const before = weightsOf(model);
      await expect(fit({ ...base(), model, data: loader })).rejects.toThrow(DataError);
      await expect(fit({ ...base(), model: makeNet(), data: loader })).rejects.toThrow(wanted);
      expect(weightsOf(model)).toEqual(before);
      const validated = fit({
        ...base(),
        model,
        data: new DataLoader(good, { batchSize: 8 }),
        validation: loader,
      });
      await expect(validated).rejects.toThrow(wanted);
    },
  );

  it('ends after an epoch that left a weight infinite, and keeps the checkpoint before', async () => {
    const model = new Linear(2, 1, { bias: false });
    model.weight.set({ dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 1) });
    const rows: HostTensor = { dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 0) };
    const data = new DataLoader(
      new TensorDataset(rows, { dtype: 'int64', shape: [1], data: BigInt64Array.of(0n) }),
    );
    const options = {
      model,
      loss: (output: Tensor) => output.sum(),
      optimizer: new SGD({ learningRate: 1 }),
      data,
      checkpoint: { folder },
      autotune: false,
    };
    await fit({ ...options, epochs: 1 });
    const again = { ...options, optimizer: new SGD({ learningRate: 1e39 }), epochs: 2, resume: true };
    await expect(fit(again)).rejects.toThrow(
      /"weight" must stay finite, but is not in epoch 2.*Lower the learning rate/,
    );
    const { tensors } = await readCheckpoint(join(folder, 'last.safetensors'));
    expect([...(tensors.get('model.weight')!.data as Float32Array)]).toEqual([0, 1]);
  });

  it('ends when the loss of the validation data is no number', async () => {
    const validation = clouds(8, 1);
    (validation.tensors[0] as HostTensor<'float32'>).data[0] = Number.NaN;
    const run = fit({
      ...base(),
      model: makeNet(),
      validation: new DataLoader(validation, { batchSize: 8 }),
    });
    await expect(run).rejects.toThrow(
      /the loss of the validation data must stay finite, but is not in epoch 1/,
    );
  });

  it('refuses no data, no epochs, an unknown quantity and resuming from nowhere', async () => {
    const model = makeNet();
    const empty = new DataLoader(clouds(3, 1), { batchSize: 8, dropLast: true });
    await expect(fit({ ...base(), model, data: empty })).rejects.toThrow('data must hold at least one batch');
    await expect(fit({ ...base(), model, epochs: 0 })).rejects.toThrow(
      'epochs must be a whole number above 0, but got 0',
    );
    await expect(fit({ ...base(), model, watch: 'f1' })).rejects.toThrow(
      'must be one of validationLoss, accuracy, trainLoss, but got "f1"',
    );
    await expect(fit({ ...base(), model, resume: true })).rejects.toThrow('resume needs a folder');
    model.freeze();
    await expect(fit({ ...base(), model })).rejects.toThrow('must have a parameter to train');
  });

  it('keeps a second training out of the folder of checkpoints, and nothing behind', async () => {
    const options = { ...base(), epochs: 1, checkpoint: { folder } };
    let second: Promise<unknown> | undefined;
    const onEpochStart = async () => {
      second = fit({ ...options, model: makeNet() });
      await expect(second).rejects.toThrow(new RegExp(`but process ${process.pid} of .* does so in`));
    };
    await fit({ ...options, model: makeNet(), callbacks: { onEpochStart } });
    expect(second).toBeDefined();
    expect(readdirSync(folder)).not.toContain('lock');
    await fit({ ...options, model: makeNet() });
  });

  it('refuses to resume with another seed or another model', async () => {
    await fit({ ...base(), model: makeNet(), epochs: 1, checkpoint: { folder } });
    const again = { ...base(), checkpoint: { folder }, resume: true };
    await expect(fit({ ...again, model: makeNet(), seed: 1 })).rejects.toThrow('seed must stay the same');
    await expect(fit({ ...again, model: new Linear(6, 3) })).rejects.toThrow('missing');
    expect(existsSync(join(folder, 'last.safetensors'))).toBe(true);
  });

  it('takes a batch larger than the set as one batch', async () => {
    const data = new DataLoader(clouds(10, 1), { batchSize: 64 });
    const { epochs } = await fit({ ...base(), model: makeNet(), data, epochs: 1 });
    expect(epochs[0].trainLoss).toBeGreaterThan(0);
  });
});

describe('gradual unfreezing', () => {
  const frozen = () => {
    const model = makeNet();
    model.freeze('l1');
    return model;
  };
  // Five batches per epoch: the layer joins with update 11.
  const options = () => ({
    ...base(),
    optimizer: new AdamW({ learningRate: 0.01, groups: [{ match: 'l1', startStep: 10 }] }),
    unfreeze: [{ epoch: 3, pattern: 'l1' }],
    stepsPerCall: 1,
  });

  it('trains a layer from its epoch on, and not before', async () => {
    const model = frozen();
    const seen: number[][] = [];
    const first = Array.from(model.stateDict().get('l1.weight')!.data as Float32Array);
    await fit({
      ...options(),
      model,
      callbacks: {
        onEpochEnd: () =>
          void seen.push(Array.from(model.stateDict().get('l1.weight')!.data as Float32Array)),
      },
    });
    expect(seen[0]).toEqual(first);
    expect(seen[1]).toEqual(first);
    expect(seen[2]).not.toEqual(first);
  });

  it("moves a joining parameter at first by the learning rate, as Adam's first step does", async () => {
    const model = frozen();
    const before = model.stateDict().get('l1.weight')!.data.slice() as Float32Array;
    let moved = 0;
    await fit({
      ...options(),
      schedule: undefined,
      optimizer: new AdamW({ learningRate: 0.01, weightDecay: 0, groups: [{ match: 'l1', startStep: 10 }] }),
      model,
      callbacks: {
        onBatchEnd: ({ epoch, batch }: BatchProgress) => {
          const now = model.stateDict().get('l1.weight')!.data as Float32Array;
          if (epoch === 3 && batch === 1)
            moved = Math.max(...now.map((value, i) => Math.abs(value - before[i])));
        },
      },
    } as never);
    expect(moved).toBeCloseTo(0.01, 3);
  });

  it.each([2, 3])(
    'stopped in epoch %i and resumed, gives bit for bit what it gives without a stop',
    async (at) => {
      const whole = frozen();
      await fit({ ...options(), model: whole });
      const stop = new AbortController();
      const onBatchEnd = ({ epoch, batch }: BatchProgress) => {
        if (epoch === at && batch >= 2) stop.abort();
      };
      const checkpoint = { folder };
      await fit({
        ...options(),
        checkpoint,
        model: frozen(),
        signal: stop.signal,
        callbacks: { onBatchEnd },
      });
      const second = frozen();
      await fit({ ...options(), checkpoint, model: second, resume: true });
      expect(weightsOf(second)).toEqual(weightsOf(whole));
    },
  );
});

it('calls the last of equally good epochs the best where ties go to it', async () => {
  const still = {
    ...base(),
    optimizer: new SGD({ learningRate: 0 }),
    schedule: undefined,
    watch: 'accuracy',
  };
  const run = (tie: 'first' | 'last') => fit({ ...still, model: new Linear(6, 3), epochs: 3, tie } as never);
  expect((await run('first')).bestEpoch).toBe(1);
  expect((await run('last')).bestEpoch).toBe(3);
});
