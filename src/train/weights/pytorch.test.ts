import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '#core';
import { readPytorch } from './pytorch.ts';
import { readWeights } from './read-weights.ts';
import type { StateDict } from './state-dict.ts';

const fixtures = 'test/fixtures/weights';
type Expected = { key: string; dtype: string; shape: number[]; values: number[] }[];
const expected = JSON.parse(readFileSync(`${fixtures}/expected.json`, 'utf8')) as Record<string, Expected>;
const dtypes: Record<string, string> = {
  float16: 'float32',
  bfloat16: 'float32',
  int16: 'int32',
  int8: 'int32',
};

/** Tensors as the fixture script wrote them down. */
function asExpected(state: StateDict) {
  return [...state].map(([key, { dtype, shape, data }]) => ({
    key,
    dtype: dtype as string,
    shape: [...shape],
    values: Array.from(data as ArrayLike<number | bigint>, Number),
  }));
}
const wanted = (name: string) =>
  expected[name].map(({ dtype, ...rest }) => ({ ...rest, dtype: dtypes[dtype] ?? dtype }));

describe('readPytorch on files of PyTorch 1.13', () => {
  it.each(Object.keys(expected).filter((name) => !/:|module/.test(name)))(
    'reads %s as PyTorch does',
    async (name) => {
      const { state, format } = await readPytorch(`${fixtures}/${name}`);
      expect(asExpected(state)).toEqual(wanted(name));
      expect(format).toBe(name.includes('legacy') ? 'pytorch-legacy' : 'pytorch-zip');
    },
  );

  it.each(['module.pth', 'module-legacy.pth', 'module-half-nested.pth'])(
    'reads the state dict of a module pickled whole: %s',
    async (name) => {
      const { state } = await readPytorch(`${fixtures}/${name}`, { allowRecords: true });
      expect(asExpected(state)).toEqual(wanted(name));
    },
  );

  it('refuses a pickled module unless records are allowed, and names its class', async () => {
    await expect(readPytorch(`${fixtures}/module.pth`)).rejects.toThrow(
      /module\.pth" has an object of __main__\.Customize_Model at byte \d+, which was not run/,
    );
  });

  it('takes the moving average when asked', async () => {
    const path = `${fixtures}/module-half-nested.pth`;
    const { state, metadata } = await readPytorch(path, { allowRecords: true, preferEma: true });
    expect(asExpected(state)).toEqual(wanted('module-half-nested.pth:ema'));
    expect(metadata).toEqual({ epoch: 3, date: '2020-01-01' });
  });

  it('gives the plain values of a checkpoint beside its state dict', async () => {
    const { metadata } = await readWeights(`${fixtures}/checkpoint.pth`);
    expect(metadata).toMatchObject({
      epoch: 7,
      best: 0.5,
      big: 2n ** 60n,
      args: { lr: 0.01, sizes: [1, 2] },
      size: [2, 3],
      device: 'cpu',
      dtype: 'torch.float16',
      raw: new Uint8Array([0, 255]),
      tags: ['x'],
    });
  });

  it('keeps half precision when asked, as bit patterns', async () => {
    const { state } = await readPytorch(`${fixtures}/dtypes-protocol2.pth`, { half: 'float16' });
    const half = state.get('float16') as HostTensor<'float16'>;
    // 0.5 = 2^-1 has the exponent field 14; -65504 is the largest half; 6e-8 is one step of 2^-24.
    expect(half).toEqual({ dtype: 'float16', shape: [3], data: new Uint16Array([0x3800, 0xfbff, 1]) });
    expect(state.get('bfloat16')?.data).toEqual(new Uint16Array([0x3c00, 0xc248, 0x7c00]));
  });

  it('gives tensors that share a storage memory of their own', async () => {
    const { state } = await readPytorch(`${fixtures}/views.pth`);
    (state.get('whole') as HostTensor<'float32'>).data.fill(9);
    expect(Array.from(state.get('row')?.data as Float32Array)).toEqual([4, 5, 6, 7]);
  });

  it('tells formats by content', async () => {
    const { format } = await readWeights(`${fixtures}/dtypes-legacy.pth`);
    expect(format).toBe('pytorch-legacy');
    await expect(readWeights(`${fixtures}/make-fixtures.py`)).rejects.toThrow(/make-fixtures\.py/);
  });
});

const shared = resolve('../shared/fixtures/effnet');
describe.skipIf(!existsSync(shared))(`checkpoints of whole models (needs ${shared})`, () => {
  it('reads a small checkpoint with the sums that PyTorch gives', async () => {
    const sums = JSON.parse(readFileSync(`${shared}/small_expected.json`, 'utf8')) as Record<
      string,
      { shape: number[]; dtype: string; sum: number }
    >;
    const { state } = await readWeights(`${shared}/small_zip.pth`);
    expect([...state.keys()].sort()).toEqual(Object.keys(sums).sort());
    for (const [key, { shape, dtype, sum }] of Object.entries(sums)) {
      const tensor = state.get(key)!;
      expect(tensor.shape).toEqual(shape);
      expect(`torch.${tensor.dtype}`).toBe(dtype);
      const values = Array.from(tensor.data as ArrayLike<number | bigint>, Number);
      expect(values.reduce((total, value) => total + value, 0)).toBeCloseTo(sum, 6);
    }
  });

  it('reads the state dict of EfficientNet-B0 with the names and shapes of its description', async () => {
    const meta = readFileSync(`${shared}/meta.json`, 'utf8');
    const { state } = await readWeights(`${shared}/tf_efficientnet_b0_random_state.pth`);
    for (const key of state.keys()) expect(meta).toContain(`"${key}"`);
    expect(state.get('classifier.weight')?.shape).toEqual([264, 1280]);
    expect(state.size).toBe(360);
  });
});
