import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { createToken } from '#serve';
import { Workspace } from '#workspace';
import { PostgresServer, postgresBin } from '../tracking/postgres-server.ts';
import { endServer, startServer } from './start-server.ts';

function survival(database: () => Promise<string>): void {
  const setUp = async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trainyard-survival-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const databaseUrl = await database();
    const workspace = await Workspace.create({ path: folder, databaseUrl });
    onTestFinished(() => workspace.close());
    const { text: secret } = await createToken(workspace.store, { name: 'test', scopes: ['admin'] });
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    return { folder, databaseUrl, store: workspace.store, root: workspace.root, headers };
  };

  it('killed during an upload it leaves no torn file, and the next server goes on', async () => {
    const { folder, databaseUrl, store, root, headers } = await setUp();
    const { id } = await store.createRun({ experimentName: 'uploads' });
    await store.putArtifact(id, 'model.bin', Buffer.from('the file before'));
    const { child, url } = await startServer(folder, databaseUrl);
    const path = `${url}/api/v1/runs/${id}/artifacts/model.bin`;
    const upload = request(path, { method: 'PUT', headers: { ...headers, 'content-length': 50_000_000 } });
    upload.on('error', () => {});
    upload.write(randomBytes(20_000_000));
    const incoming = () => readdirSync(join(root, 'artifacts'), { recursive: true, withFileTypes: true });
    // The upload is on its way once the server has begun a file beside the one that is there.
    await expect.poll(() => incoming().filter((entry) => entry.isFile()).length, { timeout: 60_000 }).toBe(2);
    await endServer(child, 'SIGKILL');
    const next = await startServer(folder, databaseUrl);
    const nextPath = `${next.url}/api/v1/runs/${id}/artifacts/model.bin`;
    expect(await (await fetch(nextPath, { headers })).text()).toBe('the file before');
    const put = await fetch(nextPath, { method: 'PUT', headers, body: 'the file after' });
    expect(put.status).toBe(201);
    expect(await (await fetch(nextPath, { headers })).text()).toBe('the file after');
    await endServer(next.child, 'SIGTERM');
    expect(next.child.exitCode).toBe(0);
  });

  it('killed during metric writes it has kept every point that it acknowledged', async () => {
    const { folder, databaseUrl, headers, store } = await setUp();
    const { id } = await store.createRun({ experimentName: 'metrics', state: 'Running' });
    const { child, url } = await startServer(folder, databaseUrl);
    const acknowledged: number[] = [];
    let isKilled = false;
    const writer = async (first: number) => {
      for (let step = first; !isKilled; step += 4 * 50) {
        const points = Array.from({ length: 50 }, (_, i) => ({
          key: 'loss',
          value: step + i,
          step: step + i,
        }));
        const body = JSON.stringify({ points });
        const status = await fetch(`${url}/api/v1/runs/${id}/metrics`, {
          method: 'POST',
          headers,
          body,
        }).then(
          (response) => response.status,
          () => 0,
        );
        if (status === 204) acknowledged.push(...points.map((point) => point.step));
        if (acknowledged.length >= 4000 && !isKilled) {
          isKilled = true;
          child.kill('SIGKILL');
        }
      }
    };
    await Promise.all([0, 50, 100, 150].map(writer));
    await endServer(child, 'SIGKILL');
    const kept = new Map((await store.metricHistory(id, 'loss')).map(({ step, value }) => [step, value]));
    expect(acknowledged.length).toBeGreaterThanOrEqual(4000);
    expect(acknowledged.filter((step) => kept.get(step) !== step)).toEqual([]);
  });

  it('two serve one workspace: what one writes the other shows, and streams', async () => {
    const { folder, databaseUrl, headers } = await setUp();
    const [one, two] = await Promise.all([
      startServer(folder, databaseUrl),
      startServer(folder, databaseUrl),
    ]);
    const post = async (url: string, path: string, body: unknown) => {
      const response = await fetch(`${url}/api/v1${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      return response.status === 204 ? { id: '' } : ((await response.json()) as { id: string });
    };
    const { id } = await post(one.url, '/runs', { experimentName: 'shared', state: 'Running' });
    const stream = await fetch(`${two.url}/api/v1/runs/${id}/events`, {
      headers: { ...headers, accept: 'text/event-stream' },
    });
    const heard = stream.text();
    await Promise.all(
      [one, two].flatMap(({ url }, server) =>
        Array.from({ length: 20 }, (_, step) =>
          post(url, `/runs/${id}/metrics`, { points: [{ key: `server ${server}`, value: step, step }] }),
        ),
      ),
    );
    await post(one.url, `/runs/${id}/state`, { state: 'Completed' });
    expect(await heard).toContain('{"state":"Completed"}');
    const metrics = await (await fetch(`${two.url}/api/v1/runs/${id}/metrics`, { headers })).json();
    expect(metrics).toEqual({ metrics: { 'server 0': 19, 'server 1': 19 } });
    await Promise.all([endServer(one.child, 'SIGTERM'), endServer(two.child, 'SIGTERM')]);
  });
}

describe('a server on SQLite', () => {
  // An empty address overrides what the environment says.
  survival(async () => '');
});

describe.skipIf(postgresBin === undefined)('a server on PostgreSQL', () => {
  let postgres: Promise<PostgresServer> | undefined;
  let count = 0;
  afterAll(async () => (await postgres)?.stop());
  survival(async () => {
    postgres ??= PostgresServer.start();
    return (await postgres).database(`server_${count++}`);
  });
});
