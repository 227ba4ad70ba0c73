import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '#tracking';
import { NodeScript } from './node-script.ts';
import { PostgresServer, postgresBin } from './postgres-server.ts';

const root = mkdtempSync(join(tmpdir(), 'trainyard-store-killed-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Eight loops that log two metrics a step for ever, and print `loop step` when a call was acknowledged. */
const writer = `
  import { writeSync } from 'node:fs';
  import { openStore } from 'trainyard/tracking';
  const [root, url, name] = process.argv.slice(1);
  const store = await openStore({ root, url });
  const { id } = await store.createRun({ experimentName: 'killed', id: name, state: 'Running' });
  writeSync(1, 'ready\\n');
  await Promise.all(Array.from({ length: 8 }, async (_, loop) => {
    for (let step = 0; ; step++) {
      const points = ['a', 'b'].map((key) => ({ key: key + loop, value: step + loop / 8, step }));
      await store.logMetrics(id, points);
      if (step % 100 === 0) await store.appendEvent(id, 'hundred', { loop, step });
      writeSync(1, loop + ' ' + step + '\\n');
    }
  }));`;

/** What was acknowledged is there, calls are whole, and the latest value is that of the last step. */
async function expectNothingLost(address: { root: string; url: string }, name: string, script: NodeScript) {
  expect(script.complaint).toBe('');
  const store = await openStore(address);
  const acknowledged = script
    .lines()
    .slice(1)
    .map((line) => line.split(' ').map(Number));
  expect(acknowledged.length).toBeGreaterThan(8);
  const latest = await store.latestMetrics(name);
  const hundreds = await store.readEvents(name, { limit: 10_000 });
  for (let loop = 0; loop < 8; loop++) {
    const last = Math.max(-1, ...acknowledged.filter(([of]) => of === loop).map(([, step]) => step!));
    const a = await store.metricHistory(name, `a${loop}`);
    const b = await store.metricHistory(name, `b${loop}`);
    expect(a.length).toBeGreaterThan(last);
    expect(a.map((point) => point.step)).toEqual(Array.from(a, (_, step) => step));
    expect(a.map((point) => point.value)).toEqual(Array.from(a, (_, step) => step + loop / 8));
    expect(b.map((point) => point.value)).toEqual(a.map((point) => point.value));
    if (a.length > 0) expect(latest[`a${loop}`]).toBe(a.at(-1)?.value);
    const told = hundreds.filter(
      ({ type, data }) => type === 'hundred' && (data as { loop: number }).loop === loop,
    );
    expect(told.length).toBeGreaterThanOrEqual(Math.floor(last / 100) + 1);
  }
  const [lost] = await store.listRuns({ experimentName: 'killed', limit: 1 }).then((page) => page.items);
  expect(lost?.state).toBe('Running');
  await store.close();
}

describe('a writer of thousands of points a second that is killed (SQLite)', () => {
  it.each([0, 150, 600])(
    'loses nothing that was acknowledged, %d ms after its first steps',
    async (delayMs) => {
      const address = { root: join(root, `sqlite-${delayMs}`), url: '' };
      const script = new NodeScript(writer, [address.root, '', 'run']);
      await script.said('7 3\n');
      await setTimeout(delayMs);
      await script.kill();
      await expectNothingLost(address, 'run', script);
    },
  );

  it('leaves what other processes need to go on, four at once', async () => {
    const address = { root: join(root, 'sqlite-four'), url: '' };
    await (await openStore(address)).close();
    const names = ['one', 'two', 'three', 'four'];
    const scripts = names.map((name) => new NodeScript(writer, [address.root, '', name]));
    await Promise.all(scripts.map((script) => script.said('7 3\n')));
    for (const script of scripts) {
      await script.kill();
      await setTimeout(50);
    }
    for (const [i, script] of scripts.entries()) await expectNothingLost(address, names[i]!, script);
  });
});

describe.skipIf(postgresBin === undefined)('a writer that is killed (PostgreSQL)', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());

  it('loses nothing that was acknowledged, two at once', async () => {
    const address = { root: join(root, 'postgresql'), url: await server.database('killed') };
    const scripts = ['one', 'two'].map((name) => new NodeScript(writer, [address.root, address.url, name]));
    await Promise.all(scripts.map((script) => script.said('7 3\n')));
    await setTimeout(300);
    await Promise.all(scripts.map((script) => script.kill()));
    await expectNothingLost(address, 'one', scripts[0]!);
    await expectNothingLost(address, 'two', scripts[1]!);
  });
});
