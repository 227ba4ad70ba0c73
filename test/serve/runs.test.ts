import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { currentOwner } from '#core';
import { createServer, createToken } from '#serve';
import { openStore } from '#tracking';
import { type Answer, startTestServer, strangeNames } from './test-server.ts';

const { call, store, token, root } = await startTestServer();

async function newRun(body: Record<string, unknown> = {}): Promise<string> {
  const { status, body: run } = await call('POST', '/api/v1/runs', { experimentName: 'tests', ...body });
  expect(status).toBe(201);
  return String(run['id']);
}

function expectFault(answer: Answer, status: number, field?: string): void {
  expect(answer.status).toBe(status);
  expect(Object.keys(answer.body)).toEqual(['error']);
  expect(answer.body).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } });
  expect(answer.body['error']?.['field']).toBe(field);
}

describe('lists of runs', () => {
  it('come newest first, page by page', async () => {
    for (let i = 0; i < 5; i++) await store.createRun({ experimentName: 'pages', name: `run ${i}` });
    const first = await call('GET', '/api/v1/runs?experimentName=pages&limit=3');
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({ items: [{ name: 'run 4' }, { name: 'run 3' }, { name: 'run 2' }] });
    const second = await call(
      'GET',
      `/api/v1/runs?experimentName=pages&limit=3&cursor=${first.body['next']}`,
    );
    expect(second.body).toMatchObject({ items: [{ name: 'run 1' }, { name: 'run 0' }] });
    expect(second.body).not.toHaveProperty('next');
  });

  it('are narrowed by state, kind, tags and parent, and carry latest metrics on demand', async () => {
    const experimentName = 'filters';
    const parent = await newRun({
      experimentName,
      kind: 'pipeline',
      state: 'Running',
      tags: { a: '1', b: '2=3' },
    });
    const child = await newRun({ experimentName, kind: 'step', parentId: parent });
    await call('POST', `/api/v1/runs/${child}/metrics`, { points: [{ key: 'loss', value: 0.5, step: 3 }] });
    const ids = async (query: string) => {
      const { status, body } = await call('GET', `/api/v1/runs?experimentName=filters&${query}`);
      expect(status).toBe(200);
      return (body['items'] as unknown as { id: string }[]).map(({ id }) => id);
    };
    expect(await ids('state=Running')).toEqual([parent]);
    expect(await ids('state=Running&state=NotStarted')).toEqual([child, parent]);
    expect(await ids('kind=step')).toEqual([child]);
    expect(await ids('parentId=none')).toEqual([parent]);
    expect(await ids(`parentId=${parent}`)).toEqual([child]);
    expect(await ids(`tag=a%3D1&tag=${encodeURIComponent('b=2=3')}`)).toEqual([parent]);
    expect(await ids('tag=a%3D2')).toEqual([]);
    expect(await ids('order=oldest')).toEqual([parent, child]);
    const withMetrics = await call('GET', '/api/v1/runs?experimentName=filters&kind=step&withMetrics=true');
    expect(withMetrics.body).toMatchObject({ items: [{ metrics: { loss: 0.5 } }] });
    const children = await call('GET', `/api/v1/runs/${parent}/children`);
    expect(children.body).toMatchObject({ items: [{ id: child, metrics: { loss: 0.5 } }] });
  });

  it('refuse what is no filter, naming the field', async () => {
    expectFault(await call('GET', '/api/v1/runs?limit=0'), 400, 'limit');
    expectFault(await call('GET', '/api/v1/runs?limit=many'), 400, 'limit');
    expectFault(await call('GET', '/api/v1/runs?state=Runing'), 400, 'state.0');
    expectFault(await call('GET', '/api/v1/runs?tag=novalue'), 400, 'tag');
    const misspelt = await call('GET', '/api/v1/runs?experimentNames=x');
    expectFault(misspelt, 400, 'experimentNames');
    expect(misspelt.text).toContain('Did you mean \\"experimentName\\"?');
    expect((await call('GET', '/api/v1/runs?cursor=nonsense')).status).toBe(400);
  });
});

