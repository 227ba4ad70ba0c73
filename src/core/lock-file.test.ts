import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RuntimeFailure } from './errors.ts';
import { type FileLock, isLock, lockFile } from './lock-file.ts';
import { distFile } from './package-root.ts';
import { currentOwner } from './process-owner.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
  path = join(folder, 'lock');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function take(): FileLock {
  const lock = lockFile(path);
  if (!isLock(lock)) throw new Error(`held by ${lock.pid}`);
  return lock;
}

describe('lockFile', () => {
  it('keeps others out until it is released, and names the holder', () => {
    const lock = take();
    expect(lockFile(path)).toMatchObject(currentOwner());
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
    take().release();
  });

  it('takes over what a dead process left and what is torn, and leaves nothing else behind', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    for (const left of [JSON.stringify({ ...currentOwner(), pid }), '{"ho', '{"pid": 1}']) {
      writeFileSync(path, left);
      take();
      expect(readdirSync(folder)).toEqual(['lock']);
      rmSync(path);
    }
  });

  it('leaves the lock of another host, and one that another took meanwhile', () => {
    const elsewhere = { ...currentOwner(), host: 'elsewhere' };
    writeFileSync(path, JSON.stringify(elsewhere));
    expect(lockFile(path)).toMatchObject(elsewhere);
    rmSync(path);
    const lock = take();
    writeFileSync(path, JSON.stringify(elsewhere));
    lock.release();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(elsewhere);
  });

  it('tells what cannot be taken over or written', () => {
    mkdirSync(path);
    writeFileSync(join(path, 'file'), '');
    expect(() => lockFile(path)).toThrow(RuntimeFailure);
    expect(readdirSync(folder)).toEqual(['lock']);
    path = join(folder, 'missing', 'lock');
    expect(() => lockFile(path)).toThrow(/ENOENT/);
    expect(() => lockFile(path)).not.toThrow(RuntimeFailure);
  });

  it('lets one of several processes in at a time', async () => {
    const script = `
      import { mkdirSync, rmdirSync } from 'node:fs';
      import { isLock, lockFile } from ${JSON.stringify(pathToFileURL(distFile('core', 'index.js')).href)};
      let entered = 0;
      const inside = process.argv[1] + '.inside';
      while (entered < 20) {
        const lock = lockFile(process.argv[1]);
        if (!isLock(lock)) { await new Promise((next) => setTimeout(next, 1)); continue; }
        mkdirSync(inside);
        await new Promise((next) => setTimeout(next, 1));
        rmdirSync(inside);
        lock.release();
        entered++;
      }
      console.log(entered);`;
    writeFileSync(path, JSON.stringify({ ...currentOwner(), startTime: '1' }));
    const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, path]);
    const results = await Promise.all([run(), run(), run()]);
    expect(results.map(({ stdout }) => stdout.trim())).toEqual(['20', '20', '20']);
  });
});
