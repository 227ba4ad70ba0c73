import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, DataError, distFile, hostTensor, RuntimeFailure } from '#core';
import { ArrayDataset } from './array-dataset.ts';
import { ConcatDataset } from './concat-dataset.ts';
import { DataLoader, type DataLoaderOptions } from './data-loader.ts';
import type { Dataset, Sample } from './dataset.ts';
import { openDataset } from './open-dataset.ts';
import { randomSplit } from './subset.ts';
import { TensorDataset } from './tensor-dataset.ts';

const counting = (length: number) =>
  new TensorDataset(
    hostTensor(
      'int32',
      Int32Array.from({ length }, (_, i) => i),
    ),
  );

const sampleOf = (item: number): Sample => [hostTensor('int32', Int32Array.of(item), [])];

/** Indices of the samples, batch by batch. */
async function read(batches: AsyncIterable<Sample>): Promise<number[][]> {
  const result: number[][] = [];
  for await (const [x] of batches) result.push(Array.from(x.data as Int32Array));
  return result;
}

const ascending = (values: number[]) => values.toSorted((a, b) => a - b);
const upTo = (length: number) => Array.from({ length }, (_, i) => i);

describe('DataLoader', () => {
  it('gives the samples in order by default, the last batch smaller', async () => {
    const loader = new DataLoader(counting(5), { batchSize: 2 });
    expect([loader.length, loader.size]).toEqual([3, 5]);
    expect(await read(loader)).toEqual([[0, 1], [2, 3], [4]]);
  });

  it('drops the smaller batch when told to', async () => {
    const loader = new DataLoader(counting(5), { batchSize: 2, dropLast: true });
    expect([loader.length, loader.size]).toEqual([2, 4]);
    expect(await read(loader)).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('divides every epoch into batches that hold each sample once', async () => {
    const settings = fc.record({
      length: fc.nat(40),
      batchSize: fc.integer({ min: 1, max: 50 }),
      seed: fc.integer(),
      epoch: fc.nat(5),
      prefetch: fc.integer({ min: 1, max: 9 }),
    });
    const property = fc.asyncProperty(settings, async ({ length, batchSize, seed, epoch, prefetch }) => {
      const loader = new DataLoader(counting(length), { batchSize, seed, prefetch, shuffle: true });
      const batches = await read(loader.epoch(epoch));
      expect(batches).toHaveLength(loader.length);
      expect(ascending(batches.flat())).toEqual(upTo(length));
      expect(batches.slice(0, -1).every((batch) => batch.length === batchSize)).toBe(true);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('goes on with an epoch at any batch', async () => {
    const settings = fc.record({
      length: fc.nat(30),
      epoch: fc.nat(3),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const property = fc.asyncProperty(settings, async ({ length, epoch, share }) => {
      const open = () => new DataLoader(counting(length), { batchSize: 4, seed: 7, shuffle: true });
      const start = Math.floor(share * open().length);
      const whole = await read(open().epoch(epoch));
      expect(await read(open().epoch(epoch, start))).toEqual(whole.slice(start));
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('shuffles by seed and epoch alone', () => {
    const order = (options: DataLoaderOptions, epoch: number) =>
      Array.from(new DataLoader(counting(100), { shuffle: true, ...options }).order(epoch));
    expect(order({ seed: 1, batchSize: 3 }, 2)).toEqual(order({ seed: 1, batchSize: 10 }, 2));
    expect(order({ seed: 1 }, 2)).not.toEqual(order({ seed: 1 }, 3));
    expect(order({ seed: 1 }, 2)).not.toEqual(order({ seed: 2 }, 2));
  });

  it('takes the next epoch every time it is gone through', async () => {
    const loader = new DataLoader(counting(20), { batchSize: 20, shuffle: true });
    const passes = [await read(loader), await read(loader)];
    expect(passes).toEqual([await read(loader.epoch(0)), await read(loader.epoch(1))]);
    expect(passes[0]).not.toEqual(passes[1]);
  });

  it('puts a data set smaller than a batch into one batch, and none with dropLast', async () => {
    expect(await read(new DataLoader(counting(3), { batchSize: 64 }))).toEqual([[0, 1, 2]]);
    expect(await read(new DataLoader(counting(3), { batchSize: 64, dropLast: true }))).toEqual([]);
  });

  it('has no batches for an empty data set', async () => {
    const loader = new DataLoader(counting(0), { batchSize: 4, shuffle: true });
    expect([loader.length, loader.size]).toEqual([0, 0]);
    expect(await read(loader)).toEqual([]);
  });

  it('follows a sampler, which may repeat and leave out samples', async () => {
    const sampler = { length: 3, order: (epoch: number) => [epoch, 4, 4] };
    const loader = new DataLoader(counting(5), { batchSize: 2, sampler });
    expect([loader.length, loader.size]).toEqual([2, 3]);
    expect(await read(loader.epoch(1))).toEqual([[1, 4], [4]]);
    await expect(read(loader.epoch(5))).rejects.toThrow(/in \[0, 5\), but got 5/);
  });

  it('tells a transform which samples it has', async () => {
    const loader = new DataLoader(counting(5), {
      batchSize: 3,
      seed: 9,
      transform: ([x], { epoch, indices, seed }) => [
        hostTensor(
          'int32',
          Int32Array.from(indices, (index) => 1000 * epoch + 100 * seed + index),
        ),
        x,
      ],
    });
    expect(await read(loader.epoch(2))).toEqual([
      [2900, 2901, 2902],
      [2903, 2904],
    ]);
  });

  it('puts samples together as it is told', async () => {
    const collate = (samples: readonly Sample[]): Sample => [
      hostTensor('int32', Int32Array.of(samples.reduce((sum, [x]) => sum + Number(x.data[0]), 0))),
    ];
    expect(await read(new DataLoader(counting(4), { batchSize: 2, collate }))).toEqual([[1], [5]]);
  });

  it('prepares no more batches ahead than it is told', async () => {
    let asked = 0;
    const dataset = new ArrayDataset(upTo(20), (item) => {
      asked++;
      return sampleOf(item);
    });
    const batches = new DataLoader(dataset, { batchSize: 1, prefetch: 3 }).epoch(0);
    await batches.next();
    expect(asked).toBe(4);
    await batches.return(undefined);
    expect(asked).toBe(4);
  });

  it('names the sample that cannot be read, the first one of several', async () => {
    const dataset = new ArrayDataset(upTo(6), async (item) => {
      if (item === 3) await new Promise((done) => setTimeout(done, 5));
      if (item >= 3) throw new Error(`${item} is broken.`);
      return sampleOf(item);
    });
    const batches = new DataLoader(dataset, { batchSize: 3 }).epoch(0);
    expect((await batches.next()).value?.[0].data).toEqual(Int32Array.of(0, 1, 2));
    const error = await batches.next().catch((reason: unknown) => reason as DataError);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message).toMatch(/sample 3 is not: 3 is broken\. /);
    expect((error as DataError).details['index']).toBe(3);
  });

  it.each([
    [{ batchSize: 0 }, /batchSize 0/],
    [{ batchSize: 2.5 }, /batchSize 2.5/],
    [{ batchSize: Number.NaN, prefetch: 0, workers: -1 }, /batchSize NaN, prefetch 0, workers -1/],
    [{ workers: 1 }, /lives in this thread/],
    [{ shuffle: true, sampler: { length: 1, order: () => [0] } }, /got both/],
  ])('refuses the options %j', (options, message) => {
    expect(() => new DataLoader(counting(5), options)).toThrow(ConfigError);
    expect(() => new DataLoader(counting(5), options)).toThrow(message);
  });

  it('refuses a start outside the epoch', async () => {
    const loader = new DataLoader(counting(5), { batchSize: 2 });
    expect(await read(loader.epoch(0, 3))).toEqual([]);
    for (const start of [4, -1, 0.5]) {
      await expect(read(loader.epoch(0, start))).rejects.toThrow(/start in \[0, 3\]/);
    }
  });
});

describe('DataLoader with workers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-loader-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A user's own module, in plain JavaScript as a worker runs it. */
  const file = join(folder, 'squares.mjs');
  writeFileSync(
    file,
    `import { isMainThread } from 'node:worker_threads';
    export function openSquares({ length, broken = -1, fatal = -1 }) {
      const all = Int32Array.from({ length }, (_, i) => i * i);
      return {
        length,
        async get(index) {
          if (index === broken) throw new Error('no square');
          if (index === fatal) process.exit(3);
          await new Promise((done) => setTimeout(done, index % 3));
          return [{ dtype: 'int32', shape: [], data: all.subarray(index, index + 1) }];
        },
      };
    }
    export function openBeating({ beats }) {
      if (isMainThread) return { length: 30, get: () => [] };
      Atomics.add(beats, 0, 1);
      setInterval(() => Atomics.add(beats, 0, 1), 1);
      return { length: 30, get: (index) => [{ dtype: 'int32', shape: [], data: Int32Array.of(index) }] };
    }
    export function openThree({ flag, broken }) {
      return {
        length: 3,
        async get(index) {
          if (index === broken) throw new Error('no sample');
          if (index === 2) {
            // After a turn of the event loop the replies before this one are on their way.
            await new Promise((done) => setTimeout(done, 1));
            Atomics.store(flag, 0, 1);
            Atomics.notify(flag, 0);
          }
          return [{ dtype: 'int32', shape: [], data: Int32Array.of(index) }];
        },
      };
    }
    export function openFailing() {
      throw new Error('the disk is away');
    }`,
  );
  const module = pathToFileURL(file).href;
  const squares = (settings: object): Promise<Dataset> =>
    openDataset({ module, create: 'openSquares', settings });

  it('gives the same batches whatever the number of workers', async () => {
    const dataset = await squares({ length: 23 });
    const batches = (workers: number) =>
      read(new DataLoader(dataset, { batchSize: 4, shuffle: true, seed: 5, workers }).epoch(1, 2));
    const alone = await batches(0);
    expect(alone).toHaveLength(4);
    expect(await batches(1)).toEqual(alone);
    expect(await batches(3)).toEqual(alone);
  });

  it('reads subsets and joined data sets in workers too', async () => {
    const dataset = new ConcatDataset([await squares({ length: 4 }), await squares({ length: 3 })]);
    const [part] = randomSplit(dataset, [5, 2], 1);
    const batches = (workers: number) => read(new DataLoader(part, { batchSize: 2, workers }));
    expect(await batches(2)).toEqual(await batches(0));
  });

  it('puts samples together as it is told', async () => {
    const collate = (samples: readonly Sample[]): Sample => [
      hostTensor('int32', Int32Array.of(samples.length, Number(samples[0][0].data[0]))),
    ];
    const dataset = await squares({ length: 4 });
    const loader = new DataLoader(dataset, { batchSize: 3, workers: 1, collate });
    expect(await read(loader)).toEqual([
      [3, 0],
      [1, 9],
    ]);
  });

  it('copies no more than the samples out of a larger buffer', async () => {
    const dataset = await squares({ length: 50 });
    const collate = (samples: readonly Sample[]): Sample => [
      hostTensor(
        'int32',
        Int32Array.from(samples, ([{ data }]) => data.buffer.byteLength),
      ),
    ];
    expect(await read(new DataLoader(dataset, { batchSize: 25, workers: 1, collate }))).toEqual([
      new Array(25).fill(4),
      new Array(25).fill(4),
    ]);
  });

  it('names the sample that a worker cannot read', async () => {
    const dataset = await squares({ length: 6, broken: 4 });
    const batches = new DataLoader(dataset, { batchSize: 3, workers: 2 }).epoch(0);
    await batches.next();
    const error = await batches.next().catch((reason: unknown) => reason as DataError);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message).toMatch(/sample 4 is not: no square\. /);
    expect((error as DataError).details['index']).toBe(4);
  });

  it('tells the death of a worker instead of waiting for it', async () => {
    const dataset = await squares({ length: 6, fatal: 0 });
    const loader = new DataLoader(dataset, { batchSize: 1, workers: 1 });
    await expect(read(loader)).rejects.toThrow(RuntimeFailure);
    await expect(read(loader)).rejects.toThrow(/one did not: it ended with code 3/);
  });

  it('tells why a worker cannot open the data set', async () => {
    const worker = { module, create: 'openFailing', settings: {} };
    const dataset = { length: 2, get: sampleOf, worker };
    await expect(read(new DataLoader(dataset, { workers: 1 }))).rejects.toThrow(/the disk is away/);
    const missing = { ...dataset, worker: { ...worker, create: 'openNothing' } };
    await expect(read(new DataLoader(missing, { workers: 1 }))).rejects.toThrow(
      /exports openBeating, openFailing, openSquares, openThree and no "openNothing"/,
    );
  });

  it('refuses settings that cannot be copied to a thread', async () => {
    const worker = { module, create: 'openSquares', settings: { length: () => 3 } };
    const dataset = { length: 2, get: sampleOf, worker };
    await expect(read(new DataLoader(dataset, { workers: 1 }))).rejects.toThrow(ConfigError);
  });

  /** Runs a program in a process that only its workers keep alive, from when replies to two batches lie there. */
  const runAlone = (broken: number, end: string) => {
    const program = `
      import { DataLoader, openDataset } from ${JSON.stringify(pathToFileURL(distFile('data', 'index.js')).href)};
      const flag = new Int32Array(new SharedArrayBuffer(4));
      const description = { module: ${JSON.stringify(module)}, create: 'openThree', settings: { flag, broken: ${broken} } };
      const dataset = await openDataset(description);
      const batches = new DataLoader(dataset, { workers: 1, prefetch: 3 }).epoch(0);
      const first = batches.next();
      if (Atomics.wait(flag, 0, 0, 30_000) === 'timed-out') throw new Error('the worker is stuck');
      ${end}`;
    const command = ['--input-type=module', '--eval', program];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, {
      encoding: 'utf8',
      timeout: 60_000,
    });
    return { status, stdout, stderr };
  };

  it('fails in a process of its own too, though another reply comes while the workers are ended', () => {
    const end = 'await first.catch(({ message }) => console.log(message));';
    const { status, stdout, stderr } = runAlone(0, end);
    expect(stdout).toContain('sample 0 is not: no sample. ');
    expect([status, stderr]).toEqual([0, '']);
  });

  it('does not end the process of a loop that is left while replies are on the way', () => {
    const end = 'await first; await batches.return(); console.log("left");';
    expect(runAlone(-1, end)).toEqual({ status: 0, stdout: 'left\n', stderr: '' });
  });

  it('does not keep a process alive that drops an epoch and waits for nothing', () => {
    const end = 'await first; await batches.next(); console.log("dropped");';
    expect(runAlone(-1, end)).toEqual({ status: 0, stdout: 'dropped\n', stderr: '' });
  });

  it('ends the workers when the loop is left', async () => {
    const beats = new Int32Array(new SharedArrayBuffer(4));
    const dataset = await openDataset({ module, create: 'openBeating', settings: { beats } });
    const loader = new DataLoader({ length: 30, get: sampleOf, worker: dataset.worker }, { workers: 2 });
    Atomics.store(beats, 0, -1_000_000);
    for await (const _ of loader) break;
    const last = Atomics.load(beats, 0);
    await new Promise((done) => setTimeout(done, 30));
    expect(Atomics.load(beats, 0)).toBe(last);
    expect(last).toBeGreaterThan(-1_000_000);
  });
});

it('a batch that was given back lends its memory to a later one, and batches that were not are left alone', async () => {
  const rows = Float32Array.from({ length: 12 }, (_, i) => i);
  const loader = new DataLoader(new TensorDataset({ dtype: 'float32', shape: [12, 1], data: rows }), {
    batchSize: 4,
    prefetch: 1,
  });
  const seen: number[][] = [];
  const memory = new Set<unknown>();
  for (let epoch = 0; epoch < 3; epoch++) {
    for await (const batch of loader.epoch(epoch)) {
      seen.push([...(batch[0].data as Float32Array)]);
      memory.add(batch[0].data);
      loader.recycle(batch);
    }
  }
  expect(seen.flat()).toEqual([...rows, ...rows, ...rows]);
  expect(memory.size).toBeLessThan(4);
  const kept = [];
  for await (const batch of loader.epoch(0)) kept.push(batch[0].data);
  expect(kept.flatMap((data) => [...(data as Float32Array)])).toEqual([...rows]);
});

describe('DataLoader.stacks', () => {
  const groups = async (loader: DataLoader, start: number, count: number) => {
    const found: { shape: readonly number[]; items: number[] }[] = [];
    for await (const [x] of loader.stacks(1, start, () => count)) {
      found.push({ shape: x.shape, items: Array.from(x.data as Int32Array) });
    }
    return found;
  };

  it('gives whole groups of the batches that an epoch has, and leaves the rest', async () => {
    const loader = new DataLoader(counting(23), { batchSize: 3, shuffle: true, seed: 4 });
    const batches = await read(loader.epoch(1));
    const found = await groups(loader, 1, 3);
    expect(found.map(({ shape }) => shape)).toEqual([
      [3, 3],
      [3, 3],
    ]);
    expect(found.flatMap(({ items }) => items)).toEqual(batches.slice(1, 7).flat());
    expect(await groups(loader, 6, 2)).toEqual([]);
  });

  it('asks with the types of a batch, and gives nothing for one at a time', async () => {
    const loader = new DataLoader(counting(8), { batchSize: 2 });
    const asked: unknown[] = [];
    const countFor = (types: unknown) => {
      asked.push(types);
      return 1;
    };
    for await (const _ of loader.stacks(0, 0, countFor)) expect.unreachable();
    expect(asked).toEqual([[{ dtype: 'int32', shape: [2] }]]);
    expect(await groups(loader, 0, 5)).toEqual([]);
  });

  it('gives every reader its own memory', async () => {
    const loader = new DataLoader(counting(8), { batchSize: 2 });
    const two = () => 2;
    const [one, other] = [loader.stacks(0, 0, two), loader.stacks(0, 2, two)];
    const [first, second] = [(await one.next()).value as Sample, (await other.next()).value as Sample];
    expect([first, second].map(([x]) => [...(x.data as Int32Array)])).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
  });

  it('leaves to `epoch` what it may read ahead, and what a subclass makes of it', async () => {
    const inMemory = counting(8);
    const slow: Dataset = {
      length: 8,
      get: sampleOf,
      getBatch: async (indices) => inMemory.getBatch(indices),
    };
    class Doubled extends DataLoader {
      override async *epoch(epoch: number, start = 0): AsyncGenerator<Sample> {
        for await (const [x] of super.epoch(epoch, start)) yield [x, x];
      }
    }
    expect(await groups(new DataLoader(slow, { batchSize: 2 }), 0, 2)).toEqual([]);
    expect(await groups(new Doubled(inMemory, { batchSize: 2 }), 0, 2)).toEqual([]);
  });

  it('gives nothing where batches are changed or read one by one', async () => {
    const changed = new DataLoader(counting(8), { batchSize: 2, transform: (batch) => batch });
    const single: Dataset = { length: 8, get: sampleOf };
    expect(await groups(changed, 0, 2)).toEqual([]);
    expect(await groups(new DataLoader(single, { batchSize: 2 }), 0, 2)).toEqual([]);
  });
});