describe('a run over HTTP', () => {
  it('is made, labelled, measured, logged and ended', async () => {
    const id = await newRun({ name: 'by hand', params: { rate: 0.1, layers: [1, 2] }, state: 'Running' });
    expect((await call('PATCH', `/api/v1/runs/${id}/tags`, { team: 'blue', gone: 'x' })).status).toBe(204);
    expect((await call('PATCH', `/api/v1/runs/${id}/tags`, { gone: null })).status).toBe(204);
    expect((await call('PATCH', `/api/v1/runs/${id}/params`, { rate: 0.2 })).status).toBe(204);
    expect((await call('POST', `/api/v1/runs/${id}/logs`, { text: 'erste Zeile\n' })).status).toBe(204);
    expect((await call('POST', `/api/v1/runs/${id}/logs`, { text: '二行目\n' })).status).toBe(204);
    const ended = await call('POST', `/api/v1/runs/${id}/state`, { state: 'Completed' });
    expect(ended.body).toMatchObject({
      state: 'Completed',
      tags: { team: 'blue' },
      params: { rate: 0.2, layers: [1, 2] },
    });
    const first = await call('GET', `/api/v1/runs/${id}/logs?maxBytes=12`);
    expect(first.body).toEqual({ text: 'erste Zeile\n', next: 12, state: 'Completed' });
    const rest = await call('GET', `/api/v1/runs/${id}/logs?offset=12`);
    expect(rest.body).toMatchObject({ text: '二行目\n', next: 22 });
  });

  it('keeps histories of metrics, thinned on demand, NaN and infinities included', async () => {
    const id = await newRun();
    const points = Array.from({ length: 1000 }, (_, step) => ({
      key: 'val/loss',
      value: 1 / (step + 1),
      step,
    }));
    expect((await call('POST', `/api/v1/runs/${id}/metrics`, { points })).status).toBe(204);
    const odd = ['NaN', 'Infinity', '-Infinity'].map((value, step) => ({ key: 'odd', value, step }));
    expect((await call('POST', `/api/v1/runs/${id}/metrics`, { points: odd })).status).toBe(204);
    const latest = await call('GET', `/api/v1/runs/${id}/metrics`);
    expect(latest.body).toEqual({ metrics: { 'val/loss': 0.001, odd: '-Infinity' } });
    const thin = await call('GET', `/api/v1/runs/${id}/metrics/val%2Floss?maxPoints=10`);
    const steps = (thin.body['points'] as unknown as { step: number }[]).map(({ step }) => step);
    expect(steps).toHaveLength(10);
    expect([steps[0], steps.at(-1)]).toEqual([0, 999]);
    const some = await call('GET', `/api/v1/runs/${id}/metrics/val%2Floss?fromStep=5&toStep=6`);
    expect(some.body).toMatchObject({ points: [{ step: 5 }, { step: 6 }] });
    const all = await call('GET', `/api/v1/runs/${id}/metrics/odd`);
    expect(all.body).toMatchObject({ points: odd.map(({ value, step }) => ({ value, step })) });
  });

  it('is cancelled: at once when nobody drives it, by request when a process does', async () => {
    const free = await newRun({ state: 'Running' });
    expect((await call('POST', `/api/v1/runs/${free}/cancel`)).body).toMatchObject({ state: 'Canceled' });
    expectFault(await call('POST', `/api/v1/runs/${free}/cancel`), 409);
    const driven = await newRun({ state: 'Running', kind: 'pipeline' });
    await store.claimRun(driven, currentOwner());
    const asked = await call('POST', `/api/v1/runs/${driven}/cancel`);
    expect([asked.status, String(asked.body['state'])]).toEqual([202, 'CancelRequested']);
  });

  it('cannot be deleted or left by a wrong way while it runs', async () => {
    const id = await newRun({ state: 'Running' });
    expectFault(await call('DELETE', `/api/v1/runs/${id}`), 409);
    await call('POST', `/api/v1/runs/${id}/state`, { state: 'Completed' });
    expectFault(await call('POST', `/api/v1/runs/${id}/state`, { state: 'Running' }), 409);
    expect((await call('DELETE', `/api/v1/runs/${id}`)).status).toBe(204);
    expectFault(await call('GET', `/api/v1/runs/${id}`), 404);
  });

  it('names the field of a wrong type, of an unknown name and of a missing one', async () => {
    const id = await newRun();
    const post = (path: string, body: unknown) => call('POST', `/api/v1/runs${path}`, body);
    expectFault(await post('', { experimentName: 7 }), 400, 'experimentName');
    expectFault(await post('', {}), 400, 'experimentName');
    expectFault(await post('', { experimentName: 'x', tags: { a: 1 } }), 400, 'tags.a');
    expectFault(await post('', { experimentName: 'x', nmae: 'y' }), 400, 'nmae');
    expectFault(await post('', []), 400, 'body');
    expectFault(await post('', { experimentName: '' }), 400, 'experiment name');
    expectFault(await post('', { experimentName: 'tests', parentId: 'nobody' }), 404);
    expectFault(await post('', { experimentName: 'tests', id }), 409);
    expectFault(await post('', { experimentName: 'tests', id: '../x' }), 400, 'run id');
    const bad = {
      points: [
        { key: 'a', value: 1 },
        { key: 'b', value: 'high' },
      ],
    };
    expectFault(await post(`/${id}/metrics`, bad), 400, 'points.1.value');
    expect((await call('GET', `/api/v1/runs/${id}/metrics`)).body).toEqual({ metrics: {} });
    expectFault(
      await post(`/${id}/metrics`, { points: [{ key: 'a', value: 1, step: -1 }] }),
      400,
      'points.0.step',
    );
    expectFault(await post(`/${id}/state`, { state: 'Done' }), 400, 'state');
  });

  it('is unknown on every route with 404', async () => {
    const routes = [
      'GET ',
      'GET /children',
      'GET /metrics',
      'GET /metrics/a',
      'GET /logs',
      'GET /events',
      'GET /artifacts',
      'GET /artifacts/a.txt',
      'PUT /artifacts/a.txt',
      'DELETE /artifacts/a.txt',
      'POST /cancel',
      'DELETE ',
    ];
    for (const route of routes) {
      const [method = '', path] = route.split(' ');
      expectFault(await call(method, `/api/v1/runs/nobody${path}`), 404);
    }
  });
});

