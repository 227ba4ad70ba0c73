import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { LogFiles } from './log-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-logs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const logs = new LogFiles(join(folder, 'logs'));

describe('logs of runs', () => {
  it('give back what was appended, in parts that never cut a character', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 9 }),
        async (texts, maxBytes) => {
          const id = `p${run++}`;
          for (const text of texts) await logs.append(id, text);
          const whole = texts.join('').toWellFormed();
          const size = Buffer.byteLength(whole);
          let text = '';
          let offset = 0;
          while (offset < size) {
            const part = await logs.read(id, { offset, maxBytes });
            expect(part.next).toBeGreaterThan(offset);
            expect(part.text).not.toContain('\ufffd');
            text += part.text;
            offset = part.next;
          }
          expect(text).toBe(whole);
          expect(await logs.read(id, { offset })).toEqual({ text: '', next: offset });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('begin at the next whole character when the offset lies inside one', async () => {
    await logs.append('train', 'a🚂b');
    expect(await logs.read('train', { offset: 2 })).toEqual({ text: 'b', next: 6 });
  });

  it('leave a character that is not yet all there for the next read', async () => {
    const bytes = Buffer.from('ü🚂');
    await logs.append('torn', '');
    writeFileSync(join(folder, 'logs', 'torn.log'), bytes.subarray(0, 4));
    expect(await logs.read('torn')).toEqual({ text: 'ü', next: 2 });
    writeFileSync(join(folder, 'logs', 'torn.log'), bytes);
    expect(await logs.read('torn', { offset: 2 })).toEqual({ text: '🚂', next: 6 });
  });

  it('keep lines of many writers whole', async () => {
    const others = [logs, new LogFiles(join(folder, 'logs')), new LogFiles(join(folder, 'logs'))];
    const line = (i: number) => `${String(i).repeat(500)}\n`;
    const ends = await Promise.all(
      Array.from({ length: 30 }, (_, i) => others[i % 3]?.append('many', line(i % 10))),
    );
    const { text, next } = await logs.read('many');
    expect(text.split('\n').filter(Boolean).sort()).toEqual(
      Array.from({ length: 30 }, (_, i) => String(i % 10).repeat(500)).sort(),
    );
    expect(Math.max(...ends.map(Number))).toBe(next);
  });

  it('are empty where nothing was written, and gone after removal', async () => {
    expect(await logs.read('none', { offset: 7 })).toEqual({ text: '', next: 7 });
    await logs.append('gone', 'x');
    await logs.remove('gone');
    await logs.remove('gone');
    expect(await logs.read('gone')).toEqual({ text: '', next: 0 });
  });

  it('refuse ids that lead elsewhere, links and numbers that are no places', async () => {
    for (const id of ['../x', 'a/b', '', 'nul'])
      await expect(logs.append(id, 'x')).rejects.toThrow(/id|path/);
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'logs', 'link.log'));
    await expect(logs.append('link', 'x')).rejects.toThrow(/log of run link: must be writable/);
    await expect(logs.read('x', { offset: -1 })).rejects.toThrow(/offset must be a whole number from 0/);
    await expect(logs.read('x', { maxBytes: 0 })).rejects.toThrow(/maxBytes must be a whole number from 1/);
  });
});
