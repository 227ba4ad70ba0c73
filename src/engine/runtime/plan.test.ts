import { expect, test } from 'vitest';
import { RuntimeFailure } from '#core';
import * as build from '../ir/build.ts';
import type { Variable } from '../ir/value.ts';
import { Plan } from './plan.ts';

const rows = 1024;
const shape = [rows, rows];

function createCounter(): Variable {
  return { name: 'counter', dtype: 'float32', shape, data: new Float32Array(rows * rows) };
}

test('a run writes new contents of variables in place and makes no copies of them', async () => {
  const counter = createCounter();
  const next = build.add(build.variable(counter), build.scalar(1, 'float32'));
  const total = build.sum(next, [0, 1]);
  const plan = await Plan.create([total], new Map([[counter, next]]));
  await plan.run();
  const before = process.memoryUsage().arrayBuffers;
  for (let run = 0; run < 4; run++) await plan.run();
  const [result] = await plan.run();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(rows * rows * 4);
  expect(counter.data[rows]).toBe(6);
  expect(result).toEqual({ dtype: 'float32', shape: [], data: Float32Array.of(6 * rows * rows) });
  await plan.release();
});

test('a loop gives stacked outputs and moves variables on, without copies', async () => {
  const counter = createCounter();
  const step = build.input('step', 'float32', []);
  const next = build.add(build.variable(counter), step);
  const plan = await Plan.createLoop([build.sum(next, [0, 1])], new Map([[counter, next]]), 3);
  const feeds = { step: { dtype: 'float32', shape: [3], data: Float32Array.of(1, 2, 3) } } as const;
  await plan.run(feeds);
  const before = process.memoryUsage().arrayBuffers;
  const [totals] = await plan.run(feeds);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(rows * rows * 4);
  expect(Array.from(totals.data as Float32Array, (total) => total / rows ** 2)).toEqual([7, 9, 12]);
  await plan.release();
});

test('a failure in ONNX Runtime is told, and variables keep their contents', async () => {
  const counter = createCounter();
  const rowIndex = build.input('row', 'int64', [1]);
  const taken = build.gather(build.variable(counter), rowIndex, 0);
  const plan = await Plan.create([], new Map([[counter, build.expand(taken, shape)]]));
  const outside = { row: { dtype: 'int64', shape: [1], data: BigInt64Array.of(5000n) } } as const;
  await expect(plan.run(outside)).rejects.toThrow(RuntimeFailure);
  await expect(plan.run(outside)).rejects.toThrow(
    /but at gather \(.*plan\.test\.ts:\d+\) it answered: .*idx=5000/,
  );
  expect(counter.data[0]).toBe(0);
  await plan.release();
});
