/** The store on SQLite: metric points logged, and the list of the newest runs of a large workspace. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../dist/tracking/index.js';
import { ownRow } from '../report.js';

const pointsMust = 20_000;
const listMustMs = 50;

/**
 * @param {{ runs?: number, metrics?: number, steps?: number }} [size] of the workspace whose runs are listed
 * @returns {Promise<{ rows: object[], notes: string[] }>}
 */
export async function benchStore({ runs = 10_000, metrics = 40, steps = 25 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-store-bench-'));
  // Another database would be measured otherwise.
  const url = process.env.TRAINYARD_DATABASE_URL;
  delete process.env.TRAINYARD_DATABASE_URL;
  try {
    const logged = await benchLogging(join(folder, 'logging'));
    const listed = await benchListing(join(folder, 'listing'), { runs, metrics, steps });
    return { rows: [...logged.rows, ...listed.rows], notes: [...logged.notes, ...listed.notes] };
  } finally {
    if (url !== undefined) process.env.TRAINYARD_DATABASE_URL = url;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Three ways to log: a training loop that waits for each step of 40 metrics, 100 loops at once, single points. */
async function benchLogging(root) {
  const store = await openStore({ root });
  const step = (at) =>
    Array.from({ length: 40 }, (_, k) => ({ key: `metric ${k}`, value: at / (k + 1), step: at }));
  const newRun = async () => (await store.createRun({ experimentName: 'bench', state: 'Running' })).id;

  const warm = await newRun();
  for (let at = 0; at < 200; at++) await store.logMetrics(warm, step(at));
  const one = await newRun();
  const awaited = await rate(2500 * 40, async () => {
    for (let at = 0; at < 2500; at++) await store.logMetrics(one, step(at));
  });
  const many = await Promise.all(Array.from({ length: 100 }, newRun));
  const together = await rate(100 * 50 * 40, () =>
    Promise.all(
      many.map(async (id) => {
        for (let at = 0; at < 50; at++) await store.logMetrics(id, step(at));
      }),
    ),
  );
  const single = await newRun();
  const singles = await rate(200_000, () =>
    Promise.all(
      Array.from({ length: 1000 }, async (_, k) => {
        for (let at = 0; at < 200; at++) {
          await store.logMetrics(single, [{ key: `metric ${k % 40}`, value: at, step: at * 1000 + k }]);
        }
      }),
    ),
  );
  await store.close();
  const row = (id, what, ours, must) =>
    ownRow({
      id,
      what: `metric points through logMetrics into SQLite, one process, on disk when acknowledged: ${what}`,
      unit: 'points/s',
      ours,
      must: `≥ ${must.toLocaleString('en')}/s`,
      pass: ours >= must,
    });
  return {
    rows: [
      row('store-log-many', '100 loops at once, 40 metrics a call', together, pointsMust),
      row('store-log-one', 'one loop that awaits each call of 40 metrics', awaited, pointsMust),
      row('store-log-points', '1,000 loops at once, one point a call', singles, pointsMust),
    ],
    notes: [],
  };
}

async function benchListing(root, { runs, metrics, steps }) {
  const store = await openStore({ root });
  const started = performance.now();
  const ids = [];
  for (let i = 0; i < runs; i++) {
    const run = await store.createRun({
      experimentName: 'bench',
      state: 'Running',
      name: `trial ${i}`,
      params: { learningRate: 0.1, depth: i % 12 },
      tags: { algorithm: 'Trees' },
    });
    ids.push(run.id);
  }
  for (let start = 0; start < runs; start += 20) {
    await Promise.all(
      ids.slice(start, start + 20).map((id, i) => {
        const points = [];
        for (let k = 0; k < metrics; k++)
          for (let step = 0; step < steps; step++)
            points.push({ key: `metric ${k}`, value: (start + i) / (k + step + 1), step });
        return store.logMetrics(id, points);
      }),
    );
  }
  const filledSeconds = (performance.now() - started) / 1000;
  const list = async (query) => {
    const times = [];
    for (let i = 0; i < 200; i++) {
      const start = performance.now();
      const { items } = await store.listRuns({ limit: 50, withMetrics: true, ...query });
      times.push(performance.now() - start);
      if (items.length !== 50 || Object.keys(items[0].metrics).length !== metrics)
        throw new Error('bench: wrong page');
    }
    times.sort((a, b) => a - b);
    return times[Math.floor(times.length * 0.95)];
  };
  const newest = await list({});
  const filtered = await list({ experimentName: 'bench', parentId: null, tags: { algorithm: 'Trees' } });
  await store.close();
  const size = `${runs.toLocaleString('en')} runs × ${metrics} metrics, ${(runs * metrics * steps).toLocaleString('en')} history points`;
  const row = (id, what, ours) =>
    ownRow({
      id,
      what: `${what} of ${size}, with latest metrics, p95`,
      unit: 'ms',
      ours,
      must: `≤ ${listMustMs} ms`,
      pass: ours <= listMustMs,
    });
  return {
    rows: [
      row('store-list-newest', 'list 50 newest', newest),
      row('store-list-filtered', 'list 50 newest by experiment and tag', filtered),
    ],
    notes: [`store: the listed workspace was filled in ${filledSeconds.toFixed(0)} s`],
  };
}

/** @returns things per second */
async function rate(count, work) {
  const start = performance.now();
  await work();
  return count / ((performance.now() - start) / 1000);
}
