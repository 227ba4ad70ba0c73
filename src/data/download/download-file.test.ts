import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createRawServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { currentOwner, DataError, Rng } from '#core';
import { checkSha256, type DownloadOptions, downloadFile } from '#data';

const random = (size: number, seed: number) => {
  const rng = new Rng(seed);
  return Buffer.from(Uint8Array.from({ length: size }, () => rng.integer(256)));
};
const content = random(5000, 1);
const changed = random(4000, 2);
const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers of the requests to come, in order; the last one stays. */
let answers: Answer[] = [];
/** `Range` and `If-Range` of the requests so far. */
let requests: string[] = [];
const server = createServer((request, response) => {
  const { range = 'all', 'if-range': ifRange } = request.headers;
  requests.push(ifRange === undefined ? range : `${range} if ${String(ifRange)}`);
  const answer = answers.length > 1 ? (answers.shift() as Answer) : answers[0];
  answer(request, response);
});
let url = '';
let folder = '';
let path = '';
let count = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trainyard-download-'));
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  requests = [];
  path = join(folder, `file-${count++}`);
});

const download = (options: DownloadOptions = {}) =>
  downloadFile('test', url, path, { retryDelayMs: 1, idleTimeoutMs: 5000, ...options });
const left = () => readdirSync(folder).filter((name) => name.startsWith(path.slice(folder.length + 1)));

/** A server that knows ranges, of a file with these marks. */
function serve(bytes: Buffer, marks: Record<string, string>): Answer {
  const marked = Object.values(marks);
  return ({ headers }, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? Number.NaN);
    if (!(start >= 0) || !marked.includes(String(headers['if-range']))) {
      return response.writeHead(200, { ...marks, 'content-length': bytes.length }).end(bytes);
    }
    if (start >= bytes.length) return response.writeHead(416, marks).end();
    const rest = bytes.subarray(start);
    const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
    const more = { 'content-range': range, 'content-length': rest.length };
    return response.writeHead(206, { ...marks, ...more }).end(rest);
  };
}

/** Sends the beginning, waits until it is on the disk, and breaks off. */
function breakAt(size: number, marks: Record<string, string>, bytes = content): Answer {
  return (_, response) => {
    response.writeHead(200, { ...marks, 'content-length': bytes.length });
    response.write(bytes.subarray(0, size));
    const wait = () => {
      const isKept = existsSync(`${path}.part`) && statSync(`${path}.part`).size === size;
      if (isKept) response.destroy();
      else setTimeout(wait, 2);
    };
    wait();
  };
}

const etag = { etag: '"one"' };
const modified = { 'last-modified': 'Wed, 01 Jan 2025 00:00:00 GMT' };

