import assert from 'node:assert/strict';
import type { MetricPoint } from '#tracking';
import type { StoreCase } from './store-conformance.ts';
import { assertConfigError, assertDataError, freshName, impossibleNames, newRunId } from './store-samples.ts';

export const metricCases: readonly StoreCase[] = [
  [
    'history comes back in order of steps, and the latest value is that of the highest step',
    async (store, other) => {
      const id = await newRunId(store);
      await store.logMetrics(id, [
        { key: 'loss', value: 3, step: 30 },
        { key: 'loss', value: 1, step: 10 },
        { key: 'accuracy', value: 0.5 },
      ]);
      await other.logMetrics(id, [{ key: 'loss', value: 2, step: 20 }]);
      const history = await store.metricHistory(id, 'loss');
      assert.deepEqual(
        history.map(({ step, value }) => [step, value]),
        [
          [10, 1],
          [20, 2],
          [30, 3],
        ],
      );
      assert.match(history[0]!.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      assert.deepEqual(await other.latestMetrics(id), { accuracy: 0.5, loss: 3 });
      assert.deepEqual(await other.metricHistory(id, 'nothing'), []);
    },
  ],
  [
    'a second point of one key and step replaces the first, within a call and after it',
    async (store, other) => {
      const id = await newRunId(store);
      await store.logMetrics(id, [
        { key: 'loss', value: 1, step: 5 },
        { key: 'loss', value: 2, step: 5 },
      ]);
      assert.deepEqual(await store.latestMetrics(id), { loss: 2 });
      await other.logMetrics(id, [{ key: 'loss', value: 3, step: 5 }]);
      assert.deepEqual(await store.latestMetrics(id), { loss: 3 });
      assert.deepEqual(
        (await store.metricHistory(id, 'loss')).map(({ step, value }) => [step, value]),
        [[5, 3]],
      );
    },
  ],
  [
    'NaN, infinities and the ends of the number range are kept as they are',
    async (store, other) => {
      const id = await newRunId(store);
      const values = [
        Number.NaN,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        Number.MAX_VALUE,
        Number.MIN_VALUE,
        -Number.MIN_VALUE,
        1e-17,
        1 + 2 ** -52,
        0.1 + 0.2,
        -1e-300,
        2 ** 53 + 2,
      ];
      await store.logMetrics(
        id,
        values.map((value, step) => ({ key: 'x', value, step })),
      );
      await store.logMetrics(
        id,
        values.map((value, i) => ({ key: `x${i}`, value })),
      );
      const history = await other.metricHistory(id, 'x');
      assert.deepEqual(
        history.map((point) => point.value),
        values,
      );
      const latest = await other.latestMetrics(id);
      assert.deepEqual(
        values.map((_, i) => latest[`x${i}`]),
        values,
      );
    },
  ],
  [
    'a call with one point that cannot be stored stores none',
    async (store) => {
      const id = await newRunId(store);
      const good: MetricPoint = { key: 'good', value: 1 };
      for (const key of impossibleNames) {
        await assertConfigError(store.logMetrics(id, [good, { key, value: 1 }]), /metric key/);
      }
      for (const step of [-1, 0.5, Number.NaN, 2 ** 53]) {
        await assertConfigError(store.logMetrics(id, [good, { key: 'loss', value: 1, step }]), /"loss" step/);
      }
      const text = '1' as unknown as number;
      await assertConfigError(store.logMetrics(id, [good, { key: 'loss', value: text }]), /"loss"/);
      assert.deepEqual(await store.latestMetrics(id), {});
      await store.logMetrics(id, []);
    },
  ],
  [
    'the highest step is 2^53 - 1',
    async (store) => {
      const id = await newRunId(store);
      await store.logMetrics(id, [{ key: 'x', value: 1, step: Number.MAX_SAFE_INTEGER }]);
      assert.equal((await store.metricHistory(id, 'x'))[0]?.step, Number.MAX_SAFE_INTEGER);
    },
  ],
  [
    'of calls made at once a wrong one fails alone',
    async (store) => {
      const id = await newRunId(store);
      const calls = Array.from({ length: 20 }, (_, step) =>
        store.logMetrics(step === 7 ? 'nobody' : id, [{ key: 'x', value: step, step }]),
      );
      await assertDataError(calls[7]!, /"nobody"/);
      await Promise.all(calls.filter((_, i) => i !== 7));
      assert.equal((await store.metricHistory(id, 'x')).length, 19);
    },
  ],
  [
    'two processes that log at once lose nothing',
    async (store, other) => {
      const id = await newRunId(store);
      const log = (process: typeof store, parity: number) =>
        Promise.all(
          Array.from({ length: 100 }, (_, i) =>
            process.logMetrics(
              id,
              ['a', 'b', 'c'].map((key) => ({ key, value: i, step: 2 * i + parity })),
            ),
          ),
        );
      await Promise.all([log(store, 0), log(other, 1)]);
      for (const key of ['a', 'b', 'c']) {
        const steps = (await store.metricHistory(id, key)).map((point) => point.step);
        assert.deepEqual(
          steps,
          Array.from({ length: 200 }, (_, step) => step),
        );
      }
      assert.deepEqual(await other.latestMetrics(id), { a: 99, b: 99, c: 99 });
    },
  ],
  [
    'one call may have more points than a statement may have parameters',
    async (store) => {
      const id = await newRunId(store);
      const points = Array.from({ length: 70_000 }, (_, i) => ({ key: `k${i % 7}`, value: i, step: i }));
      await store.logMetrics(id, points);
      assert.equal((await store.metricHistory(id, 'k3')).length, 10_000);
    },
  ],
  [
    'a thinned history has exactly as many points as asked for, even, with its ends',
    async (store) => {
      const id = await newRunId(store);
      const points = Array.from({ length: 1000 }, (_, step) => ({ key: 'x', value: step, step: step * 10 }));
      await store.logMetrics(id, points);
      for (const maxPoints of [2, 3, 7, 100, 999, 1000, 5000]) {
        const steps = (await store.metricHistory(id, 'x', { maxPoints })).map((point) => point.step);
        const expected = Math.min(maxPoints, 1000);
        assert.equal(steps.length, expected);
        assert.deepEqual([steps[0], steps.at(-1)], [0, 9990]);
        const gaps = steps.slice(1).map((step, i) => step - steps[i]!);
        assert.ok(
          Math.max(...gaps) - Math.min(...gaps) <= 10,
          `gaps of ${Math.min(...gaps)} to ${Math.max(...gaps)}`,
        );
      }
      const part = await store.metricHistory(id, 'x', { fromStep: 95, toStep: 500, maxPoints: 2 });
      assert.deepEqual(
        part.map((point) => point.step),
        [100, 500],
      );
      await assertConfigError(store.metricHistory(id, 'x', { maxPoints: 1 }), /maxPoints/);
    },
  ],
  [
    'a list of runs has the latest metrics only when it is asked for them',
    async (store) => {
      const experimentName = freshName('experiment');
      const run = await store.createRun({ experimentName });
      const empty = await store.createRun({ experimentName });
      await store.logMetrics(run.id, [
        { key: 'b', value: 1 },
        { key: 'a', value: 2, step: 1 },
        { key: 'a', value: 3, step: 0 },
      ]);
      const { items } = await store.listRuns({ experimentName, withMetrics: true });
      assert.deepEqual(
        items.map(({ id, metrics }) => [id, metrics]),
        [
          [empty.id, {}],
          [run.id, { a: 2, b: 1 }],
        ],
      );
      const plain = await store.listRuns({ experimentName });
      assert.ok(plain.items.every((item) => item.metrics === undefined));
    },
  ],
  [
    "an experiment's columns are the metrics of its runs, deleted ones left out",
    async (store, other) => {
      const experimentName = freshName('experiment');
      const one = await store.createRun({ experimentName });
      const two = await store.createRun({ experimentName });
      await store.logMetrics(one.id, [
        { key: 'loss', value: 1 },
        { key: 'only one', value: 1 },
      ]);
      await other.logMetrics(two.id, [{ key: 'loss', value: 1 }]);
      assert.deepEqual(await other.listMetricKeys(experimentName), ['loss', 'only one']);
      await other.deleteRun(one.id);
      assert.deepEqual(await store.listMetricKeys(experimentName), ['loss']);
    },
  ],
];
