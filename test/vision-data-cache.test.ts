import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '#core';
import { DecodedCache, readImageIndex, writeShapes } from '#data';

const root = mkdtempSync(join(tmpdir(), 'trainyard-cache-'));
let paths: readonly string[];
const children: ChildProcess[] = [];

beforeAll(async () => {
  const { csv } = await writeShapes(join(root, 'shapes'), { count: 60, seed: 1, size: 32 });
  paths = (await readImageIndex(csv)).items.map(({ path }) => path);
});
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

/** Opens the cache of a folder's pictures; `wait` stops it for good after its first pictures. */
const opener = `
  import { writeSync } from 'node:fs';
  import { DecodedCache } from 'trainyard/data';
  const { paths, folder, wait } = JSON.parse(process.argv[1]);
  const forever = new Int32Array(new SharedArrayBuffer(4));
  const onProgress = (done) => {
    writeSync(1, done + ' pictures\\n');
    if (wait) Atomics.wait(forever, 0, 0);
  };
  const cache = await DecodedCache.open(paths, { folder, onProgress });
  let sum = 0;
  for (let i = 0; i < cache.length; i++) for (const value of (await cache.get(i)).data) sum += value;
  writeSync(1, 'sum ' + sum + '\\n');
  await cache.close();`;

/** The built package, because Node runs it without a test runner around it. */
function open(folder: string, wait: boolean) {
  const settings = JSON.stringify({ paths, folder, wait });
  const child = spawn(process.execPath, ['--input-type=module', '-e', opener, settings], {
    cwd: packageRoot,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const closed = once(child, 'close');
  let said = '';
  const spoke = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      resolve();
    });
  });
  return { child, spoke: Promise.race([spoke, closed]), closed, said: () => said };
}

async function sumOf(folder: string): Promise<number> {
  const cache = await DecodedCache.open(paths, { folder });
  let sum = 0;
  for (let i = 0; i < cache.length; i++) for (const value of (await cache.get(i)).data) sum += value;
  await cache.close();
  return sum;
}

const partials = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.partial'));
const whole = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.pixels'));

it('a builder killed in the middle leaves nothing that is read, and the next open builds and cleans up', async () => {
  const folder = join(root, 'killed');
  const builder = open(folder, true);
  await builder.spoke;
  expect(builder.said()).toBe('4 pictures\n');
  expect([whole(folder).length, partials(folder).length]).toEqual([0, 1]);
  // A living builder keeps its file.
  await (await DecodedCache.open(paths.slice(0, 3), { folder })).close();
  expect(partials(folder)).toHaveLength(1);

  builder.child.kill('SIGKILL');
  await builder.closed;
  expect(await sumOf(folder)).toBe(await sumOf(join(root, 'undisturbed')));
  expect(partials(folder)).toEqual([]);
});

it('two processes that build the same cache at once both read it, and one file is left', async () => {
  const folder = join(root, 'two');
  const both = [open(folder, false), open(folder, false)];
  await Promise.all(both.map(({ closed }) => closed));
  const sums = both.map(({ said }) => said().split('sum ')[1]);
  expect(sums).toEqual([`${await sumOf(folder)}\n`, `${await sumOf(folder)}\n`]);
  expect([whole(folder).length, partials(folder).length]).toEqual([1, 0]);
});