describe('bodies and routes', () => {
  const send = (body: string, headers: Record<string, string> = {}) =>
    call('POST', '/api/v1/runs', new TextEncoder().encode(body), {
      headers: { 'content-type': 'application/json', ...headers },
    });

  it('are refused with the status of the fault', async () => {
    expectFault(await send('{"experimentName": '), 400);
    expectFault(await send('experimentName=x', { 'content-type': 'text/csv' }), 415);
    expectFault(await send(JSON.stringify({ experimentName: 'x'.repeat(9_000_000) })), 413);
    expectFault(await call('GET', '/api/v1/nothing'), 404);
    expectFault(await call('POST', '/api/v1/runs/x'), 404);
  });
});

describe('names with Unicode, quotes, SQL and HTML', () => {
  it.each(strangeNames)('come back as they were: %j', async (name) => {
    const id = await newRun({ experimentName: name, name, description: name, tags: { [name]: name } });
    const run = await call('GET', `/api/v1/runs/${id}`);
    expect(run.body).toMatchObject({ experimentName: name, name, description: name });
    expect(Object.entries(run.body['tags'] ?? {})).toEqual([[name, name]]);
    await call('POST', `/api/v1/runs/${id}/metrics`, { points: [{ key: name, value: 1 }] });
    const history = await call('GET', `/api/v1/runs/${id}/metrics/${encodeURIComponent(name)}`);
    expect(history.body).toMatchObject({ points: [{ value: 1 }] });
    const experiment = await call('GET', `/api/v1/experiments/${encodeURIComponent(name)}`);
    expect(experiment.body).toMatchObject({ name });
    const keys = await call('GET', `/api/v1/experiments/${encodeURIComponent(name)}/metric-keys`);
    expect(keys.body).toEqual({ items: [name] });
  });
});

