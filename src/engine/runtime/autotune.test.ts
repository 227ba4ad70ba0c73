import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as build from '../ir/build.ts';
import type { Target } from '../ir/op-rule.ts';
import type { Value } from '../ir/value.ts';
import { applicableLowerings, selectLowering } from '../onnx/select-lowering.ts';
import { autotune } from './autotune.ts';
import { createTarget } from './devices.ts';
import { Plan } from './plan.ts';
import type { TuningCache } from './tuning-cache.ts';

const root = mkdtempSync(join(tmpdir(), 'trainyard-tuning-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folder: string;
const before = process.env['TRAINYARD_CACHE'];
beforeEach(() => {
  folder = join(mkdtempSync(join(root, 'case-')), 'cache');
  process.env['TRAINYARD_CACHE'] = folder;
});
afterEach(() => {
  if (before === undefined) delete process.env['TRAINYARD_CACHE'];
  else process.env['TRAINYARD_CACHE'] = before;
});

/** The cache of a process that has just begun: the module keeps one, so it is loaded anew. */
async function openCache(): Promise<TuningCache> {
  vi.resetModules();
  const { sharedTuningCache } = await import('./tuning-cache.ts');
  return sharedTuningCache();
}

/** Counts what is measured: every measurement sets its choice. */
function counting(cache: TuningCache): TuningCache & { readonly measured: string[] } {
  const measured: string[] = [];
  return {
    measured,
    get: (key) => cache.get(key),
    set: (key, lowering) => {
      measured.push(key);
      cache.set(key, lowering);
    },
    save: () => cache.save(),
  };
}

const imageShape = [4, 32, 24, 24];

/** A convolution of 3 × 3 with as many channels as it has. */
function convolve(x: Value, name: string): Value {
  const weight = build.input(name, 'float32', [32, 32, 3, 3]);
  return build.conv2d(x, weight, { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 });
}

const image = () => build.input('x', 'float32', imageShape);
const target = (): Promise<Target> => createTarget('cpu', 1);
const onlyFile = () => {
  const names = readdirSync(folder);
  expect(names).toEqual([expect.stringMatching(/^lowerings-\d+-[\w-]+\.json$/)]);
  return join(folder, names[0]);
};
const stored = () => JSON.parse(readFileSync(onlyFile(), 'utf8')) as Record<string, string>;

describe('autotune', () => {
  it('measures a convolution once, however often the graph has it, and writes the choice down', async () => {
    const y = convolve(build.relu(convolve(image(), 'w0')), 'w1');
    const cache = counting(await openCache());
    const choose = await autotune([y], { target: await target(), cache });
    expect(cache.measured).toHaveLength(1);
    const names = applicableLowerings(y.node, await target()).map(({ name }) => name);
    const chosen = choose(y.node, names);
    expect(names).toContain(chosen);
    expect(stored()).toEqual({ [cache.measured[0]]: chosen });
    expect(cache.measured[0]).toMatch(
      /^conv2d\(float32\[4, 32, 24, 24\], float32\[32, 32, 3, 3\]\) .* @ cpu 1 /,
    );
  });

  it('reads the choice back in another process without measuring', async () => {
    const y = convolve(image(), 'w');
    const options = { target: await target() };
    await autotune([y], { ...options, cache: await openCache() });
    const [[key, chosen]] = Object.entries(stored());
    // Whatever the file says is taken, the slower one too.
    const names = applicableLowerings(y.node, options.target).map(({ name }) => name);
    const other = names.find((name) => name !== chosen)!;
    writeFileSync(onlyFile(), JSON.stringify({ [key]: other }));
    const cache = counting(await openCache());
    const choose = await autotune([y], { ...options, cache });
    expect(cache.measured).toEqual([]);
    expect(choose(y.node, names)).toBe(other);
    expect(selectLowering(y.node, options.target, choose).name).toBe(other);
  });

  it('measures again for other shapes and another number of threads', async () => {
    const cache = counting(await openCache());
    const options = { target: await target(), cache };
    await autotune([convolve(image(), 'w')], options);
    await autotune([convolve(build.input('x', 'float32', [5, 32, 24, 24]), 'w')], options);
    await autotune([convolve(image(), 'w')], { ...options, target: await createTarget('cpu', 2) });
    expect(new Set(cache.measured).size).toBe(3);
  });

  it('leaves small convolutions and other ops to the estimate, without a file', async () => {
    const small = convolve(build.input('x', 'float32', [1, 32, 4, 4]), 'w');
    const product = build.matmul(
      build.input('a', 'float32', [256, 256]),
      build.input('b', 'float32', [256, 256]),
    );
    const cache = counting(await openCache());
    const choose = await autotune([small, product], { target: await target(), cache });
    expect(cache.measured).toEqual([]);
    expect([small, product].map(({ node }) => choose(node, ['any']))).toEqual([undefined, undefined]);
    expect(() => readdirSync(folder)).toThrow('ENOENT');
  });

  it('does not take a choice that is none of the lowerings', async () => {
    const y = convolve(image(), 'w');
    const cache: TuningCache = { get: () => 'gone', set: () => {}, save: () => {} };
    const choose = await autotune([y], { target: await target(), cache });
    expect(choose(y.node, ['taps', 'blocked'])).toBeUndefined();
  });

  it('gives a plan the results that it has without', async () => {
    const y = convolve(image(), 'w');
    const data = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i));
    const feeds = {
      x: { dtype: 'float32', shape: imageShape, data: data(4 * 32 * 24 * 24) },
      w: { dtype: 'float32', shape: [32, 32, 3, 3], data: data(32 * 32 * 9) },
    } as const;
    const choose = await autotune([y], { target: await target(), cache: await openCache() });
    const run = async (options: object) => {
      const plan = await Plan.create([y], new Map(), { threads: 1, ...options });
      const [result] = await plan.run(feeds);
      await plan.release();
      return Array.from(result.data as Float32Array);
    };
    const [tuned, plain] = [await run({ choose }), await run({})];
    expect(Math.max(...tuned.map((value, i) => Math.abs(value - plain[i])))).toBeLessThan(1e-4);
  });
});

