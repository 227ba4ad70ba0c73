import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { DataError, UnsupportedError } from '#core';
import { PickleMachine } from './pickle-machine.ts';
import type { PytorchOptions } from './pytorch.ts';
import { readWeights } from './read-weights.ts';
import { TorchObjects } from './torch-objects.ts';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface ZipPart {
  name: string;
  data: Buffer;
  /** What the directory claims. */
  size?: number;
  method?: number;
  packed?: Buffer;
  /** Packed bytes that are claimed. */
  claim?: number;
  /** Points at this entry's bytes instead of its own. */
  offset?: number;
  flags?: number;
}

/** A zip archive written by hand, lies included. */
function zip(parts: ZipPart[], claimedEntries = parts.length): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let position = 0;
  for (const {
    name,
    data,
    size = data.length,
    method = 0,
    packed = data,
    claim,
    offset,
    flags = 0,
  } of parts) {
    const bytes = Buffer.from(name);
    const header = Buffer.alloc(26);
    header.writeUInt16LE(20, 0);
    header.writeUInt16LE(flags, 2);
    header.writeUInt16LE(method, 4);
    header.writeUInt32LE(crc32(data), 10);
    header.writeUInt32LE(claim ?? packed.length, 14);
    header.writeUInt32LE(size, 18);
    header.writeUInt16LE(bytes.length, 22);
    locals.push(Buffer.from('PK\x03\x04', 'latin1'), header, bytes, packed);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset ?? position, 10);
    central.push(
      Buffer.from('PK\x01\x02\x14\x00', 'latin1'),
      header,
      Buffer.alloc(2),
      tail.subarray(2),
      bytes,
    );
    position += 30 + bytes.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(claimedEntries, 8);
  end.writeUInt16LE(claimedEntries, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(position, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** Pieces of a pickle: texts are opcodes and lines, as in `pickletools.dis`. */
const pickle = (...pieces: (string | number | Buffer)[]) =>
  Buffer.concat(
    pieces.map((piece) =>
      typeof piece === 'number'
        ? Buffer.from([piece])
        : typeof piece === 'string'
          ? Buffer.from(piece, 'latin1')
          : piece,
    ),
  );
const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const text = (value: string) => pickle('X', uint32(Buffer.byteLength(value)), Buffer.from(value));
const int = (value: number | bigint) => pickle(`L${value}L\n`);
const tuple = (...items: Buffer[]) => pickle('(', ...items, 't');
const storage = (count: number | bigint | Buffer, type = 'FloatStorage', key = '0') =>
  pickle(
    tuple(
      text('storage'),
      pickle(`ctorch\n${type}\n`),
      text(key),
      text('cpu'),
      Buffer.isBuffer(count) ? count : int(count),
    ),
    'Q',
  );
const tensor = (from: Buffer, offset: bigint | number, shape: Buffer[], strides: Buffer[]) =>
  pickle(
    'ctorch._utils\n_rebuild_tensor_v2\n',
    tuple(from, int(offset), tuple(...shape), tuple(...strides), pickle(0x89), pickle('}')),
    'R',
  );
const stateDict = (value: Buffer) => pickle(0x80, 2, '}', text('w'), value, 's.');
const valid = stateDict(tensor(storage(2), 0, [int(2)], [int(1)]));
const data = (key = '0', bytes = 8): ZipPart => ({ name: `m/data/${key}`, data: Buffer.alloc(bytes) });
const archive = (pickled: Buffer, ...more: ZipPart[]) =>
  zip([{ name: 'm/data.pkl', data: pickled }, data(), ...more]);

let files = 0;
async function outcomeOf(bytes: Uint8Array, options: PytorchOptions = {}): Promise<unknown> {
  const path = join(folder, `file-${files++}.pt`);
  writeFileSync(path, bytes);
  return readWeights(path, options).catch((error: unknown) => error);
}
async function expectRefusal(bytes: Uint8Array, message: RegExp, options?: PytorchOptions) {
  const outcome = await outcomeOf(bytes, options);
  expect(outcome).toBeInstanceOf(DataError);
  expect((outcome as Error).message).toMatch(message);
}

it('the archives of these tests are sound when nothing is changed', async () => {
  expect(await outcomeOf(archive(valid))).toMatchObject({ format: 'pytorch-zip' });
});

describe('a pickle that would run code', () => {
  const marker = join(folder, 'ran');
  const command = text(`touch ${marker}`);
  const calls: [string, Buffer][] = [
    ['os.system through REDUCE', pickle('cos\nsystem\n', command, 0x85, 'R')],
    ['posix.system by STACK_GLOBAL', pickle(text('posix'), text('system'), 0x93, command, 0x85, 'R')],
    ['builtins.eval through INST', pickle('(', command, 'ibuiltins\neval\n')],
    ['subprocess.Popen through OBJ', pickle('(csubprocess\nPopen\n', command, 'o')],
    ['a class through NEWOBJ', pickle('cos\nsystem\n', command, 0x85, 0x81)],
    ['a class through NEWOBJ_EX', pickle('cos\nsystem\n', command, 0x85, '}', 0x92)],
    ['a name of JavaScript', pickle('cconstructor\nconstructor\n', text('throw 1'), 0x85, 'R')],
  ];
  it.each(calls)('is refused: %s', async (_, call) => {
    await expectRefusal(archive(stateDict(call)), /has an object of [\w.]+ at byte \d+, which was not run/);
  });
  it.each(calls)('is an inert record where records are allowed: %s', async (_, call) => {
    await expectRefusal(archive(stateDict(call)), /holds none where they are looked for/, {
      allowRecords: true,
    });
    expect(() => readFileSync(marker)).toThrow(/ENOENT/);
  });
  it('cannot get at what a record "returns"', async () => {
    const call = pickle(
      'cbuiltins\ngetattr\n',
      tuple(pickle('cos\nsystem\n'), text('x')),
      'R',
      command,
      0x85,
      'R',
    );
    await expectRefusal(archive(stateDict(call)), /holds none/, { allowRecords: true });
  });
  it('cannot change prototypes', async () => {
    const pairs = pickle(text('__proto__'), '}', text('polluted'), 'I01\n', 's');
    const held = pickle(0x80, 2, '}(', pairs, text('w'), tensor(storage(2), 0, [int(2)], [int(1)]), 'u.');
    await outcomeOf(archive(held));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('a malformed pickle', () => {
  /** Deeper than the call stack of whoever would make a text of it. */
  const nest = pickle(']'.repeat(20_000), 'a'.repeat(19_999));
  it.each<[string, Buffer, RegExp]>([
    ['an unknown opcode', pickle(0x80, 2, 0xff), /has 0xff at byte 2/],
    ['an extension opcode', pickle(0x80, 2, 0x82, 1, '.'), /has 0x82 at byte 2/],
    ['an out-of-band buffer', pickle(0x80, 5, 0x97, '.'), /has 0x97 at byte 2/],
    ['a future protocol', pickle(0x80, 9, 'N.'), /protocol 9/],
    ['no end', pickle(0x80, 2, 'N'), /1 bytes are needed and 0 are left/],
    ['an empty stack', pickle('.'), /the stack is empty/],
    ['no mark', pickle('t.'), /there is no mark/],
    ['a missing memo', pickle('h', 7, '.'), /memo 7 is not set/],
    ['a text longer than the file', pickle('X', uint32(2 ** 32 - 1)), /4294967295 bytes are needed/],
    ['a text of 2^63 bytes', pickle(0x8d, uint32(0), uint32(2 ** 31)), /bytes are needed/],
    ['bytes of negative length', pickle('T', uint32(2 ** 32 - 1)), /-1 bytes are needed/],
    ['an integer of negative length', pickle(0x8b, uint32(2 ** 32 - 1)), /-1 bytes are needed/],
    ['an endless integer', pickle(0x8b, uint32(5000), Buffer.alloc(5000), '.'), /longer than 1024/],
    ['endless digits', pickle('L', '9'.repeat(5000), '\n.'), /is no integer/],
    ['a line without end', pickle('I123'), /does not end/],
    ['items for a number', pickle('K', 1, 'Na.'), /no list or set/],
    ['a key without a value', pickle('}(Nu.'), /a key has no value/],
    ['arguments that are no tuple', pickle('ccollections\nOrderedDict\nNR.'), /no tuple/],
    ['a dict of numbers', pickle('ccollections\nOrderedDict\n](K', 1, 'e', 0x85, 'R.'), /not made of pairs/],
    ['a persistent id of no kind', pickle('NQ.'), /names no storage/],
    ['a device without a name', pickle('ctorch\ndevice\n', nest, 0x85, 'R.'), /a device has no name/],
    ['a device that is a nest', pickle('ctorch\ndevice\n', text('cuda'), nest, 0x86, 'R.'), /has no name/],
    ['a storage counted by a nest', stateDict(storage(nest)), /storage 0 has no number of elements/],
  ])('is refused: %s', (_, bytes, message) => expectRefusal(archive(bytes), message));

  it('is refused when it needs too much stack, memo, work or too many objects', () => {
    const limits = { bytes: 1e6, operations: 50_000, stack: 1000, memo: 500, objects: 2000 };
    const run = (bytes: Buffer) => () =>
      new PickleMachine('f', bytes, new TorchObjects('f', true, () => undefined), limits).run();
    expect(run(pickle('N'.repeat(1000), '.'))()).toBeNull();
    expect(run(pickle('N'.repeat(1001), '.'))).toThrow(
      /may use 1000 for its stack, but "f" goes beyond at byte 1001/,
    );
    expect(run(pickle('('.repeat(1001)))).toThrow(/for its stack/);
    expect(run(pickle(']', '}a'.repeat(2000), '.'))).toThrow(/for its objects/);
    expect(run(pickle('N0'.repeat(30_000), 'N.'))).toThrow(/for its operations/);
    // A list of 900, copied again and again by a few bytes each.
    const copy = pickle('c__builtin__\nset\nh', 0, 0x85, 'R0').toString('latin1');
    expect(run(pickle('](', 'N'.repeat(900), 'eq', 0, copy, '.'))()).toHaveLength(900);
    expect(run(pickle('](', 'N'.repeat(900), 'eq', 0, copy.repeat(3), '.'))).toThrow(/for its objects/);
    const puts = Array.from({ length: 501 }, (_, i) => pickle('r', uint32(i)));
    expect(run(pickle('N', ...puts, '.'))).toThrow(/for its memo/);
    expect(run(pickle('N', ...puts.slice(1), '.'))()).toBeNull();
  });

  it('is refused when it nests too deep or in itself', async () => {
    const deep = pickle(0x80, 2, ']'.repeat(5000), 'a'.repeat(4999), '.');
    await expectRefusal(archive(deep), /at most 100 levels/);
    const cyclic = pickle(0x80, 2, ']q', 0, 'h', 0, 'a.');
    await expectRefusal(archive(cyclic), /at most 100 levels/);
  });

  it('is refused when references double again and again', async () => {
    // list k holds list k − 1 twice: 2^60 ways to the innermost.
    const levels = Array.from({ length: 60 }, (_, k) => pickle('](h', k, 'h', k, 'eq', k + 1));
    const w = tensor(storage(2), 0, [int(2)], [int(1)]);
    await expectRefusal(archive(pickle(0x80, 2, w, 'q', 0, ...levels, '.')), /300000 nodes/);
    await expectRefusal(archive(pickle(0x80, 2, 'Nq', 0, ...levels, '.')), /300000 nodes|holds none/);
    await expectRefusal(archive(pickle(0x80, 2, ']q', 0, ...levels, '.')), /300000 nodes/);
  });

  it('is refused when long names multiply', async () => {
    // 2^14 tensors, with names of 14 × 20,000 characters each.
    const [a, b] = ['a', 'b'].map((letter) => text(letter.repeat(20_000)));
    const levels = Array.from({ length: 14 }, (_, k) => pickle('}(', a, 'h', k, b, 'h', k, 'uq', k + 1));
    const w = tensor(storage(2), 0, [int(2)], [int(1)]);
    await expectRefusal(archive(pickle(0x80, 2, w, 'q', 0, ...levels, '.')), /may take 67108864 characters/);
  });
});

describe('a tensor that is not in its storage', () => {
  const huge = 2n ** 62n;
  const cases: [string, Buffer, RegExp][] = [
    [
      'a storage larger than its entry',
      tensor(storage(1_000_000_000), 0, [int(1)], [int(1)]),
      /declares 4000000000 bytes and has 8/,
    ],
    [
      'a storage of 2^62 elements',
      tensor(storage(huge), 0, [int(1)], [int(1)]),
      /has 4611686018427387904 elements/,
    ],
    ['a negative storage', tensor(storage(-1), 0, [int(1)], [int(1)]), /has -1 elements/],
    [
      'a storage that is not there',
      tensor(storage(2, 'FloatStorage', '../x'), 0, [int(1)], [int(1)]),
      /not in the archive/,
    ],
    ['a shape too large', tensor(storage(2), 0, [int(3)], [int(1)]), /leaves its storage of 2/],
    ['an offset too large', tensor(storage(2), 1, [int(2)], [int(1)]), /leaves its storage/],
    ['a negative offset', tensor(storage(2), -1, [int(1)], [int(1)]), /no storage/],
    ['a stride too large', tensor(storage(2), 0, [int(2)], [int(2)]), /leaves its storage/],
    ['a negative stride', tensor(storage(2), 1, [int(2)], [int(-1)]), /no whole numbers/],
    ['a negative size', tensor(storage(2), 0, [int(-2), int(-1)], [int(1), int(1)]), /no whole numbers/],
    [
      'sizes that overflow',
      tensor(storage(2), 0, [int(2 ** 40), int(2 ** 40)], [int(0), int(0)]),
      /leaves its storage/,
    ],
    [
      'strides that overflow',
      tensor(storage(2), 0, [int(2 ** 52), int(2)], [int(2 ** 52), int(1)]),
      /leaves its storage/,
    ],
    ['an expanded giant', tensor(storage(2), 0, [int(2 ** 40)], [int(0)]), /Raise maxBytes/],
    ['fewer strides than sizes', tensor(storage(2), 0, [int(2)], []), /no whole numbers/],
  ];
  it.each(cases)('is refused: %s', (_, value, message) => expectRefusal(archive(stateDict(value)), message));

  it('is refused when many views of one storage add up', async () => {
    const view = tensor(storage(2), 0, [int(2 ** 20)], [int(0)]);
    const views = Array.from({ length: 40 }, (_, i) => pickle(text(`w${i}`), view));
    await expectRefusal(archive(pickle(0x80, 2, '}(', ...views, 'u.')), /Raise maxBytes/);
  });

  it('has elements of a kind that is not supported', async () => {
    const outcome = await outcomeOf(archive(stateDict(tensor(storage(1, 'ComplexFloatStorage'), 0, [], []))));
    expect(outcome).toBeInstanceOf(UnsupportedError);
    expect((outcome as Error).message).toMatch(/has a torch\.ComplexFloatStorage/);
  });
});

describe('a hostile archive', () => {
  const bomb = Buffer.alloc(1_000_000);
  const main: ZipPart = { name: 'm/data.pkl', data: valid };
  const cases: [string, Buffer, RegExp][] = [
    [
      'a zip bomb',
      zip([main, { ...data(), data: bomb, method: 8, packed: deflateRawSync(bomb) }]),
      /would grow from \d+ to 1000000 bytes/,
    ],
    [
      'an entry that claims more than it has',
      zip([main, { ...data(), size: 2 ** 31, claim: 2 ** 31 }]),
      /declare more bytes than the file has/,
    ],
    [
      'an entry that inflates beyond its claim',
      zip([{ ...main, method: 8, packed: deflateRawSync(Buffer.concat([valid, bomb])) }, data()]),
      /cannot be inflated to \d+ bytes/,
    ],
    [
      'entries that share their bytes',
      zip([
        main,
        data(),
        ...Array.from({ length: 50 }, (_, i) => ({
          ...data(`${i + 1}`, 400),
          packed: Buffer.alloc(0),
          claim: 400,
          offset: 0,
        })),
      ]),
      /declare more bytes than the file has/,
    ],
    [
      'a name that climbs',
      archive(valid, { name: 'm/data/../../x', data: Buffer.alloc(1) }),
      /invalid relative path|\.\./,
    ],
    ['an absolute name', archive(valid, { name: '/etc/x', data: Buffer.alloc(1) }), /absolute path/],
    ['a name of another drive', archive(valid, { name: 'C:/x', data: Buffer.alloc(1) }), /absolute path/],
    [
      'a name with backslashes',
      archive(valid, { name: 'm\\x', data: Buffer.alloc(1) }),
      /holds|invalid characters|\\\\/,
    ],
    ['a repeated name', archive(valid, data()), /"m\/data\/0" appears twice/],
    ['an encrypted entry', zip([main, { ...data(), flags: 1, packed: Buffer.alloc(20) }]), /is encrypted/],
    ['another packing', zip([main, { ...data(), method: 14 }]), /packed by method 14/],
    ['no pickle', zip([data()]), /holds NAME\/data\.pkl/],
    ['a directory that ends early', zip([main, data()], 5), /must hold \d+ bytes, but it ends/],
    ['no directory', archive(valid).subarray(0, 40), /sound zip archive/],
  ];
  it.each(cases)('is refused: %s', (_, bytes, message) => expectRefusal(bytes, message));

  it('is refused when a byte of the elements has changed', async () => {
    const bytes = archive(valid);
    bytes[bytes.indexOf('m/data/0') + 'm/data/0'.length] ^= 1;
    await expectRefusal(bytes, /checksum of its entry "m\/data\/0"/);
  });

  it('is refused when the elements are big-endian, and TorchScript is named', async () => {
    const order = (value: string) => archive(valid, { name: 'm/byteorder', data: Buffer.from(value) });
    expect(await outcomeOf(order('little'))).toMatchObject({ format: 'pytorch-zip' });
    expect(await outcomeOf(order('big'))).toBeInstanceOf(UnsupportedError);
    const script = await outcomeOf(archive(valid, { name: 'm/constants.pkl', data: Buffer.alloc(1) }));
    expect((script as Error).message).toMatch(/TorchScript/);
  });

  it('may be deflated with an honest ratio', async () => {
    expect(
      await outcomeOf(zip([{ ...main, method: 8, packed: deflateRawSync(valid) }, data()])),
    ).toMatchObject({
      format: 'pytorch-zip',
    });
  });
});

describe('a legacy file', () => {
  const legacy = readFileSync('test/fixtures/weights/dtypes-legacy.pth');
  it('is refused when it is cut anywhere', async () => {
    for (let length = 0; length < legacy.length; length += 97) {
      const outcome = await outcomeOf(legacy.subarray(0, length));
      expect(outcome, `${length} bytes`).toBeInstanceOf(DataError);
    }
  });
  it('is refused when it has another beginning', () => expectRefusal(pickle(0x80, 2, 'N.'), /magic number/));
});

describe('damaged files of every form', () => {
  const names = [
    'dtypes-protocol2.pth',
    'dtypes-protocol4.pth',
    'dtypes-legacy.pth',
    'views.pth',
    'module.pth',
    'checkpoint.pth',
  ];
  it.each(names)('give weights or an error of ours, never another: %s', async (name) => {
    const original = readFileSync(`test/fixtures/weights/${name}`);
    const change = fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 5 }), async (changes) => {
        const bytes = Buffer.from(original);
        for (const [at, mask] of changes) bytes[at] ^= mask;
        const outcome = await outcomeOf(bytes, { allowRecords: true });
        if (
          outcome instanceof Error &&
          !(outcome instanceof DataError || outcome instanceof UnsupportedError)
        )
          throw outcome;
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it('give weights or an error of ours when the pickle alone is damaged', () => {
    const original = stateDict(tensor(storage(2), 0, [int(2)], [int(1)]));
    const change = fc.tuple(fc.nat(original.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
        const bytes = Buffer.from(original);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          new PickleMachine('f', bytes, new TorchObjects('f', true, () => undefined)).run();
        } catch (error) {
          if (!(error instanceof DataError || error instanceof UnsupportedError)) throw error;
        }
      }),
      { seed: 6, numRuns: 5000 },
    );
  });
});
