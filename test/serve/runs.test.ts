import { describe, expect, it } from 'vitest';
import { startTestServer } from './test-server.ts';

const { call, store, token } = await startTestServer();

describe('runs over HTTP', () => {
  it('lists runs newest first, page by page, to those who have a token', async () => {
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

  it('refuses a request without a token, with an unknown one and with one of another scope', async () => {
    expect((await call('GET', '/api/v1/runs', undefined, { token: null })).status).toBe(401);
    expect((await call('GET', '/api/v1/runs', undefined, { token: 'wrong' })).status).toBe(401);
    const scored = await call('GET', '/api/v1/runs', undefined, { token: await token(['score']) });
    expect(scored.status).toBe(403);
    expect(scored.body).toMatchObject({ error: { code: 'Forbidden' } });
  });
});
