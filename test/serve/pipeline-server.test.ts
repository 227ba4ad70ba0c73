import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { Pipeline, PipelineData, PipelineParameter, ScriptStep } from '#pipeline';
import { createToken, getAuthenticationHeader } from '#serve';
import { Experiment, Workspace } from '#workspace';
import { runTrainyard } from '../cli/run-trainyard.ts';
import { endServer, startServer } from './start-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-published-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const databaseUrl = process.env['TRAINYARD_DATABASE_URL'] ?? '';

writeFileSync(
  join(folder, 'count.mjs'),
  `import { writeFileSync } from 'node:fs';
export default async function count({ outputs, parameters }, { signal }) {
  for (let i = 0; i < parameters.waits && !signal?.aborted; i++) await new Promise((r) => setTimeout(r, 50));
  console.log('counted to ' + parameters.start);
  for (const path of Object.values(outputs)) writeFileSync(path, String(parameters.start));
}
`,
);

describe('a pipeline that one process published', () => {
  it('is started over HTTP and from the command line, watched, cancelled and explained', async () => {
    const workspace = await Workspace.create({ path: folder });
    onTestFinished(() => workspace.close());
    const { store } = workspace;
    const parameters = {
      start: new PipelineParameter({ name: 'start', defaultValue: 1 }),
      waits: new PipelineParameter({ name: 'waits', defaultValue: 0 }),
    };
    const pipeline = new Pipeline(workspace, {
      description: 'counts',
      steps: [
        new ScriptStep({
          name: 'count',
          script: join(folder, 'count.mjs'),
          outputs: [new PipelineData('number')],
          parameters,
        }),
      ],
    });
    const first = await pipeline.submit(new Experiment(workspace, 'first'), { showOutput: false });
    await first.waitForCompletion({ showOutput: false });
    const trainyard = async (...args: string[]) => {
      const finished = await runTrainyard(folder, [...args, '--json']);
      expect(finished).toMatchObject({ code: 0, stderr: '' });
      return JSON.parse(finished.stdout);
    };
    const published = await trainyard('pipeline', 'publish', first.id, '--name', 'counter');
    expect(published).toMatchObject({ name: 'counter', status: 'Active', version: '1.0', runId: first.id });

    const { text: token } = await createToken(store, { name: 'notebook', scopes: ['read', 'submit'] });
    const headers = { ...getAuthenticationHeader({ token }), 'content-type': 'application/json' };
    const { child, url } = await startServer(folder, databaseUrl);
    onTestFinished(() => endServer(child, 'SIGKILL'));
    const post = async (path: string, body: unknown) => {
      const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    const submitAt = new URL(published.endpoint).pathname;
    const started = await post(submitAt, {
      ExperimentName: 'pipeline-rest-endpoint',
      ParameterAssignments: { start: 7 },
    });
    expect(started).toMatchObject({ status: 200, body: { ExperimentName: 'pipeline-rest-endpoint' } });
    const id = String(started.body['Id']);
    const events = await fetch(`${url}/api/v1/runs/${id}/events`, {
      headers: { ...headers, accept: 'text/event-stream' },
    });
    expect(await events.text()).toContain('event: end\ndata: {"state":"Completed"}');
    const status = await fetch(`${url}${submitAt.replace(/PipelineSubmit.*/, '')}${id}`, { headers });
    expect(await status.json()).toMatchObject({ Id: id, Status: 'Completed', PipelineId: published.id });
    const unknown = await post(submitAt, { ParameterAssignments: { strat: 7 } });
    expect(unknown).toMatchObject({ status: 400, body: { error: { field: 'ParameterAssignments.strat' } } });

    const long = await post(`/api/v1/pipelines/${published.id}/submit`, { parameters: { waits: 1000 } });
    const longId = String(long.body['id']);
    await expect.poll(async () => (await store.getRun(longId)).state, { timeout: 60_000 }).toBe('Running');
    expect((await post(`/api/v1/runs/${longId}/cancel`, {})).status).toBe(202);
    await expect.poll(async () => (await store.getRun(longId)).state, { timeout: 60_000 }).toBe('Canceled');

    const again = await trainyard(
      'pipeline',
      'submit',
      'counter',
      '--experiment',
      'cli',
      '--param',
      'start=7',
    );
    expect(again).toMatchObject({ state: 'Completed', experimentName: 'cli', params: { start: 7 } });
    expect(await trainyard('pipeline', 'explain', again.id, 'count')).toMatchObject({ reused: true });
    const mistyped = await runTrainyard(folder, ['pipeline', 'submit', 'counter', '--param', 'strat=7']);
    expect([mistyped.code, mistyped.stderr]).toEqual([2, expect.stringContaining('Did you mean "start"?')]);

    const abandoned = await post(`/api/v1/pipelines/${published.id}/submit`, {
      parameters: { waits: 40, start: 9 },
    });
    const abandonedId = String(abandoned.body['id']);
    await expect
      .poll(async () => (await store.getRun(abandonedId)).state, { timeout: 60_000 })
      .toBe('Running');
    await endServer(child, 'SIGKILL');
    const resumed = await trainyard('run', 'resume', abandonedId);
    expect(resumed).toMatchObject({ id: abandonedId, state: 'Completed' });
    expect(await new Experiment(workspace, 'pipelines').details()).toMatchObject({ name: 'pipelines' });
  });
});
