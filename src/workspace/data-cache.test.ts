import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DataError } from '#core';
import { DataCache, Dataset, Workspace } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-cache-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a real server does, with faults that can be switched on. */
const site = { body: Buffer.alloc(0), tag: '"1"', breakAfter: -1, status: 200 };
const requests: { range: string | undefined; sent: number; status: number }[] = [];
let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    const { range } = request.headers;
    const answer = (status: number, body: Buffer, headers: Record<string, string> = {}) => {
      requests.push({ range, sent: body.length, status });
      response.writeHead(status, { 'content-length': body.length, etag: site.tag, ...headers });
      if (site.breakAfter < 0) return response.end(body);
      response.write(body.subarray(0, site.breakAfter));
      // Only when that has arrived.
      const timer = setInterval(() => {
        const parts = readdirSync(home).filter((name) => name.endsWith('.part'));
        if (!parts.some((name) => statSync(join(home, name)).size === site.breakAfter)) return;
        clearInterval(timer);
        response.destroy();
      }, 5);
      response.once('close', () => clearInterval(timer));
      return response;
    };
    if (site.status !== 200) return answer(site.status, Buffer.from('no'));
    if (request.headers['if-none-match'] === site.tag) return answer(304, Buffer.alloc(0));
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? -1);
    if (from >= 0 && request.headers['if-range'] === site.tag) return answer(206, site.body.subarray(from));
    return answer(200, site.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bank.csv?x=1`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  Object.assign(site, {
    body: Buffer.from(`x,y\n${'1,a\n'.repeat(1000)}`),
    tag: '"1"',
    breakAfter: -1,
    status: 200,
  });
  requests.length = 0;
});
let serial = 0;
let cache: DataCache;
let home: string;
beforeEach(() => {
  home = join(folder, `c${serial++}`);
  cache = new DataCache(home);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));
const textOf = (name: string) => readFileSync(cache.pathOf(name), 'utf8');

describe('the cache of downloads', () => {
  it('keeps a file by its content, and asks only whether it has changed', async () => {
    const first = await cache.fetch(url);
    expect(first).toMatchObject({ size: site.body.length, validator: '"1"' });
    expect(first.name).toBe(`${first.sha256}.csv`);
    expect(await cache.fetch(url)).toEqual(first);
    expect(requests.map(({ status }) => status)).toEqual([200, 304]);
    Object.assign(site, { body: Buffer.from('x,y\n2,b\n'), tag: '"2"' });
    const second = await cache.fetch(url);
    expect([textOf(first.name).length, textOf(second.name)]).toEqual([4004, 'x,y\n2,b\n']);
  });

  it('goes on where a download broke off', async () => {
    site.breakAfter = 1000;
    await expect(cache.fetch(url)).rejects.toThrow(/call again to go on/);
    site.breakAfter = -1;
    const { name } = await cache.fetch(url);
    expect(textOf(name)).toBe(site.body.toString());
    expect(requests.map(({ status, range }) => [status, range])).toEqual([
      [200, undefined],
      [206, 'bytes=1000-'],
    ]);
    expect(readdirSync(home).filter((file) => /part|lock/.test(file))).toEqual([]);
  });

  it('begins again when the content has changed meanwhile', async () => {
    site.breakAfter = 1000;
    await expect(cache.fetch(url)).rejects.toThrow(DataError);
    Object.assign(site, { breakAfter: -1, body: Buffer.from('other,content\n1,2\n'), tag: '"2"' });
    expect(textOf((await cache.fetch(url)).name)).toBe('other,content\n1,2\n');
  });

  it('uses the copy that is there when the server cannot be reached', async () => {
    const first = await cache.fetch(url);
    const { port } = server.address() as AddressInfo;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    expect(await cache.fetch(url)).toEqual(first);
    await expect(new DataCache(join(home, 'empty')).fetch(url)).rejects.toThrow(/the address must answer/);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  });

  it('lets several callers fetch one address at once', async () => {
    const found = await Promise.all([cache.fetch(url), new DataCache(home).fetch(url), cache.fetch(url)]);
    expect(new Set(found.map(({ name }) => name)).size).toBe(1);
    expect(textOf(found[0].name)).toBe(site.body.toString());
    expect(readdirSync(home).filter((file) => /part|lock/.test(file))).toEqual([]);
  });

  it('takes no more than it is allowed to, in size and time', async () => {
    await expect(cache.fetch(url, { maxBytes: 1000 })).rejects.toThrow(/more than maxBytes allows/);
    // The server waits for more than it has sent.
    site.breakAfter = 10_000;
    site.body = Buffer.alloc(20_000, 'a');
    site.tag = '"3"';
    const hangs = new DataCache(join(home, 'slow'));
    await expect(hangs.fetch(url, { timeoutMs: 100 })).rejects.toThrow(/timeout/);
    await using workspace = await Workspace.create({ path: home, databaseUrl: '' });
    const small = Dataset.tabular.fromDelimitedFiles(url, { maxBytes: 10 });
    await expect(small.register({ workspace, name: 'big' })).rejects.toThrow(/more than maxBytes allows/);
  });

  it('keeps nothing of an error page', async () => {
    site.status = 404;
    await expect(cache.fetch(url)).rejects.toThrow(/it answers 404 Not Found/);
    expect(readdirSync(home)).toEqual([]);
  });

  it('serves registered datasets, whose versions stay readable when the address changes', async () => {
    const path = join(home, 'project');
    await using workspace = await Workspace.create({ path, databaseUrl: '' });
    const register = () => Dataset.tabular.fromDelimitedFiles(url).register({ workspace, name: 'bank' });
    expect((await register()).version).toBe(1);
    Object.assign(site, { body: Buffer.from('x,y\n2,b\n'), tag: '"2"' });
    expect((await register()).version).toBe(2);
    requests.length = 0;
    expect((await (await workspace.datasets.get('bank', 1)).toTable()).rows).toBe(1000);
    expect((await (await workspace.datasets.get('bank')).take(5).toTable()).rows).toBe(1);
    expect((await workspace.datasets.get('bank')).sources).toEqual([url]);
    expect(requests).toEqual([]);
  });
});
