import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RuntimeFailure } from '#core';
import { openStore } from '#tracking';
import { PostgresServer, postgresBin } from './postgres-server.ts';

const root = mkdtempSync(join(tmpdir(), 'trainyard-store-restart-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.skipIf(postgresBin === undefined)('a store whose PostgreSQL server restarts under load', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());

  it.each(['SIGINT', 'SIGQUIT'] as const)('goes on and loses and doubles nothing (%s)', async (signal) => {
    const store = await openStore({ root, url: await server.database(`restart ${signal}`) });
    const { id } = await store.createRun({ experimentName: 'restart', state: 'Running' });
    let isOver = false;
    const count = { points: 0, events: 0, runs: 0 };
    const load = [
      ...Array.from({ length: 3 }, async (_, loop) => {
        for (let step = 0; !isOver; step++) {
          await store.logMetrics(id, [{ key: `loop ${loop}`, value: step, step }]);
          count.points++;
        }
      }),
      ...Array.from({ length: 2 }, async () => {
        while (!isOver) {
          await store.appendEvent(id, 'counted', count.events);
          count.events++;
        }
      }),
      (async () => {
        while (!isOver) {
          await store.createRun({ id: `${id}_${count.runs}`, experimentName: 'restart', parentId: id });
          count.runs++;
        }
      })(),
    ];
    for (let restart = 0; restart < 3; restart++) {
      await setTimeout(300);
      await server.restart(signal);
    }
    const before = { ...count };
    while (count.points < before.points + 50 || count.runs < before.runs + 5) await setTimeout(10);
    isOver = true;
    await Promise.all(load);

    const histories = await Promise.all([0, 1, 2].map((loop) => store.metricHistory(id, `loop ${loop}`)));
    expect(histories.map((history) => history.length).reduce((a, b) => a + b)).toBe(count.points);
    const types = (await readAllEvents(store, id)).map((event) => event.type);
    expect(types.filter((type) => type === 'counted').length).toBe(count.events);
    expect(types.filter((type) => type === 'created').length).toBe(count.runs + 1);
    await store.close();
  });

  it('waits as long as it may for a server that is away, and works when it is back', async () => {
    const url = await server.database('away');
    const patient = await openStore({ root, url });
    const hasty = await openStore({ root, url, lockTimeoutSeconds: 0.2 });
    await server.halt();
    const waiting = patient.ensureExperiment('later');
    await expect(hasty.ensureExperiment('now')).rejects.toThrow(RuntimeFailure);
    await server.launch();
    expect((await waiting).name).toBe('later');
    expect((await hasty.ensureExperiment('now')).name).toBe('now');
    await patient.close();
    await hasty.close();
  });

  it('is refused in a sentence without its password when nobody answers', async () => {
    const url = 'postgres://someone:secret-word@127.0.0.1:1/nothing';
    const opening = openStore({ root, url, lockTimeoutSeconds: 0 });
    await expect(opening).rejects.toThrow(/^openStore: PostgreSQL must answer, but got .*ECONNREFUSED/);
    await expect(openStore({ root, url, lockTimeoutSeconds: 0 })).rejects.not.toThrow(/secret-word/);
  });
});

async function readAllEvents(store: Awaited<ReturnType<typeof openStore>>, id: string) {
  const all = [...(await store.readEvents(id, { limit: 1000 }))];
  for (;;) {
    const more = await store.readEvents(id, { after: all.at(-1)?.seq ?? 0, limit: 1000 });
    if (more.length === 0) return all;
    all.push(...more);
  }
}