describe('experiments', () => {
  it('are made once, listed, and deleted when nothing of them runs', async () => {
    const made = await call('POST', '/api/v1/experiments', {
      name: 'e1',
      description: 'first',
      tags: { a: 'b' },
    });
    expect(made.body).toMatchObject({ name: 'e1', description: 'first', tags: { a: 'b' } });
    expect((await call('POST', '/api/v1/experiments', { name: 'e1' })).body).toMatchObject({
      id: made.body['id'],
    });
    const id = await newRun({ experimentName: 'e1', state: 'Running' });
    expectFault(await call('DELETE', '/api/v1/experiments/e1'), 409);
    await call('POST', `/api/v1/runs/${id}/state`, { state: 'Failed', error: 'on purpose' });
    expect((await call('DELETE', '/api/v1/experiments/e1')).status).toBe(204);
    expectFault(await call('GET', '/api/v1/experiments/e1'), 404);
    expectFault(await call('DELETE', '/api/v1/experiments/e1'), 404);
  });
});

describe('tokens', () => {
  it('are asked for before a server can be reached from elsewhere', async () => {
    const lonely = await openStore({ root: join(root, 'lonely'), url: '' });
    await expect(createServer({ store: lonely, host: '0.0.0.0', port: 0 })).rejects.toThrow('needs a token');
    await createToken(lonely, { name: 'first', scopes: ['read'] });
    const server = await createServer({ store: lonely, host: '0.0.0.0', port: 0 });
    await server.close();
    await lonely.close();
  });

  it('cannot be searched, and nobody may ask without end', async () => {
    const other = await startTestServer();
    const guess = (i: number) => other.call('GET', '/api/v1/runs', undefined, { token: `guess${i}` });
    const statuses = new Set<number>();
    for (let i = 0; i < 70; i++) statuses.add((await guess(i)).status);
    expect([...statuses]).toEqual([401, 429]);
    expect((await guess(71)).headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await other.call('GET', '/api/v1/runs')).status).toBe(200);
    const small = await startTestServer({ requestsPerMinute: 3 });
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push((await small.call('GET', '/api/v1/runs')).status);
    expect(answers).toEqual([200, 200, 200, 429, 429]);
  });

  it('are not put into pages of others: answers carry the headers that browsers heed', async () => {
    const { headers } = await call('GET', '/api/v1/runs');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
  });

  it('are asked for: none, unknown, expired and of another scope', async () => {
    const list = (secret: string | null) => call('GET', '/api/v1/runs', undefined, { token: secret });
    expectFault(await list(null), 401);
    expectFault(await list('wrong'), 401);
    expectFault(await list(await token(['read'], '2001-01-01T00:00:00.000Z')), 401);
    expectFault(await list(await token(['score'])), 403);
    expect((await list(await token(['read']))).status).toBe(200);
  });

  it('are needed for every route of the API', async () => {
    const { body } = await call('GET', '/openapi.json', undefined, { token: null });
    const reader = await token(['score']);
    let count = 0;
    for (const [path, operations] of Object.entries(body['paths'] ?? {})) {
      for (const method of Object.keys(operations)) {
        const address = path.replace(/\{[^}]*\}/g, 'x').replace('*', 'x');
        const without = await call(method.toUpperCase(), address, undefined, { token: null });
        const other = await call(method.toUpperCase(), address, undefined, { token: reader });
        expect([method, path, without.status, other.status]).toEqual([method, path, 401, 403]);
        count++;
      }
    }
    expect(count).toBeGreaterThan(35);
  });
});
