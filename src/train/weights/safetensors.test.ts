import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError, type DType, hostTensor, RuntimeFailure, sizeOf, UnsupportedError } from '#core';
import { bfloatToFloat, floatToHalf, halfToFloat } from './half-floats.ts';
import { readWeights } from './read-weights.ts';
import { encodeSafetensors, parseSafetensors, readSafetensors, writeSafetensors } from './safetensors.ts';
import type { StateDict } from './state-dict.ts';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-safetensors-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const one = (values: number[]): StateDict =>
  new Map([['w', hostTensor('float32', new Float32Array(values))]]);

/** A file from a header written by hand. */
function file(header: unknown, data: number[] = []): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return new Uint8Array(Buffer.concat([length, json, Buffer.from(data)]));
}
const entry = (dtype: string, shape: unknown, start: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [start, end],
});
/** Lists deeper than the call stack of whoever would make a text of them. */
const nest = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

describe('safetensors', () => {
  it('lays out the bytes that the format describes', () => {
    const bytes = encodeSafetensors(one([1]));
    const json = '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    const padded = json.padEnd(56);
    expect(Buffer.from(bytes).toString('latin1')).toBe(`8${'\0'.repeat(7)}${padded}\0\0\x80\x3f`);
  });

  it('gives back what was written, for every element type and shape', () => {
    const tensor = fc
      .tuple(
        fc.constantFrom<DType>('float32', 'float16', 'float64', 'uint8', 'int32', 'int64', 'bool'),
        fc.array(fc.nat(3), { maxLength: 4 }),
        fc.nat(100),
      )
      .map(([dtype, shape, start]) => {
        const size = sizeOf(shape);
        const data = {
          float32: Float32Array,
          float16: Uint16Array,
          float64: Float64Array,
          uint8: Uint8Array,
          int32: Int32Array,
          bool: Uint8Array,
        };
        const values = Array.from({ length: size }, (_, i) => (dtype === 'bool' ? i % 2 : start + i));
        if (dtype === 'int64') return hostTensor('int64', BigInt64Array.from(values.map(BigInt)), shape);
        return hostTensor(dtype, data[dtype].from(values) as Float32Array, shape);
      });
    const states = fc.array(fc.tuple(fc.string({ unit: 'binary' }), tensor), { maxLength: 6 });
    fc.assert(
      fc.property(states, (pairs) => {
        const state: StateDict = new Map(
          pairs.filter(([key]) => key !== '__metadata__' && key.isWellFormed()),
        );
        const back = parseSafetensors(encodeSafetensors(state, { note: 'é' }), { half: 'float16' });
        expect([...back.state]).toEqual([...state]);
        expect(back.metadata).toEqual({ note: 'é' });
      }),
      { seed: 1, numRuns: 20 },
    );
  });

  it('keeps the order of the names, also of those that look like numbers', () => {
    const state: StateDict = new Map(
      ['b', '1', 'a', '0'].map((key) => [key, hostTensor('uint8', new Uint8Array(1))]),
    );
    expect([...parseSafetensors(encodeSafetensors(state)).state.keys()]).toEqual(['b', '1', 'a', '0']);
  });

  it('widens 16-bit floats to float32 and small integers to int32', () => {
    const data = [0x00, 0xc0, 0xc0, 0x3f, 0xfe, 0xff, 0x80, 0xff, 0xff];
    const { state } = parseSafetensors(
      file(
        {
          half: entry('F16', [1], 0, 2),
          brain: entry('BF16', [], 2, 4),
          short: entry('I16', [1], 4, 6),
          byte: entry('I8', [1, 1], 6, 7),
          unsigned: entry('U16', [1], 7, 9),
        },
        data,
      ),
    );
    expect(state.get('half')).toEqual(hostTensor('float32', new Float32Array([-2])));
    expect(state.get('brain')).toEqual(hostTensor('float32', new Float32Array([1.5]), []));
    expect(state.get('short')).toEqual(hostTensor('int32', new Int32Array([-2])));
    expect(state.get('byte')).toEqual(hostTensor('int32', new Int32Array([-128]), [1, 1]));
    expect(state.get('unsigned')).toEqual(hostTensor('int32', new Int32Array([65535])));
  });

  it('converts every half pattern to float and back', () => {
    const isKept = (bits: number) => {
      const value = halfToFloat(bits);
      const back = floatToHalf(value);
      return Number.isNaN(value) ? (back & 0x7fff) === 0x7e00 : back === bits;
    };
    expect(Array.from({ length: 65536 }, (_, bits) => bits).filter((bits) => !isKept(bits))).toEqual([]);
    // Ties go to the even neighbour: 1 + 2^-11 lies between 1 and 1 + 2^-10, 1 + 3·2^-11 above it.
    expect(floatToHalf(1 + 2 ** -11)).toBe(0x3c00);
    expect(floatToHalf(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(floatToHalf(65519.99)).toBe(0x7bff);
    expect(floatToHalf(65520)).toBe(0x7c00);
    expect(bfloatToFloat(0xff80)).toBe(Number.NEGATIVE_INFINITY);
  });

  it.each([
    ['an empty file', new Uint8Array(0), /only 0 bytes/],
    [
      'a header longer than the file',
      file('{}').map((byte, i) => (i === 0 ? 200 : byte)),
      /claims 200 bytes/,
    ],
    ['a huge header', new Uint8Array(16).fill(255), /claims 18446744073709551615 bytes/],
    ['a header that is not JSON', file('{"a":'), /not JSON/],
    ['a header that is a list', file('[]'), /not a JSON object/],
    [
      'a repeated key',
      file(
        '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        [1],
      ),
      /"a" appears twice/,
    ],
    ['offsets outside the file', file({ a: entry('U8', [9], 0, 9) }, [1]), /"a" has the offsets \[0,9\]/],
    ['negative offsets', file({ a: entry('U8', [1], -1, 0) }, [1]), /"a" has the offsets/],
    ['offsets backwards', file({ a: entry('U8', [0], 1, 0) }, [1]), /"a" has the offsets/],
    [
      'overlapping tensors',
      file({ a: entry('U8', [2], 0, 2), b: entry('U8', [2], 1, 3) }, [1, 2, 3]),
      /"b" overlaps/,
    ],
    ['a hole', file({ a: entry('U8', [1], 1, 2) }, [1, 2]), /1 bytes before "a"/],
    ['trailing bytes', file({ a: entry('U8', [1], 0, 1) }, [1, 2]), /last 1 bytes/],
    [
      'a shape that does not fit',
      file({ a: entry('F32', [2], 0, 4) }, [1, 2, 3, 4]),
      /"a" of F32 \[2\] takes 8 bytes/,
    ],
    [
      'a shape that overflows',
      file({ a: entry('F32', [2 ** 40, 2 ** 40, 2 ** 40], 0, 4) }, [1, 2, 3, 4]),
      /"a" of F32/,
    ],
    ['a negative size', file({ a: entry('U8', [-1, -1], 0, 1) }, [1]), /"a" has the shape/],
    [
      'a shape that is a nest',
      file(`{"a":{"dtype":"U8","shape":${nest},"data_offsets":[0,0]}}`),
      /"a" has the shape \["a nest"\]/,
    ],
    ['a fractional size', file({ a: entry('F32', [0.25], 0, 1) }, [1]), /"a" has the shape/],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }), /__metadata__/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseSafetensors(bytes)).toThrow(DataError);
    expect(() => parseSafetensors(bytes)).toThrow(message);
  });

  it('names an element type that it does not know', () => {
    const bytes = file({ a: entry('F8_E4M3', [1], 0, 1) }, [1]);
    expect(() => parseSafetensors(bytes)).toThrow(UnsupportedError);
    expect(() => parseSafetensors(bytes)).toThrow(/"a" of "bytes" has "F8_E4M3"/);
    const nested = file(`{"a":{"dtype":${nest},"shape":[],"data_offsets":[0,1]}}`, [1]);
    expect(() => parseSafetensors(nested)).toThrow(UnsupportedError);
  });

  it('refuses a file that takes more memory than allowed', () => {
    expect(() => parseSafetensors(encodeSafetensors(one([1, 2])), { maxBytes: 7 })).toThrow(/maxBytes/);
    expect(parseSafetensors(encodeSafetensors(one([1, 2])), { maxBytes: 8 }).state.size).toBe(1);
  });

  it('throws only its own errors on damaged bytes', () => {
    const valid = encodeSafetensors(
      new Map([...one([1, 2, 3]), ['b', hostTensor('int64', new BigInt64Array(2))]]),
      { a: 'b' },
    );
    const flips = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(flips, fc.nat(valid.length), (changes, cut) => {
        const bytes = valid.slice(0, cut % 3 === 0 ? cut : valid.length);
        for (const [at, mask] of changes) if (at < bytes.length) bytes[at] ^= mask;
        try {
          parseSafetensors(bytes);
        } catch (error) {
          expect(error instanceof DataError || error instanceof UnsupportedError).toBe(true);
        }
      }),
      { seed: 2, numRuns: 1000 },
    );
  });
});

