import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphError } from '#core';
import * as build from '../ir/build.ts';
import type { Variable } from '../ir/value.ts';
import { formatProfile, type Profile, profileGraph } from './profile.ts';

const shape = [32, 32];
const size = 32 * 32;

/** The line of this file that calls it. */
function here(): string {
  const caller = new Error().stack?.split('\n')[2] ?? '';
  return `src/engine/runtime/profile.test.ts:${/profile\.test\.ts:(\d+)/.exec(caller)?.[1]}`;
}

/** `product` = state · x is handed out, and state + tanh(x) · 2 becomes the state. */
function createGraph() {
  const state: Variable = { name: 'state', dtype: 'float32', shape, data: new Float32Array(size) };
  const x = build.input('x', 'float32', shape);
  const before = build.variable(state);
  const [product, productLine] = [build.matmul(before, x), here()];
  const [change, changeLine] = [build.mul(build.tanh(x), 2), here()];
  const [next, nextLine] = [build.add(before, change), here()];
  const feeds = { x: { dtype: 'float32', shape, data: new Float32Array(size).fill(20) } } as const;
  return { state, product, updates: new Map([[state, next]]), feeds, productLine, changeLine, nextLine };
}

const kernels = (entries: Profile['byOp'], name: string) =>
  entries.find((entry) => entry.name === name)?.kernels;
const total = (entries: Profile['byOp']) => entries.reduce((sum, { ms }) => sum + ms, 0);

describe('profileGraph', () => {
  const before = process.env['TMPDIR'];
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-profile-test-'));
  beforeAll(() => {
    process.env['TMPDIR'] = folder;
  });
  afterAll(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(folder, { recursive: true, force: true });
  });

  /** ONNX Runtime keeps files of its own beside. */
  const left = () => readdirSync(folder).filter((name) => name.startsWith('trainyard'));

  it('names the ops of a graph and the lines that made them', async () => {
    const { product, updates, feeds, productLine, changeLine, nextLine } = createGraph();
    const { byOp, byLine, totalMs } = await profileGraph([product], updates, feeds, { threads: 1 });
    expect(['matmul', 'tanh', 'mul', 'add'].map((op) => kernels(byOp, op))).toEqual([1, 1, 1, 1]);
    expect([productLine, changeLine, nextLine].map((line) => kernels(byLine, line))).toEqual([1, 2, 1]);
    for (const entries of [byOp, byLine]) {
      expect(total(entries)).toBeCloseTo(totalMs, 9);
      const times = entries.map(({ ms }) => ms);
      expect(times).toEqual(times.toSorted((a, b) => b - a));
    }
  });

  it('moves variables on, once more than the runs that count, and leaves no file', async () => {
    const { state, product, updates, feeds } = createGraph();
    await profileGraph([product], updates, feeds, { runs: 3 });
    // tanh(20) · 2 = 2 in float32, four times.
    expect(state.data).toEqual(new Float32Array(size).fill(8));
    expect(left()).toEqual([]);
  });

  it('refuses feeds that do not fit and leaves no file then either', async () => {
    const { product, updates } = createGraph();
    await expect(profileGraph([product], updates, {})).rejects.toThrow(GraphError);
    expect(left()).toEqual([]);
  });
});

describe('formatProfile', () => {
  const entry = (name: string, ms: number, count: number) => ({ name, ms, kernels: count });

  it('shows two tables with shares of the time', () => {
    const profile = {
      totalMs: 4,
      byOp: [entry('conv2d', 3, 2), entry('relu', 1, 12)],
      byLine: [entry('model.ts:41', 4, 14)],
    };
    expect(formatProfile(profile)).toBe(
      [
        '4.00 ms per step in kernels',
        'by op',
        '      3.000 ms  75 %     2 kernels  conv2d',
        '      1.000 ms  25 %    12 kernels  relu',
        'by line',
        '      4.000 ms 100 %    14 kernels  model.ts:41',
      ].join('\n'),
    );
  });

  it('leaves out what is beyond the number of lines asked for', () => {
    const byOp = [entry('conv2d', 3, 2), entry('relu', 1, 12)];
    const text = formatProfile({ totalMs: 4, byOp, byLine: [] }, 1);
    expect(text.split('\n').slice(1, -1)).toEqual(['by op', '      3.000 ms  75 %     2 kernels  conv2d']);
  });
});
