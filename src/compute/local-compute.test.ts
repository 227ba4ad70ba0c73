import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '#core';
import { computeConformanceCases } from '#testing';
import { LocalCompute } from './local-compute.ts';

mkdirSync(join(packageRoot, 'tmp'), { recursive: true });
const folder = mkdtempSync(join(packageRoot, 'tmp', 'local-compute-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('LocalCompute passes the suite of compute targets', () => {
  it.each(computeConformanceCases((settings) => new LocalCompute('local', settings), folder))(
    '$name',
    ({ run }) => run(),
    30_000,
  );
});

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1][0] !== 'Z';
  } catch {
    return false;
  }
};

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(condition()).toBe(true);
}

describe.skipIf(!existsSync('/proc'))('processes', () => {
  it('are of a job with those it started, and all of them end with it', async () => {
    const module = join(folder, 'fork.mjs');
    writeFileSync(
      module,
      `import { spawn } from 'node:child_process';
       export default (input, context) => {
         const child = spawn('sleep', ['600'], { stdio: 'inherit' });
         context.emit(child.pid);
         return input.wait ? new Promise(() => setInterval(() => {}, 1000)) : 'left it behind';
       };`,
    );
    const target = new LocalCompute();
    for (const wait of [true, false]) {
      const job = target.submit({ name: 'fork', module, input: { wait }, graceSeconds: 0.3 });
      let child = 0;
      for await (const event of job) {
        if (event.type !== 'message') continue;
        child = event.data as number;
        expect(isAlive(child)).toBe(true);
        if (wait) await job.cancel('enough');
      }
      await until(() => !isAlive(child));
    }
    await target.close();
  }, 30_000);

  it('that use too much memory are ended, with the limit in the error', async () => {
    const module = join(folder, 'eat.mjs');
    writeFileSync(
      module,
      `export default async () => {
         const held = [];
         for (;;) {
           held.push(Buffer.alloc(20e6, 1));
           await new Promise((resolve) => setTimeout(resolve, 20));
         }
       };`,
    );
    const target = new LocalCompute();
    const job = target.submit({ name: 'eat', module, input: null, memoryLimitMB: 300, graceSeconds: 0.3 });
    await expect(job.result).rejects.toThrow('must stay below 300 MB');
    await target.close();
  }, 30_000);

  it('do not outlive the process that started them, however it ends', async () => {
    const module = join(folder, 'busy.mjs');
    writeFileSync(module, 'export default () => { for (;;); };');
    const parent = join(folder, 'parent.mjs');
    writeFileSync(
      parent,
      `import { LocalCompute } from 'trainyard/compute';
       const target = new LocalCompute('local', { minNodes: 1, maxNodes: 2 });
       for await (const event of target.submit({ name: 'busy', module: ${JSON.stringify(module)}, input: null }))
         if (event.type === 'started') console.log(event.pid);`,
    );
    const process_ = spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] });
    const worker = await new Promise<number>((resolve) => {
      process_.stdout.once('data', (chunk) => resolve(Number(String(chunk))));
    });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(isAlive(worker)).toBe(true);
    process_.kill('SIGKILL');
    await until(() => !isAlive(worker));
  }, 30_000);
});

it('runs TypeScript modules and what they import', async () => {
  writeFileSync(
    join(folder, 'twice.ts'),
    'export const twice = (n: number): number => 2 * n;\nexport type Unused = string;\n',
  );
  const module = join(folder, 'job.ts');
  writeFileSync(
    module,
    `import { twice, type Unused } from './twice.js';
     interface Input { readonly n: number }
     export default (input: Input): number => twice(input.n as number);`,
  );
  const target = new LocalCompute();
  await expect(target.submit({ name: 'typescript', module, input: { n: 4 } }).result).resolves.toBe(8);
  writeFileSync(module, 'export default (: number) => 1;');
  await expect(target.submit({ name: 'typescript', module, input: null }).result).rejects.toThrow('job.ts');
  await target.close();
});

it('two targets at once do not disturb each other', async () => {
  const module = join(folder, 'name.mjs');
  writeFileSync(module, 'export default (input) => input;');
  const targets = [new LocalCompute('a'), new LocalCompute('b')];
  const results = targets.map((target, i) => target.submit({ name: 'name', module, input: i }).result);
  await expect(Promise.all(results)).resolves.toEqual([0, 1]);
  await Promise.all(targets.map((target) => target.close()));
});

it('names all faults of settings and jobs at once', () => {
  expect(() => new LocalCompute('x', { minNodes: -1, maxNodes: 0, idleSeconds: -1 })).toThrow(
    /minNodes.*maxNodes.*idleSeconds/,
  );
  const target = new LocalCompute();
  expect(() => target.submit({ name: 'j', module: 'x', input: null, retries: -1, memoryLimitMB: 0 })).toThrow(
    /module.*memoryLimitMB.*retries/,
  );
});

it('a job that is canceled when its worker was lost does not start again', async () => {
  const module = join(folder, 'die.mjs');
  writeFileSync(
    module,
    "export default () => { process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}); };",
  );
  const target = new LocalCompute();
  const job = target.submit({ name: 'die', module, input: null, retries: 5 });
  const types: string[] = [];
  for await (const event of job) {
    types.push(event.type);
    if (event.type === 'lost') await job.cancel('enough');
  }
  await expect(job.result).rejects.toThrow('enough');
  expect(types.at(-1)).toBe('canceled');
  expect(target.status().busy).toBe(0);
  await target.close();
}, 30_000);