describe('safetensors files', () => {
  it('reads what it wrote, and leaves no temporary file', async () => {
    const path = join(folder, 'a.safetensors');
    await writeSafetensors(path, one([1, 2]), { epoch: '3' });
    await writeSafetensors(path, one([3, 4]), { epoch: '4' });
    expect(await readSafetensors(path)).toEqual({
      state: one([3, 4]),
      metadata: { epoch: '4' },
      format: 'safetensors',
    });
    expect(readdirSync(folder)).toEqual(['a.safetensors']);
  });

  it('are told by their header, also when its length reads "PK" or begins a pickle', async () => {
    const path = join(folder, 'lengths.safetensors');
    const header = JSON.stringify({ w: entry('U8', [1], 0, 1) });
    for (const length of [0x4b50, 0x80]) {
      writeFileSync(path, file(header.padEnd(length), [7]));
      const { state, format } = await readWeights(path);
      expect([format, state.get('w')?.data]).toEqual(['safetensors', new Uint8Array([7])]);
    }
  });

  it('names a missing file, a folder and a truncated file', async () => {
    await expect(readSafetensors(join(folder, 'none'))).rejects.toThrow(/there is no such file/);
    await expect(readSafetensors(folder)).rejects.toThrow(DataError);
    const path = join(folder, 'cut.safetensors');
    writeFileSync(path, encodeSafetensors(one([1, 2])).slice(0, -1));
    await expect(readSafetensors(path)).rejects.toThrow(/cut\.safetensors.*"w" has the offsets/);
  });

  it('says that the folder is missing', async () => {
    await expect(writeSafetensors(join(folder, 'no', 'a.safetensors'), one([1]))).rejects.toThrow(
      /Create it first/,
    );
  });

  it('refuses the reserved name', async () => {
    const state: StateDict = new Map([['__metadata__', hostTensor('uint8', new Uint8Array(1))]]);
    await expect(writeSafetensors(join(folder, 'r'), state)).rejects.toThrow(/reserved/);
  });
});

