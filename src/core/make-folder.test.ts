import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFolder } from './make-folder.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'make-folder-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

it('makes a folder with those above it, and leaves one that is there', () => {
  const path = join(root, 'a', 'b', 'c');
  makeFolder(path);
  writeFileSync(join(path, 'file'), '');
  makeFolder(path);
  expect(statSync(path).isDirectory()).toBe(true);
  expect(existsSync(join(path, 'file'))).toBe(true);
});

it('fails where a file is in the way', () => {
  writeFileSync(join(root, 'file'), '');
  expect(() => makeFolder(join(root, 'file'))).toThrow(/EEXIST/);
  expect(() => makeFolder(join(root, 'file', 'below'))).toThrow(/EEXIST|ENOTDIR/);
});

it.skipIf(!existsSync('/proc/self'))('fails, and returns, where nothing can be made', () => {
  expect(() => makeFolder('/proc/trainyard/checkpoints')).toThrow(/ENOENT|EACCES|EPERM|EROFS/);
});
