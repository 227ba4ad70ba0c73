import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve, win32 } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError } from '#core';
import { resolveInside, safeRelativePath } from './safe-path.ts';

const isRefused = (path: string): boolean => {
  try {
    safeRelativePath(path);
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(/^artifact path: .+, but got .+\. .+\.$/s);
    return true;
  }
};

describe('safeRelativePath', () => {
  it.each([
    ...['', '.', '..', '../up', 'a/..', 'a/../../b', 'a/./b', '/etc/passwd', 'a//b', 'a/', 'a\\b', '..\\b'],
    ...[
      'nul\0',
      'a\nb',
      '%2e%2e/x',
      '%2E./x',
      'a%2fb',
      '%252e%252e',
      '%25252f',
      'x%5cy',
      'x%00',
      'C:/x',
      'c:x',
    ],
    ...[
      'CON',
      'a/nul.txt',
      'Com1',
      'lpt9.log.gz',
      'a./b',
      'a /b',
      'half \ud83d',
      'x'.repeat(256),
      'a/'.repeat(600),
    ],
  ])('refuses %j', (path) => {
    expect(isRefused(path)).toBe(true);
  });

  it.each([
    ...[
      'a',
      'outputs/model.onnx',
      'Ünïcødé/機械学習 🚂.txt',
      '"quoted" <b>',
      "o'brien; DROP TABLE",
      '.hidden',
    ],
    ...['a..b', '...a', '100%', 'a%/x', '%41', 'console', 'common/com10', 'ab:c', 'x'.repeat(255)],
  ])('keeps %j as it is', (path) => {
    expect(safeRelativePath(path)).toBe(path);
  });

  it('lets no path out of its folder, on this system or on Windows, decoded or not', () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '/',
      '\\',
      '%2e',
      '%2f',
      '%25',
      '%5C',
      'a',
      'b.c',
      ':',
      'C',
      ' ',
      '\0',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (path) => {
          if (isRefused(path)) return;
          let decoded = path;
          for (let i = 0; i < 5; i++) {
            expect(resolve('/top', decoded).startsWith('/top/')).toBe(true);
            expect(win32.resolve('D:\\top', decoded).startsWith('D:\\top\\')).toBe(true);
            decoded = decoded.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
              String.fromCharCode(Number.parseInt(hex, 16)),
            );
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('resolveInside', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-path-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'file'), '');
  symlinkSync(tmpdir(), join(folder, 'out'));
  symlinkSync(join(folder, 'real'), join(folder, 'in'));
  symlinkSync(join(folder, 'absent'), join(folder, 'dangling'));

  it.each(['out/x', 'in/x', 'in', 'dangling', 'dangling/x'])(
    'refuses the link on the way of %s',
    async (path) => {
      for (const create of [true, false]) {
        await expect(resolveInside(folder, path, { create })).rejects.toThrow(/symbolic link/);
      }
    },
  );

  it('says that a file is no folder', async () => {
    await expect(resolveInside(folder, 'file/x')).rejects.toThrow(/"file" is a file/);
  });

  it('makes folders only when it is told to', async () => {
    expect(await resolveInside(folder, 'new/deep/x')).toMatchObject({ isThere: false });
    expect(await resolveInside(folder, 'new/deep/x', { create: true })).toEqual({
      file: join(folder, 'new/deep/x'),
      parent: join(folder, 'new/deep'),
      isThere: false,
      hasMadeFolders: true,
    });
    expect(await resolveInside(folder, 'new/y', { create: true })).toMatchObject({ hasMadeFolders: false });
    expect(await resolveInside(folder, 'new/deep')).toMatchObject({ isThere: true });
  });
});