describe('the cache of choices', () => {
  /** A file of the name that the cache has, made by a first one. */
  async function writeCache(text: string): Promise<void> {
    const cache = await openCache();
    cache.set('first', 'a');
    cache.save();
    writeFileSync(onlyFile(), text);
  }

  it.each([
    ['torn', '{\n "conv2d(float32[4, 32'],
    ['empty', ''],
    ['of another kind', '[1, 2]'],
    ['null', 'null'],
    ['with values that are no names', '{"first": 3, "second": {"name": "a"}}'],
  ])('passes over a file that is %s, and replaces it', async (_, text) => {
    await writeCache(text);
    const cache = await openCache();
    expect([cache.get('first'), cache.get('second')]).toEqual([undefined, undefined]);
    cache.set('third', 'b');
    cache.save();
    expect(stored()).toEqual({ third: 'b' });
    expect((await openCache()).get('third')).toBe('b');
  });

  it('keeps what another process wrote meanwhile', async () => {
    const [one, other] = [await openCache(), await openCache()];
    one.set('first', 'a');
    one.save();
    other.set('second', 'b');
    other.save();
    expect(stored()).toEqual({ first: 'a', second: 'b' });
  });

  it('writes nothing when nothing is new', async () => {
    const cache = await openCache();
    cache.save();
    expect(() => readdirSync(folder)).toThrow('ENOENT');
  });

  it('goes on without a file where none can be written', async () => {
    mkdirSync(join(folder, '..'), { recursive: true });
    writeFileSync(folder, 'a file where the folder should be');
    const cache = await openCache();
    cache.set('first', 'a');
    cache.save();
    expect(cache.get('first')).toBe('a');
    expect(readFileSync(folder, 'utf8')).toBe('a file where the folder should be');
  });
});
