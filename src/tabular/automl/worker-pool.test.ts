import { afterEach, describe, expect, it } from 'vitest';
import { CancelledError, RuntimeFailure, silentLogger } from '#core';
import { generateBank, stringColumn, Table } from '#data';
import { inferPurposes } from '../features/purposes.ts';
import type { PipelineConfig } from '../pipeline/pipeline.ts';
import type { TrialEnvironment } from './trial-job.ts';
import { WorkerPool } from './worker-pool.ts';

const boosted = (iterations: number): PipelineConfig => ({
  encoding: 'ordinal',
  scaler: null,
  learner: 'GradientBoosting',
  params: { iterations },
});

/** Two classes, the first half of the rows to learn from, the other half to be judged on. */
function environmentOf(table: Table): TrialEnvironment {
  const half = table.rows >> 1;
  const y = Float64Array.from({ length: table.rows }, (_, i) => i % 2);
  const validation = Uint32Array.from({ length: table.rows - half }, (_, i) => half + i);
  return {
    table: table.share(),
    y,
    settings: { purposes: inferPurposes(table, {}), featurization: 'auto' },
    folds: [{ train: Uint32Array.from({ length: half }, (_, i) => i), validation }],
    finalRows: Uint32Array.from(y, (_, i) => i),
    layout: {
      task: 'classification',
      classes: 2,
      folds: 1,
      rows: validation,
      fold: new Uint16Array(validation.length),
      y: Float64Array.from(validation, (row) => y[row]),
    },
    scoring: { metric: 'accuracy', tuneDecision: false, classLabels: ['a', 'b'] },
    seed: 0,
    threads: 1,
    cacheBytes: 1e8,
  };
}

const predictionsFor = ({ layout }: TrialEnvironment) =>
  new Float64Array(new SharedArrayBuffer(16 * layout.y.length)).fill(0.5);

const pools: WorkerPool[] = [];
function poolOver(environment: TrialEnvironment, size: number, heapMegabytes = 512): WorkerPool {
  const pool = new WorkerPool(environment, { size, heapMegabytes, logger: silentLogger });
  pools.push(pool);
  return pool;
}
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

const small = environmentOf(generateBank({ rows: 400, seed: 1 }).table.drop('y'));

describe('WorkerPool', () => {
  it('writes a fold’s predictions into the memory it was given', async () => {
    const predictions = predictionsFor(small).fill(-1);
    const pool = poolOver(small, 1);
    await pool.submit<'fold'>({ kind: 'fold', config: boosted(5), fold: 0, predictions }).result;
    for (let i = 0; i < predictions.length; i += 2)
      expect(predictions[i] + predictions[i + 1]).toBeCloseTo(1, 6);
    const { metrics } = await pool.submit<'score'>({ kind: 'score', predictions }).result;
    expect(metrics.accuracy).toBeGreaterThan(0.3);
  });

  it('passes a learner’s error on and goes on', async () => {
    const pool = poolOver(small, 1);
    const config: PipelineConfig = { ...boosted(5), params: { iterations: -1 } };
    const job = { kind: 'fold', config, fold: 0, predictions: predictionsFor(small) } as const;
    await expect(pool.submit<'fold'>(job).result).rejects.toMatchObject({ code: 'CONFIG' });
    await pool.submit<'fold'>({ ...job, config: boosted(2) }).result;
  });

  it('stops a running fit when it is cancelled, and a waiting one before it starts', async () => {
    const pool = poolOver(small, 1);
    const job = { kind: 'fold', fold: 0, predictions: predictionsFor(small) } as const;
    let started = () => {};
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    const long = pool.submit<'fold'>({ ...job, config: boosted(100_000) }, { onStart: () => started() });
    const waiting = pool.submit<'fold'>({ ...job, config: boosted(2) });
    await running;
    waiting.cancel('changed my mind');
    long.cancel('changed my mind');
    await expect(waiting.result).rejects.toThrow(CancelledError);
    await expect(long.result).rejects.toThrow(CancelledError);
    await pool.submit<'fold'>({ ...job, config: boosted(2) }).result;
  });

  it('ends a fit whose time is over', async () => {
    const pool = poolOver(small, 1);
    const job = {
      kind: 'fold',
      config: boosted(100_000),
      fold: 0,
      predictions: predictionsFor(small),
    } as const;
    await expect(pool.submit<'fold'>(job, { seconds: () => 0.5 }).result).rejects.toMatchObject({
      details: { reason: 'timeout' },
    });
  });

  it('starts jobs of higher priority first', async () => {
    const pool = poolOver(small, 1);
    const order: string[] = [];
    const job = { kind: 'score', predictions: predictionsFor(small) } as const;
    const submit = (name: string, priority: number) =>
      pool.submit<'score'>(job, { priority, onStart: () => order.push(name) }).result;
    await Promise.all([submit('first', 0), submit('low', 0), submit('high', 1)]);
    expect(order).toEqual(['first', 'high', 'low']);
  });

  describe('over more text than a worker has memory for', () => {
    const texts = Array.from({ length: 60_000 }, (_, i) => `${i} ${'lorem ipsum dolor '.repeat(40)}${i}`);
    const environment = environmentOf(new Table([stringColumn('text', texts)]));
    const predictions = predictionsFor(environment);
    const deadly = { kind: 'fold', config: boosted(5), fold: 0, predictions } as const;
    const harmless = { kind: 'score', predictions } as const;

    it('loses only the job of the worker that died', async () => {
      const pool = poolOver(environment, 1, 48);
      await expect(pool.submit<'fold'>(deadly).result).rejects.toThrow(RuntimeFailure);
      expect((await pool.submit<'score'>(harmless).result).metrics.accuracy).toBe(0.5);
    });

    it('goes on with the other workers when one has died again and again', async () => {
      const pool = poolOver(environment, 2, 48);
      for (let death = 0; death < 3; death++) {
        await expect(pool.submit<'fold'>(deadly).result).rejects.toThrow(RuntimeFailure);
      }
      // The last worker's end is told twice, as an error and as an exit, before this turn is over.
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect((await pool.submit<'score'>(harmless).result).metrics.accuracy).toBe(0.5);
    });
  });

  it('rejects what is open when it is closed', async () => {
    const pool = poolOver(small, 1);
    const job = {
      kind: 'fold',
      config: boosted(100_000),
      fold: 0,
      predictions: predictionsFor(small),
    } as const;
    const handles = [pool.submit<'fold'>(job), pool.submit<'fold'>(job)];
    await pool.close();
    for (const { result } of handles) await expect(result).rejects.toThrow(CancelledError);
    await expect(pool.submit<'fold'>(job).result).rejects.toThrow(CancelledError);
  });
});