describe('downloadFile', () => {
  it('writes the file whole, says its checksum, and leaves nothing else', async () => {
    answers = [serve(content, etag)];
    expect(await download()).toEqual({ sha256: sha256Of(content), size: 5000 });
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(left()).toHaveLength(1);
  });

  it.each([
    ['ETag', etag, '"one"'],
    ['Last-Modified', modified, modified['last-modified']],
  ])('goes on where a try broke off, as %s allows', async (_, marks, validator) => {
    answers = [breakAt(1200, marks), serve(content, marks)];
    await download();
    expect(requests).toEqual(['all', `bytes=1200- if ${validator}`]);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('goes on where an earlier call broke off', async () => {
    answers = [breakAt(1200, etag)];
    await expect(download({ retries: 0 })).rejects.toThrow(/did not: .*call again to go on/);
    expect(existsSync(path)).toBe(false);
    expect(left()).toHaveLength(2);
    answers = [serve(content, etag)];
    await download();
    expect(requests[1]).toBe('bytes=1200- if "one"');
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(left()).toHaveLength(1);
  });

  it.each([
    ['has no mark of its content', {}, 'all'],
    ['has a weak mark', { etag: 'W/"one"' }, 'all'],
    ['knows no ranges', etag, 'bytes=1200- if "one"'],
  ])('starts anew where a server %s', async (_, marks, second) => {
    answers = [breakAt(1200, marks), (_request, response) => response.writeHead(200, marks).end(content)];
    await download();
    expect(requests).toEqual(['all', second]);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('starts anew when the file has changed between two tries', async () => {
    answers = [breakAt(1200, etag), serve(changed, { etag: '"two"' })];
    await download({ sha256: sha256Of(changed) });
    expect(requests).toEqual(['all', 'bytes=1200- if "one"']);
    expect(readFileSync(path).equals(changed)).toBe(true);
  });

  it('starts anew when a server sends the rest of another file, another range or none', async () => {
    const rest = (more: Record<string, string>): Answer => {
      return (_, response) => response.writeHead(206, more).end(changed.subarray(1200));
    };
    const refuse: Answer = (_, response) => response.writeHead(416).end();
    for (const wrong of [
      rest({ etag: '"two"' }),
      rest({ ...etag, 'content-range': 'bytes 0-99/5000' }),
      refuse,
    ]) {
      requests = [];
      answers = [breakAt(1200, etag), wrong, serve(content, etag)];
      await download();
      expect(requests).toEqual(['all', 'bytes=1200- if "one"', 'all']);
      expect(readFileSync(path).equals(content)).toBe(true);
      rmSync(path);
    }
  });

  it('asks for all of a file again whose joined parts have another checksum', async () => {
    // A server that gave one mark to two contents.
    answers = [breakAt(1200, etag, changed), serve(content, etag), serve(content, etag)];
    await download({ sha256: sha256Of(content).slice(0, 12) });
    expect(requests).toEqual(['all', 'bytes=1200- if "one"', 'all']);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('refuses another checksum, keeps nothing of it and what was there before', async () => {
    writeFileSync(path, 'before');
    answers = [serve(content, etag)];
    await expect(download({ sha256: 'abc123' })).rejects.toThrow(
      `must have the SHA-256 abc123, but ${url} has ${sha256Of(content)}`,
    );
    expect(requests).toHaveLength(1);
    expect(left()).toHaveLength(1);
    expect(readFileSync(path, 'utf8')).toBe('before');
    expect(await checkSha256('test', path, sha256Of(Buffer.from('before')).toUpperCase())).toHaveLength(64);
    await expect(checkSha256('test', join(folder, 'absent'))).rejects.toThrow('must be readable');
  });

  it('gives up a server that stalls, and goes on with the next try', async () => {
    const stall: Answer = (_, response) => {
      response.writeHead(200, { ...etag, 'content-length': content.length });
      response.write(content.subarray(0, 700));
    };
    answers = [stall];
    await expect(download({ idleTimeoutMs: 100, retries: 0 })).rejects.toThrow('it sent nothing for 0.1 s');
    answers = [() => undefined, serve(content, etag)];
    await download({ idleTimeoutMs: 100 });
    expect(requests).toEqual(['all', 'bytes=700- if "one"', 'bytes=700- if "one"']);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('ends when its time is over, or the caller says so', async () => {
    answers = [() => undefined];
    await expect(download({ timeoutMs: 100 })).rejects.toThrow('must end in 0.1 s');
    await expect(download({ signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ code: 'CANCELLED' });
    answers = [(_, response) => response.writeHead(503).end()];
    const long = { retryDelayMs: 60_000, signal: AbortSignal.timeout(100) };
    await expect(download(long)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(left()).toEqual([]);
  });

  it('tries again after faults that pass, and at once names those that stay', async () => {
    const status = (code: number): Answer => {
      return (_, response) => response.writeHead(code).end();
    };
    answers = [status(503), status(429), serve(content, etag)];
    await download();
    expect(requests).toHaveLength(3);
    requests = [];
    answers = [status(404)];
    await expect(download()).rejects.toThrow('did not: it answers 404 Not Found. Check the address.');
    expect(requests).toHaveLength(1);
    requests = [];
    answers = [status(500)];
    await expect(download({ retries: 3 })).rejects.toThrow('it answers 500');
    expect(requests).toHaveLength(4);
    await expect(downloadFile('test', 'http://127.0.0.1:9/', path)).rejects.toThrow('must be reachable');
  });

  it('counts tries in vain only, as long as each brings more', async () => {
    const sizes = [1000, 2000, 3000, 4000];
    const more = sizes.map((size, i): Answer => {
      const start = size - 1000;
      return i === 0
        ? breakAt(size, etag)
        : (_, response) => {
            response.writeHead(206, { ...etag, 'content-length': content.length - start });
            response.write(content.subarray(start, size));
            const wait = () => {
              if (statSync(`${path}.part`).size === size) response.destroy();
              else setTimeout(wait, 2);
            };
            wait();
          };
    });
    answers = [...more, serve(content, etag)];
    await download({ retries: 1 });
    expect(requests).toHaveLength(5);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('refuses more bytes than allowed, announced or not, and keeps none', async () => {
    for (const headers of [{ 'content-length': content.length }, {}]) {
      answers = [(_, response) => response.writeHead(200, { ...etag, ...headers }).end(content)];
      await expect(download({ maxBytes: 4999 })).rejects.toThrow('may have 4999 bytes');
      expect(left()).toEqual([]);
      expect((await download({ maxBytes: 5000 })).size).toBe(5000);
      rmSync(path);
    }
  });

  it('takes content that was compressed on its way, whose announced length is another', async () => {
    const packed = gzipSync(Buffer.alloc(5000));
    const headers = { ...etag, 'content-encoding': 'gzip', 'content-length': packed.length };
    answers = [(_, response) => response.writeHead(200, headers).end(packed)];
    expect((await download()).size).toBe(5000);
  });

  it('goes on after a body that is shorter than announced, and takes no more than announced', async () => {
    let ends = [300, 5000];
    const raw = createRawServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (request) => {
        const start = Number(/^range: bytes=(\d+)/im.exec(request.toString())?.[1] ?? 0);
        const status = start > 0 ? '206 Partial Content' : '200 OK';
        socket.write(`HTTP/1.1 ${status}\r\netag: "one"\r\ncontent-length: ${5000 - start}\r\n\r\n`);
        socket.end(Buffer.concat([content, changed]).subarray(start, ends.shift()));
      });
    });
    await new Promise<void>((ready) => raw.listen(0, '127.0.0.1', ready));
    const address = `http://127.0.0.1:${(raw.address() as AddressInfo).port}/`;
    await downloadFile('test', address, path, { retryDelayMs: 1 });
    expect(readFileSync(path).equals(content)).toBe(true);
    ends = [6000];
    await downloadFile('test', address, path, { sha256: sha256Of(content), retryDelayMs: 1 });
    expect(readFileSync(path).equals(content)).toBe(true);
    await new Promise((closed) => raw.close(closed));
  });

  it('downloads apart while a living process has the part, and takes over that of a dead one', async () => {
    answers = [serve(content, etag)];
    const lock = `${path}.lock`;
    writeFileSync(lock, JSON.stringify(currentOwner()));
    writeFileSync(`${path}.part`, 'of the other');
    await download();
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(readFileSync(`${path}.part`, 'utf8')).toBe('of the other');
    expect(left()).toHaveLength(3);
    writeFileSync(lock, JSON.stringify({ ...currentOwner(), pid: 2 ** 22 + 1 }));
    await download();
    expect(left()).toHaveLength(1);
  });

  it('makes one whole file when several calls want it at once', async () => {
    answers = [serve(content, etag)];
    await Promise.all([download(), download(), download()]);
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(left()).toHaveLength(1);
  });

  it('names a folder that is missing', async () => {
    answers = [serve(content, etag)];
    const wrong = downloadFile('test', url, join(folder, 'absent', 'file'));
    await expect(wrong).rejects.toThrow('the folder must exist');
    await expect(wrong).rejects.not.toBeInstanceOf(DataError);
  });
});