const mount = mkdtempSync(join(tmpdir(), 'trainyard-small-disk-'));
function mountSmallDisk(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
const isMounted = mountSmallDisk();
afterAll(() => {
  if (isMounted) execFileSync('/usr/bin/umount', [mount]);
  rmSync(mount, { recursive: true, force: true });
});

describe.skipIf(!isMounted)('a disk of 64 KiB (needs the right to mount a tmpfs)', () => {
  const path = join(mount, 'model.safetensors');
  beforeAll(() => writeSafetensors(path, one([1, 2])));

  it('keeps the previous file when it is full, and says how much room was needed', async () => {
    const before = readFileSync(path);
    const big: StateDict = new Map([['w', hostTensor('float32', new Float32Array(40_000))]]);
    const failure = await writeSafetensors(path, big).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RuntimeFailure);
    expect((failure as Error).message).toMatch(/room for 160\d\d\d bytes.*model\.safetensors.*untouched/);
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(mount)).toEqual(['model.safetensors']);
    await writeSafetensors(path, one([5]));
    expect((await readSafetensors(path)).state).toEqual(one([5]));
  });

  it('says that a read-only disk is not writable, and keeps the file', async () => {
    execFileSync('/usr/bin/mount', ['-o', 'remount,ro', mount]);
    try {
      await expect(writeSafetensors(path, one([6]))).rejects.toThrow(/permission to write/);
      expect(existsSync(path)).toBe(true);
    } finally {
      execFileSync('/usr/bin/mount', ['-o', 'remount,rw', mount]);
    }
  });
});
