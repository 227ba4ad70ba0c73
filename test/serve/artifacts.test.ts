import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sendBytes, sendPath } from './send-raw.ts';
import { startTestServer, strangeNames } from './test-server.ts';

const { call, store, token, server, root } = await startTestServer({ maxUploadBytes: 5_000_000 });
const hasty = await startTestServer({ idleSeconds: 4, bodySeconds: 1 });
const secret = await token(['admin']);
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const newRun = async () => (await store.createRun({ experimentName: 'files' })).id;

describe('artefacts over HTTP', () => {
  it('go up and come down unchanged, are listed, replaced and deleted', async () => {
    const files = `/api/v1/runs/${await newRun()}/artifacts`;
    const bytes = randomBytes(3_000_000);
    const put = await call('PUT', `${files}/outputs/model.onnx`, bytes);
    expect(put.status).toBe(201);
    expect(put.body).toMatchObject({ path: 'outputs/model.onnx', size: 3_000_000, sha256: digest(bytes) });
    const response = await fetch(`${server.url}${files}/outputs/model.onnx`, {
      headers: { authorization: `Bearer ${secret}` },
    });
    expect(digest(new Uint8Array(await response.arrayBuffer()))).toBe(digest(bytes));
    expect((await call('PUT', `${files}/outputs/model.onnx`, Buffer.from('other'))).status).toBe(201);
    expect((await call('GET', `${files}/outputs/model.onnx`)).text).toBe('other');
    await call('PUT', `${files}/notes.txt`, Buffer.from(''));
    expect((await call('GET', files)).body).toMatchObject({
      items: [
        { path: 'notes.txt', size: 0 },
        { path: 'outputs/model.onnx', size: 5 },
      ],
    });
    expect((await call('GET', `${files}?prefix=outputs%2F`)).body).toMatchObject({
      items: [{ path: 'outputs/model.onnx' }],
    });
    expect((await call('DELETE', `${files}/notes.txt`)).status).toBe(204);
    expect((await call('GET', `${files}/notes.txt`)).status).toBe(404);
  });

  it('are given in ranges, to HEAD without the bytes, and not again to those who have them', async () => {
    const path = `/api/v1/runs/${await newRun()}/artifacts/digits.txt`;
    await call('PUT', path, Buffer.from('0123456789'));
    const range = async (value: string, headers: Record<string, string> = {}) => {
      const answer = await call('GET', path, undefined, { headers: { range: value, ...headers } });
      return [answer.status, answer.text, answer.headers.get('content-range')];
    };
    expect(await range('bytes=2-4')).toEqual([206, '234', 'bytes 2-4/10']);
    expect(await range('bytes=7-')).toEqual([206, '789', 'bytes 7-9/10']);
    expect(await range('bytes=-3')).toEqual([206, '789', 'bytes 7-9/10']);
    expect(await range('bytes=8-99')).toEqual([206, '89', 'bytes 8-9/10']);
    const outside = await call('GET', path, undefined, { headers: { range: 'bytes=10-' } });
    expect([outside.status, outside.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    expect(await range('bytes=0-1,3-4')).toEqual([200, '0123456789', null]);
    expect(await range('rows=1-2')).toEqual([200, '0123456789', null]);
    expect(await range('bytes=2-4', { 'if-range': '"another"' })).toEqual([200, '0123456789', null]);
    const head = await call('HEAD', path);
    expect([head.status, head.text, head.headers.get('content-length')]).toEqual([200, '', '10']);
    const etag = head.headers.get('etag') ?? '';
    expect((await call('GET', path, undefined, { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  it('are a download, never a page of this server', async () => {
    const path = `/api/v1/runs/${await newRun()}/artifacts/page.html`;
    await call('PUT', path, Buffer.from('<script>alert(1)</script>'), {
      headers: { 'content-type': 'text/html' },
    });
    const { headers } = await call('GET', path);
    expect(headers.get('content-type')).toBe('application/octet-stream');
    expect(headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''page.html");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it.each(strangeNames.filter((name) => !/%2e|\n/.test(name)))(
    'keep their names: %j',
    async (...[name]: string[]) => {
      const files = `/api/v1/runs/${await newRun()}/artifacts`;
      const address = `${files}/${encodeURIComponent(name)}`;
      expect((await call('PUT', address, Buffer.from(name))).body).toMatchObject({ path: name });
      expect((await call('GET', address)).text).toBe(name);
      expect((await call('GET', files)).body).toMatchObject({ items: [{ path: name }] });
    },
  );
});

describe('names that lead out of a run are refused', () => {
  const names = [
    '../secret.txt',
    '..%2fsecret.txt',
    '%2e%2e/secret.txt',
    '%2e%2e%2fsecret.txt',
    'a/../../secret.txt',
    'a/./b',
    'a//b',
    '/etc/passwd',
    '%2fetc%2fpasswd',
    'a%00b',
    'a%5c..%5cb',
    '%252e%252e%252fb',
    'line%0abreak',
  ];
  it.each(names)('%j', async (...[name]: string[]) => {
    const id = await newRun();
    writeFileSync(join(root, 'artifacts-secret.txt'), 'secret');
    for (const method of ['PUT', 'GET', 'DELETE']) {
      const body = method === 'PUT' ? { body: 'x' } : {};
      const { status, text } = await sendPath(server.url, method, `/api/v1/runs/${id}/artifacts/${name}`, {
        token: secret,
        ...body,
      });
      expect([method, [400, 404].includes(status), text.includes('secret\n')]).toEqual([method, true, false]);
    }
    expect((await store.listArtifacts(id)).items).toEqual([]);
  });

  it('a folder that is a link to somewhere else', async () => {
    const id = await newRun();
    await call('PUT', `/api/v1/runs/${id}/artifacts/a/b.txt`, Buffer.from('fine'));
    const outside = join(root, 'outside');
    mkdirSync(outside, { recursive: true });
    symlinkSync(outside, join(root, 'artifacts', id, 'link'));
    const put = await call('PUT', `/api/v1/runs/${id}/artifacts/link/x.txt`, Buffer.from('x'));
    expect(put.status).toBe(400);
    expect(readdirSync(outside)).toEqual([]);
  });
});

describe('an upload that is not what it says', () => {
  it('of another checksum or too large is refused, and what was there before stays', async () => {
    const path = `/api/v1/runs/${await newRun()}/artifacts/a.bin`;
    await call('PUT', path, Buffer.from('before'));
    const wrong = await call('PUT', path, Buffer.from('after'), {
      headers: { 'x-content-sha256': '0'.repeat(64) },
    });
    expect(wrong.status).toBe(400);
    const nonsense = await call('PUT', path, Buffer.from('after'), {
      headers: { 'x-content-sha256': 'abc' },
    });
    expect(nonsense.body).toMatchObject({ error: { field: 'X-Content-SHA256' } });
    expect((await call('PUT', path, randomBytes(5_000_001))).status).toBe(413);
    const chunks = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 6; i++) controller.enqueue(randomBytes(1_000_000));
        controller.close();
      },
    });
    const chunked = await fetch(`${server.url}${path}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${secret}` },
      body: chunks,
      duplex: 'half',
    } as RequestInit).then(
      (response) => response.status,
      () => 'closed',
    );
    expect([413, 'closed']).toContain(chunked);
    expect((await call('GET', path)).text).toBe('before');
    expect(
      await call('PUT', path, Buffer.from('after'), {
        headers: { 'x-content-sha256': digest(Buffer.from('after')) },
      }),
    ).toMatchObject({ status: 201 });
  });

  it('and stops half-way is dropped, and leaves nothing', async () => {
    const { id } = await hasty.store.createRun({ experimentName: 'files' });
    const head = [
      `PUT /api/v1/runs/${id}/artifacts/half.bin HTTP/1.1`,
      'Host: x',
      `Authorization: Bearer ${await hasty.token(['submit'])}`,
      'Content-Length: 1000',
    ].join('\r\n');
    const answer = await sendBytes(hasty.server.url, `${head}\r\n\r\nhalf of it`);
    expect(answer).not.toContain('201');
    expect((await hasty.store.listArtifacts(id)).items).toEqual([]);
    expect((await hasty.call('GET', `/api/v1/runs/${id}/artifacts/half.bin`)).status).toBe(404);
  });

  it('JSON of which half comes is answered with 408', async () => {
    const head = [
      'POST /api/v1/runs HTTP/1.1',
      'Host: x',
      `Authorization: Bearer ${await hasty.token(['submit'])}`,
      'Content-Type: application/json',
      'Content-Length: 1000',
    ].join('\r\n');
    const answer = await sendBytes(hasty.server.url, `${head}\r\n\r\n{"experimentName":`);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('RequestTimeout');
  });
});
