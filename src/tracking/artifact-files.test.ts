import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, DataError, distFile, RuntimeFailure } from '#core';
import { ArtifactFiles } from './artifact-files.ts';

const home = mkdtempSync(join(tmpdir(), 'trainyard-artifacts-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
let serial = 0;
function fresh() {
  const folder = join(home, String(serial++));
  const files = new ArtifactFiles(folder);
  const read = async (path: string, range?: { start?: number; end?: number }) =>
    (await buffer(await files.open('run', path, range))).toString();
  const incoming = () => readdirSync(join(folder, '.incoming'));
  return { folder, files, read, incoming };
}
const bytes = (text: string) => new TextEncoder().encode(text);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('artefact files', () => {
  it('are streamed in and out with their size and digest', async () => {
    const { files, read, incoming } = fresh();
    const record = await files.put('run', 'outputs/modèle.onnx', Readable.from(['0123', '456789']));
    expect(record).toMatchObject({ path: 'outputs/modèle.onnx', size: 10, sha256: sha256('0123456789') });
    expect(await read('outputs/modèle.onnx')).toBe('0123456789');
    expect(await files.put('run', 'empty', new Uint8Array())).toMatchObject({ size: 0, sha256: sha256('') });
    expect(await read('empty')).toBe('');
    expect(incoming()).toEqual([]);
  });

  it('are read in ranges, both ends included', async () => {
    const { files, read } = fresh();
    await files.put('run', 'a', bytes('0123456789'));
    expect(await read('a', { start: 3, end: 5 })).toBe('345');
    expect(await read('a', { start: 7 })).toBe('789');
    expect(await read('a', { end: 0 })).toBe('0');
    expect(await read('a', { start: 9, end: 1000 })).toBe('9');
    for (const range of [
      { start: 10 },
      { start: -1 },
      { start: 5, end: 4 },
      { start: 0.5 },
      { end: Number.NaN },
    ]) {
      await expect(files.open('run', 'a', range)).rejects.toThrow(/within its 10 bytes/);
    }
  });

  it.each([
    ['a wrong digest', { sha256: '0'.repeat(64) }, /must have sha256 0{64}, but got/],
    ['too few bytes', { size: 9 }, /must have 9 bytes, but got 3/],
    ['too many bytes', { size: 2 }, /must have 2 bytes, but got more/],
  ])('stay as they were after content with %s', async (_, expected, message) => {
    const { files, read, incoming } = fresh();
    await files.put('run', 'a', bytes('old'));
    for (const content of [bytes('new'), Readable.from(['n', 'ew'])]) {
      const failure = await files.put('run', 'a', content, expected).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(ConfigError);
      expect((failure as Error).message).toMatch(message);
    }
    expect([await read('a'), incoming()]).toEqual(['old', []]);
    await files.put('run', 'a', bytes('new'), { size: 3, sha256: sha256('new').toUpperCase() });
    expect(await read('a')).toBe('new');
  });

  it('stay as they were when the content breaks off', async () => {
    const { files, read, incoming } = fresh();
    await files.put('run', 'a', bytes('old'));
    const half = Readable.from(
      (async function* () {
        yield 'half';
        throw new Error('aborted');
      })(),
    );
    await expect(files.put('run', 'a', half)).rejects.toThrow(/broke off: aborted\. Send it again/);
    await expect(files.put('run', 'new/b', new Readable().destroy())).rejects.toThrow(RuntimeFailure);
    expect([await read('a'), incoming()]).toEqual(['old', []]);
    await expect(files.open('run', 'new/b')).rejects.toThrow(DataError);
  });

  it('go on being read as they were while another takes their place', async () => {
    const { files, read } = fresh();
    await files.put('run', 'a', bytes('old'));
    const before = await files.open('run', 'a');
    await files.put('run', 'a', bytes('newer'));
    expect((await buffer(before)).toString()).toBe('old');
    expect(await read('a')).toBe('newer');
  });

  it('are one of those that were put at once, whole', async () => {
    const { files, read, incoming } = fresh();
    const texts = Array.from({ length: 10 }, (_, i) => String(i).repeat(100_000));
    await Promise.all(texts.map((text) => files.put('run', 'a', Readable.from([text]))));
    expect(texts).toContain(await read('a'));
    expect(incoming()).toEqual([]);
  });

  it('are removed one by one or all of a key, with folders that hold nothing more', async () => {
    const { folder, files, read } = fresh();
    for (const path of ['a/b/c', 'a/d', 'e']) await files.put('run', path, bytes(path));
    await files.put('other', 'a', bytes('kept'));
    await files.remove('run', 'a/b/c');
    await files.remove('run', 'a/b/c');
    expect(readdirSync(join(folder, 'run'), { recursive: true }).sort()).toEqual(['a', 'a/d', 'e']);
    expect(await read('a/d')).toBe('a/d');
    await files.remove('run');
    await files.remove('run');
    expect(existsSync(join(folder, 'run'))).toBe(false);
    expect(readdirSync(join(folder, 'other'))).toEqual(['a']);
    expect(existsSync(folder)).toBe(true);
  });

  it('never leave their folder', async () => {
    const { folder, files } = fresh();
    await files.put('run', 'a', bytes('x'));
    const outside = join(home, 'outside');
    mkdirSync(outside, { recursive: true });
    writeFileSync(join(outside, 'secret'), 'secret');
    symlinkSync(outside, join(folder, 'run', 'link'));
    symlinkSync(join(outside, 'secret'), join(folder, 'run', 'file'));
    for (const path of ['link/secret', 'file', '../run/a', '/etc/passwd', '%2e%2e/x']) {
      await expect(files.put('run', path, bytes('bad'))).rejects.toThrow(ConfigError);
      await expect(files.open('run', path)).rejects.toThrow(ConfigError);
      await expect(files.remove('run', path)).rejects.toThrow(ConfigError);
    }
    for (const key of ['..', '.incoming', 'a/b', '']) {
      await expect(files.put(key, 'a', bytes('bad'))).rejects.toThrow(ConfigError);
      await expect(files.remove(key)).rejects.toThrow(ConfigError);
    }
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
    expect(readdirSync(outside)).toEqual(['secret']);
  });

  it('say so when a file is in the way of a folder, or a folder of a file', async () => {
    const { files } = fresh();
    await files.put('run', 'a', bytes('x'));
    await files.put('run', 'b/c', bytes('x'));
    await expect(files.put('run', 'a/d', bytes('x'))).rejects.toThrow(/"a" is a file/);
    await expect(files.put('run', 'b', bytes('x'))).rejects.toThrow(/"b" is a folder/);
    await expect(files.open('run', 'b')).rejects.toThrow(DataError);
  });
});

const built = distFile('tracking', 'index.js');

describe.skipIf(!existsSync(built))('artefact files in a process of their own (needs a build)', () => {
  /** Runs a module with `ArtifactFiles` and `Readable` at hand. */
  const start = (program: string, folder: string) =>
    spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { Readable } from 'node:stream';
        const { ArtifactFiles } = await import(${JSON.stringify(built)});
        const files = new ArtifactFiles(${JSON.stringify(folder)});
        ${program}`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );

  it('stay as they were when the process is killed on the way, and the next one clears up', async () => {
    const { folder, files, read, incoming } = fresh();
    await files.put('run', 'a', bytes('old'));
    const writer = start(
      `let count = 0;
      await files.put('run', 'a', new Readable({ read() {
        if (++count === 50) console.log('on its way');
        this.push(Buffer.alloc(65536));
      } }));`,
      folder,
    );
    await once(writer.stdout, 'data');
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    expect(await read('a')).toBe('old');
    expect(incoming()).toHaveLength(1);
    await new ArtifactFiles(folder).put('run', 'b', bytes('next'));
    expect(incoming()).toEqual([]);
    expect(await read('a')).toBe('old');
  });

  it('are not cleared away while their process still writes', async () => {
    const { folder, incoming } = fresh();
    const writer = start(
      `let count = 0;
      const content = new Readable({ read() {
        if (++count === 5) console.log('waiting');
        else if (count < 5) this.push(Buffer.alloc(65536));
      } });
      setInterval(() => {}, 1000);
      await files.put('run', 'a', content);`,
      folder,
    );
    await once(writer.stdout, 'data');
    await new ArtifactFiles(folder).put('run', 'b', bytes('other'));
    expect(incoming()).toHaveLength(1);
    writer.kill('SIGKILL');
    await once(writer, 'exit');
  });

  it('pass through memory in small pieces', async () => {
    const { folder } = fresh();
    const measured = start(
      `const chunk = Buffer.alloc(65536, 7);
      const send = (count) => new Readable({ read() { this.push(count-- > 0 ? chunk : null); } });
      const through = async (count) => {
        const { size } = await files.put('run', 'a', send(count));
        let got = 0;
        for await (const part of await files.open('run', 'a')) got += part.length;
        return got === size;
      };
      await through(64);
      const before = process.resourceUsage().maxRSS;
      const isWhole = await through(1024);
      console.log(JSON.stringify({ isWhole, grownMB: (process.resourceUsage().maxRSS - before) / 1024 }));`,
      folder,
    );
    const { isWhole, grownMB } = JSON.parse((await buffer(measured.stdout)).toString());
    expect(isWhole).toBe(true);
    // 64 MB went through, twice.
    expect(grownMB).toBeLessThan(48);
  });
});

const mount = mkdtempSync(join(tmpdir(), 'trainyard-full-disk-'));
function mountSmallDisk(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mount], { stdio: 'ignore' });
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

describe.skipIf(!isMounted)('a disk of 4 MB (needs the right to mount a tmpfs)', () => {
  it('keeps the old file whole when it is full, and takes what fits afterwards', async () => {
    const files = new ArtifactFiles(join(mount, 'artifacts'));
    const old = new Uint8Array(1_000_000).fill(1);
    await files.put('run', 'a', old);
    for (const content of [new Uint8Array(5_000_000), Readable.from(Array(80).fill(Buffer.alloc(65536)))]) {
      const failure = await files.put('run', 'a', content).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(RuntimeFailure);
      expect((failure as Error).message).toMatch(/the disk is full\. Free space/);
    }
    expect(Buffer.compare(await buffer(await files.open('run', 'a')), old)).toBe(0);
    expect(readdirSync(join(mount, 'artifacts', '.incoming'))).toEqual([]);
    await files.put('run', 'a', new Uint8Array(2_000_000));
    expect((await buffer(await files.open('run', 'a'))).length).toBe(2_000_000);
  });
});
