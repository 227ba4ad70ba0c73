import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, DataError, RuntimeFailure } from '#core';
import { openStore } from '#tracking';
import { NodeScript } from './node-script.ts';

const root = mkdtempSync(join(tmpdir(), 'trainyard-store-locked-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Holds the write lock from `locked` on until it is killed. */
const holder = `
  import { DatabaseSync } from '@photostructure/sqlite';
  const database = new DatabaseSync(process.argv[1]);
  database.exec('begin immediate');
  console.log('locked');
  // A connection that nobody can reach any more is collected, and its lock with it.
  setInterval(() => database.isOpen, 1000);`;

describe('a SQLite file that another process has locked', () => {
  it('is waited for, then refused in a sentence, and written when it is free again', async () => {
    const folder = join(root, 'held');
    const hasty = await openStore({ root: folder, url: '', lockTimeoutSeconds: 0.2 });
    const patient = await openStore({ root: folder, url: '' });
    const { id } = await hasty.createRun({ experimentName: 'locked' });
    const script = new NodeScript(holder, [join(folder, 'workspace.db')]);
    await script.said('locked');

    const waiting = [
      patient.logMetrics(id, [{ key: 'loss', value: 1 }]),
      patient.appendEvent(id, 'waited', null),
    ];
    await expect(hasty.setTags(id, { a: 'b' })).rejects.toThrow(RuntimeFailure);
    await expect(hasty.logMetrics(id, [{ key: 'x', value: 1 }])).rejects.toThrow(
      /^logMetrics: .*workspace\.db must be written and read, but got a lock that another process keeps .*\. End the process/,
    );
    // Readers do not wait for a writer.
    expect((await hasty.getRun(id)).tags).toEqual({});
    await script.kill();
    await Promise.all(waiting);
    expect(await hasty.latestMetrics(id)).toEqual({ loss: 1 });
    await hasty.setTags(id, { a: 'b' });
    expect((await patient.getRun(id)).tags).toEqual({ a: 'b' });
    await hasty.close();
    await patient.close();
  });

  it('lets timers run while a call waits for it', async () => {
    const folder = join(root, 'timers');
    const store = await openStore({ root: folder, url: '' });
    const script = new NodeScript(holder, [join(folder, 'workspace.db')]);
    await script.said('locked');
    let isDone = false;
    const waiting = store.ensureExperiment('later').then(() => {
      isDone = true;
    });
    for (let tick = 0; tick < 10; tick++) await setTimeout(5);
    expect(isDone).toBe(false);
    await script.kill();
    await waiting;
    await store.close();
  });

  it('is brought up to date by one of four processes that open it at once', async () => {
    const folder = join(root, 'opened');
    const opener = `
      import { openStore } from 'trainyard/tracking';
      const store = await openStore({ root: process.argv[1] });
      await store.createRun({ experimentName: 'opened' });
      await store.close();`;
    const scripts = Array.from({ length: 4 }, () => new NodeScript(opener, [folder]));
    for (const script of scripts) expect([await script.ended(), script.complaint]).toEqual([0, '']);
    const store = await openStore({ root: folder, url: '' });
    expect((await store.listRuns()).items.length).toBe(4);
    expect((await store.listExperiments()).items.length).toBe(1);
    await store.close();
  });
});

describe('a database that cannot be used', () => {
  it('is refused when a newer Trainyard wrote it, and left as it is', async () => {
    const folder = join(root, 'newer');
    await (await openStore({ root: folder, url: '' })).close();
    const database = new DatabaseSync(join(folder, 'workspace.db'));
    database.exec('update schema_version set version = 1000');
    const refused = openStore({ root: folder, url: '' });
    await expect(refused).rejects.toThrow(DataError);
    await expect(openStore({ root: folder, url: '' })).rejects.toThrow(
      /but got version 1000\. Use the Trainyard/,
    );
    expect(database.prepare('select version from schema_version').get()).toEqual({ version: 1000 });
    database.close();
  });

  it('is refused when the file is no database', async () => {
    const folder = join(root, 'text');
    mkdirSync(folder);
    writeFileSync(join(folder, 'workspace.db'), 'this is text and no database at all\n'.repeat(100));
    await expect(openStore({ root: folder, url: '' })).rejects.toThrow(/must be a sound SQLite database/);
  });

  it('is refused when the address has another scheme, without the address', async () => {
    await expect(openStore({ root, url: 'mysql://me:secret-word@host/db' })).rejects.toThrow(ConfigError);
    await expect(openStore({ root, url: 'mysql://me:secret-word@host/db' })).rejects.not.toThrow(
      /secret-word/,
    );
  });

  it('answers calls after its end with a sentence', async () => {
    const store = await openStore({ root: join(root, 'closed'), url: '' });
    await store.close();
    await store.close();
    await expect(store.ensureExperiment('x')).rejects.toThrow(/must be open, but got a closed one/);
  });
});

const mountProgram = '/usr/bin/mount';
const unmountProgram = '/usr/bin/umount';
const canMount = canMountFolders();

describe.skipIf(!canMount)('a full disk (needs the right to mount a folder of 3 MB)', () => {
  it('fails the call, keeps what was written, and goes on when there is room', async () => {
    const folder = join(root, 'small');
    mkdirSync(folder);
    execFileSync(mountProgram, ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder]);
    try {
      const store = await openStore({ root: folder, url: '' });
      const { id } = await store.createRun({ experimentName: 'full' });
      let steps = 0;
      let failure: unknown;
      while (failure === undefined) {
        const points = Array.from({ length: 500 }, (_, k) => ({
          key: `metric ${k}`,
          value: steps,
          step: steps,
        }));
        await store.logMetrics(id, points).then(
          () => steps++,
          (error: unknown) => {
            failure = error;
          },
        );
      }
      expect(failure).toBeInstanceOf(RuntimeFailure);
      expect(String(failure)).toMatch(/but got (a full disk|a failure of the disk)/);
      expect(steps).toBeGreaterThan(0);
      for (const key of ['metric 0', 'metric 499']) {
        expect((await store.metricHistory(id, key)).length).toBe(steps);
      }
      execFileSync(mountProgram, ['-o', 'remount,size=30m', folder]);
      await store.logMetrics(id, [{ key: 'metric 0', value: 1, step: steps }]);
      expect((await store.metricHistory(id, 'metric 0')).length).toBe(steps + 1);
      await store.close();
      const again = await openStore({ root: folder, url: '' });
      expect((await again.metricHistory(id, 'metric 499')).length).toBe(steps);
      await again.close();
    } finally {
      execFileSync(unmountProgram, ['-l', folder]);
    }
  });
});

function canMountFolders(): boolean {
  const folder = join(root, 'probe');
  mkdirSync(folder);
  try {
    execFileSync(mountProgram, ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync(unmountProgram, [folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
