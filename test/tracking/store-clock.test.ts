import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openStore } from '#tracking';

const root = mkdtempSync(join(tmpdir(), 'trainyard-store-clock-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('a clock that jumps back changes dates and no order', async () => {
  let year = 2040;
  const clock = () => `${year--}-01-01T00:00:00.000Z`;
  const store = await openStore({ root, url: '', clock });
  const runs = [];
  for (let i = 0; i < 6; i++) runs.push(await store.createRun({ experimentName: 'clock' }));
  const [run] = runs;
  expect(runs.map((made) => made.createdAt)).toEqual(
    runs
      .map((made) => made.createdAt)
      .toSorted()
      .reverse(),
  );

  const first = await store.listRuns({ experimentName: 'clock', limit: 3 });
  const second = await store.listRuns({ experimentName: 'clock', limit: 3, cursor: first.next! });
  const ids = runs.map((made) => made.id).toReversed();
  expect([...first.items, ...second.items].map((made) => made.id)).toEqual(ids);

  await store.logMetrics(run!.id, [{ key: 'loss', value: 1, step: 1 }]);
  await store.logMetrics(run!.id, [{ key: 'loss', value: 2, step: 2 }]);
  await store.logMetrics(run!.id, [{ key: 'loss', value: 3, step: 2 }]);
  expect(await store.latestMetrics(run!.id)).toEqual({ loss: 3 });
  const history = await store.metricHistory(run!.id, 'loss');
  expect(history.map((point) => point.step)).toEqual([1, 2]);
  expect(history[0]!.time > history[1]!.time).toBe(true);

  const events = [];
  for (let i = 0; i < 4; i++) events.push(await store.appendEvent(run!.id, 'tick', i));
  const read = await store.readEvents(run!.id, { after: events[0]!.seq });
  expect(read.map((event) => event.data)).toEqual([1, 2, 3]);
  expect(read[0]!.time > read[1]!.time).toBe(true);

  await store.registerModel({ name: 'm' }, new Uint8Array([1]));
  await store.registerModel({ name: 'm' }, new Uint8Array([2]));
  expect((await store.findModel('m'))?.version).toBe(2);
  await store.close();
});
