import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createArray, DataError, type DType, type HostTensor, RuntimeFailure } from '#core';
import { readIdx, writeIdx } from './idx.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idx-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Two rows of three bytes, as the format lays them out. */
const small = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255];

async function file(name: string, bytes: Uint8Array | readonly number[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, Uint8Array.from(bytes));
  return path;
}

async function faultOf(path: string, options?: { maxBytes: number }): Promise<DataError> {
  const error = await readIdx(path, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DataError);
  expect((error as DataError).details['file']).toBe(path);
  expect((error as DataError).message).toContain(path);
  return error as DataError;
}

describe('readIdx', () => {
  it('reads the shape and the bytes of a plain file', async () => {
    const tensor = await readIdx(await file('small', small));
    expect(tensor).toEqual({ dtype: 'uint8', shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 255) });
  });

  it('reads a gzip file whatever its name', async () => {
    const tensor = await readIdx(await file('packed', gzipSync(Uint8Array.from(small))));
    expect(tensor.data).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 255));
  });

  // 0x3fc00000 is 1.5; -2 has the bytes ff fe in 16 bits.
  it.each([
    ['int8', 9, [0xfe], 'int32', -2],
    ['int16', 11, [0xff, 0xfe], 'int32', -2],
    ['int32', 12, [0xff, 0xff, 0xff, 0xfe], 'int32', -2],
    ['float32', 13, [0x3f, 0xc0, 0, 0], 'float32', 1.5],
    ['float64', 14, [0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 'float64', 1.5],
  ] as const)('reads big-endian %s', async (name, code, bytes, dtype, value) => {
    const tensor = await readIdx(await file(name, [0, 0, code, 1, 0, 0, 0, 1, ...bytes]));
    expect([tensor.dtype, Array.from(tensor.data, Number)]).toEqual([dtype, [value]]);
  });

  it('reads a scalar and an empty axis', async () => {
    expect(await readIdx(await file('scalar', [0, 0, 8, 0, 7]))).toMatchObject({
      shape: [],
      data: Uint8Array.of(7),
    });
    const empty = [0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0];
    expect((await readIdx(await file('empty-axis', empty))).data).toHaveLength(0);
  });

  it('names the file and the first bytes when the magic number is wrong', async () => {
    expect((await faultOf(await file('png', [0x89, 0x50, 0x4e, 0x47]))).message).toContain('89 50 4e 47');
    expect((await faultOf(await file('type', [0, 0, 10, 1, 0, 0, 0, 0]))).message).toContain('00 00 0a 01');
    expect((await faultOf(await file('nothing', []))).message).toContain('but got nothing');
    await faultOf(join(folder, 'missing'));
  });

  it('refuses files that end early or go on, plain or packed', async () => {
    const variants = { short: small.slice(0, -1), long: [...small, 0], header: small.slice(0, 10) };
    for (const [name, bytes] of Object.entries(variants)) {
      await faultOf(await file(name, bytes));
      await faultOf(await file(`${name}.gz`, gzipSync(Uint8Array.from(bytes))));
    }
    const path = await file('cut.gz', gzipSync(Uint8Array.from(small)));
    await truncate(path, 20);
    expect((await faultOf(path)).message).toContain('gzip stream must be whole');
  });

  it('refuses huge declared sizes before it takes memory for them', async () => {
    const huge = [0, 0, 14, 3, ...Array<number>(12).fill(255)];
    expect((await faultOf(await file('huge', huge))).message).toContain('the size may be');
    expect((await faultOf(await file('huge.gz', gzipSync(Uint8Array.from(huge))))).message).toContain(
      'the size may be',
    );
    expect((await faultOf(await file('limited', small), { maxBytes: 17 })).message).toContain('17 bytes');
  });

  it('stops unpacking a bomb at the size that its header declares', async () => {
    const bomb = new Uint8Array(16 * 2 ** 20);
    bomb.set(small);
    const path = await file('bomb.gz', gzipSync(bomb));
    expect((await faultOf(path)).message).toContain('takes 18 bytes with its header, but got more');
  });
});

describe('writeIdx', () => {
  it('writes what readIdx reads, for any shape and type, plain and packed', async () => {
    const tensors = fc
      .tuple(
        fc.constantFrom<DType>('uint8', 'int32', 'float32', 'float64'),
        fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
        fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 256, maxLength: 256 }),
        fc.boolean(),
      )
      .map(([dtype, shape, values, isPacked]) => {
        const data = createArray(
          dtype,
          shape.reduce((a, b) => a * b, 1),
        ) as Float32Array;
        const sign = dtype === 'uint8' ? 1 : -1.5;
        data.forEach((_, i) => {
          data[i] = values[i] * sign;
        });
        return { tensor: { dtype, shape, data } as HostTensor, name: isPacked ? 'any.gz' : 'any' };
      });
    await fc.assert(
      fc.asyncProperty(tensors, async ({ tensor, name }) => {
        const path = join(folder, name);
        await writeIdx(path, tensor);
        expect(await readIdx(path)).toEqual(tensor);
      }),
      { numRuns: 60 },
    );
  });

  it('lays bytes out as the format says, and packs by the name', async () => {
    const path = join(folder, 'out.gz');
    await writeIdx(path, { dtype: 'uint8', shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 255) });
    expect([...gunzipSync(await readFile(path))]).toEqual(small);
  });

  it('refuses types that the format does not have, other sizes, and folders that are not there', async () => {
    const long: HostTensor = { dtype: 'int64', shape: [1], data: BigInt64Array.of(1n) };
    await expect(writeIdx(join(folder, 'a'), long)).rejects.toThrow('of int64 for [1]');
    const wrong: HostTensor = { dtype: 'uint8', shape: [3], data: Uint8Array.of(1) };
    await expect(writeIdx(join(folder, 'a'), wrong)).rejects.toThrow(DataError);
    const good: HostTensor = { dtype: 'uint8', shape: [1], data: Uint8Array.of(1) };
    await expect(writeIdx(join(folder, 'none', 'a'), good)).rejects.toThrow(RuntimeFailure);
  });
});
