import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, DataError, type HostTensor, hostTensor } from '#core';
import { readWeights } from '../weights/read-weights.ts';
import { writeSafetensors } from '../weights/safetensors.ts';
import type { StateDict } from '../weights/state-dict.ts';
import { listCheckpoints, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { parseState, type StateValue, stringifyState } from './state-json.ts';

const root = mkdtempSync(join(tmpdir(), 'trainyard-checkpoint-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const tensors = (value: number): StateDict =>
  new Map<string, HostTensor>([
    ['weight', hostTensor('float32', new Float32Array([value, Number.NaN, -0]), [3, 1])],
    ['half', hostTensor('float16', new Uint16Array([0x3c00, 0x7e01]))],
    ['steps', hostTensor('int64', new BigInt64Array([2n ** 62n]), [])],
  ]);

describe('checkpoints', () => {
  it('come back bit for bit, with numbers that JSON lacks', async () => {
    const state = {
      step: 12,
      seed: 2n ** 63n,
      best: Number.NEGATIVE_INFINITY,
      loss: Number.NaN,
      $x: { $bigint: '1' },
    };
    const path = await writeCheckpoint(join(root, 'a.safetensors'), { tensors: tensors(1), state });
    const back = await readCheckpoint(path);
    expect(back.state).toEqual(state);
    expect([...back.tensors.keys()]).toEqual(['weight', 'half', 'steps']);
    for (const [key, tensor] of tensors(1)) {
      expect(back.tensors.get(key)).toEqual(tensor);
      expect(Buffer.from(back.tensors.get(key)!.data.buffer)).toEqual(Buffer.from(tensor.data.buffer));
    }
  });

  it('are safetensors files to everybody else', async () => {
    const path = await writeCheckpoint(join(root, 'b.safetensors'), { tensors: tensors(2), state: 1 });
    expect((await readWeights(path)).state.get('half')?.dtype).toBe('float32');
  });

  it('keep their number in a folder, and the newest is read', async () => {
    const folder = join(root, 'run', 'checkpoints');
    for (let step = 1; step <= 4; step++) {
      await writeCheckpoint(folder, { tensors: tensors(step), state: { step } }, { keep: 2 });
    }
    expect(await listCheckpoints(folder)).toEqual([
      'checkpoint-000003.safetensors',
      'checkpoint-000004.safetensors',
    ]);
    const { state, path } = await readCheckpoint(folder);
    expect(state).toEqual({ step: 4 });
    expect(path).toBe(join(folder, 'checkpoint-000004.safetensors'));
  });

  it('survive a writer killed half-way: the part is ignored, then removed', async () => {
    const folder = join(root, 'killed');
    const first = await writeCheckpoint(folder, { tensors: tensors(1), state: 1 });
    const bytes = readFileSync(first);
    writeFileSync(join(folder, '.checkpoint-000002.safetensors.some-id.tmp'), bytes.subarray(0, 50));
    expect((await readCheckpoint(folder)).state).toBe(1);
    await writeCheckpoint(folder, { tensors: tensors(2), state: 2 });
    expect(readdirSync(folder).sort()).toEqual([
      'checkpoint-000001.safetensors',
      'checkpoint-000002.safetensors',
    ]);
  });

  it('are refused when any byte has changed, and the one before is named', async () => {
    const folder = join(root, 'damaged');
    const first = await writeCheckpoint(folder, { tensors: tensors(1), state: { step: 1 } });
    const second = await writeCheckpoint(folder, { tensors: tensors(2), state: { step: 2 } });
    const valid = readFileSync(second);
    const at = fc.nat(valid.length - 1);
    await fc.assert(
      fc.asyncProperty(at, fc.integer({ min: 1, max: 255 }), async (position, mask) => {
        const bytes = Buffer.from(valid);
        bytes[position] ^= mask;
        writeFileSync(second, bytes);
        const outcome = await readCheckpoint(second).catch((error: unknown) => error);
        // A changed space between header and data changes nothing; everything else is noticed.
        const isIntact = !(outcome instanceof Error) && valid[position] === 0x20;
        expect(isIntact || (outcome as Error).message.includes(second)).toBe(true);
      }),
      { seed: 3, numRuns: 200 },
    );
    const bytes = Buffer.from(valid);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(second, bytes);
    await expect(readCheckpoint(folder)).rejects.toThrow(
      new RegExp(`does not match its checksum.*Or go on from the one before: "${first}"`),
    );
  });

  it('are told from plain weights, newer versions and empty folders', async () => {
    const plain = join(root, 'plain.safetensors');
    await writeSafetensors(plain, tensors(1));
    await expect(readCheckpoint(plain)).rejects.toThrow(/without a state/);
    await writeSafetensors(plain, tensors(1), { 'trainyard.checkpoint': '2', 'trainyard.state': '1' });
    await expect(readCheckpoint(plain)).rejects.toThrow(/version 2\. Update/);
    const state = '{"$bigint":"x"}';
    const sum = createHash('sha256').update(state).digest('hex');
    await writeSafetensors(plain, new Map(), {
      'trainyard.checkpoint': '1',
      'trainyard.state': state,
      'trainyard.sha256': sum,
    });
    await expect(readCheckpoint(plain)).rejects.toThrow(/its state cannot be parsed/);
    const empty = mkdtempSync(join(root, 'empty-'));
    await expect(readCheckpoint(empty)).rejects.toThrow(/holds none/);
    await expect(readCheckpoint(join(root, 'nowhere'))).rejects.toThrow(DataError);
  });

  it('refuse options and state that make no sense', async () => {
    const at = join(root, 'x');
    await expect(writeCheckpoint(at, { tensors: tensors(1), state: 1 }, { keep: 0 })).rejects.toThrow(
      ConfigError,
    );
    const state = { a: [new Map()] } as unknown as StateValue;
    await expect(writeCheckpoint(at, { tensors: tensors(1), state })).rejects.toThrow(
      /state\.a\[0\] is an object of Map/,
    );
  });
});

describe('state as JSON', () => {
  it('gives back every plain value', () => {
    const value = fc.letrec<{ value: StateValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constant(null),
        fc.boolean(),
        fc.double(),
        fc.bigInt(),
        fc.string(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$bigint', '$number', '$$')), tie('value'), {
          maxKeys: 3,
          noNullPrototype: true,
        }),
      ),
    })).value;
    fc.assert(
      fc.property(value, (state) => {
        expect(parseState(stringifyState(state))).toEqual(state);
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});
