import { describe, expect, it } from 'vitest';
import type { PipelineService, SubmitRequest } from '#serve';
import type { Store } from '#tracking';
import { startTestServer, strangeNames } from './test-server.ts';

/** Keeps what it was asked for: what pipelines do is tested where they are. */
class RecordingPipelines implements PipelineService {
  readonly requests: SubmitRequest[] = [];
  store: Store | undefined;

  async publish(runId: string, options: { name: string; description: string; version: string }) {
    if (this.store === undefined) throw new Error('no store');
    return this.store.publishPipeline({ ...options, runId, definition: { parameters: [] } });
  }

  async submit(_pipeline: unknown, request: SubmitRequest) {
    this.requests.push(request);
    const { experimentName = 'default', tags = {} } = request;
    const run = await this.store?.createRun({ experimentName, kind: 'pipeline', tags });
    return { runId: run?.id ?? '' };
  }

  async close() {}
}

const pipelines = new RecordingPipelines();
const { call, store, token } = await startTestServer({ pipelines });
pipelines.store = store;

describe('models over HTTP', () => {
  it('are uploaded as versions, promoted with a log, downloaded in ranges and deleted', async () => {
    const upload = (text: string) =>
      call('POST', '/api/v1/models/bank/versions?description=d', Buffer.from(text));
    expect((await upload('first')).body).toMatchObject({
      name: 'bank',
      version: 1,
      size: 5,
      description: 'd',
    });
    expect((await upload('second')).status).toBe(201);
    const point = (version: number, reason: string) =>
      call('PUT', '/api/v1/models/bank/aliases/champion', { version, by: 'ann', reason });
    expect((await point(1, 'only one')).status).toBe(204);
    expect((await point(2, 'better')).status).toBe(204);
    expect((await point(9, 'none')).status).toBe(404);
    expect((await call('GET', '/api/v1/models/bank/versions/champion')).body).toMatchObject({ version: 2 });
    expect((await call('GET', '/api/v1/models/bank/promotions')).body).toMatchObject({
      items: [
        { alias: 'champion', fromVersion: 1, toVersion: 2, by: 'ann', reason: 'better' },
        { fromVersion: null, toVersion: 1 },
      ],
    });
    const content = '/api/v1/models/bank/versions/newest/content';
    const part = await call('GET', content, undefined, { headers: { range: 'bytes=0-2' } });
    expect([part.status, part.text]).toEqual([206, 'sec']);
    expect((await call('GET', '/api/v1/models')).body).toMatchObject({
      items: [{ version: 2, aliases: ['champion'] }],
    });
    expect((await call('GET', '/api/v1/models/bank/versions')).body).toMatchObject({
      items: [{ version: 2 }, { version: 1 }],
    });
    expect((await call('DELETE', '/api/v1/models/bank/versions/2')).status).toBe(409);
    expect((await call('DELETE', '/api/v1/models/bank/aliases/champion?by=ann')).status).toBe(204);
    expect((await call('DELETE', '/api/v1/models/bank/versions/2')).status).toBe(204);
    expect((await call('GET', '/api/v1/models/bank')).body).toMatchObject({ version: 1 });
    for (const path of ['/nobody', '/nobody/versions', '/bank/versions/7', '/bank/versions/none/content']) {
      expect((await call('GET', `/api/v1/models${path}`)).status).toBe(404);
    }
  });

  it.each(strangeNames)('keep their names: %j', async (...[name]: string[]) => {
    const path = `/api/v1/models/${encodeURIComponent(name)}`;
    expect((await call('POST', `${path}/versions`, Buffer.from('x'))).body).toMatchObject({
      name,
      version: 1,
    });
    expect((await call('GET', path)).body).toMatchObject({ name });
    expect((await call('GET', `${path}/versions/1/content`)).text).toBe('x');
  });
});

describe('datasets over HTTP', () => {
  it('are listed and forgotten by version, and cannot be made to read files of the server', async () => {
    for (const fingerprint of ['aa', 'bb']) {
      await store.registerDataset({
        name: 'bank',
        fingerprint,
        source: { type: 'tabular', sources: ['bank.csv'] },
      });
    }
    expect((await call('GET', '/api/v1/datasets')).body).toMatchObject({
      items: [{ name: 'bank', version: 2 }],
    });
    expect((await call('GET', '/api/v1/datasets/bank?version=1')).body).toMatchObject({ fingerprint: 'aa' });
    expect((await call('GET', '/api/v1/datasets/bank/versions')).body).toMatchObject({
      items: [{ version: 2 }, { version: 1 }],
    });
    const register = { name: 'x', source: { sources: ['/etc/passwd'] } };
    expect((await call('POST', '/api/v1/datasets', register)).status).toBe(404);
    expect((await call('DELETE', '/api/v1/datasets/bank?version=2')).status).toBe(204);
    expect((await call('GET', '/api/v1/datasets/bank')).body).toMatchObject({ version: 1 });
    expect((await call('GET', '/api/v1/datasets/bank?version=2')).status).toBe(404);
    expect((await call('GET', '/api/v1/datasets/bank?version=two')).status).toBe(400);
  });
});

describe('published pipelines over HTTP', () => {
  const publish = async () => {
    const definition = { parameters: [{ name: 'rate', default: 0.1 }] };
    const record = { name: 'daily', description: '', version: '1.0', definition, runId: null };
    return (await store.publishPipeline(record)).id;
  };
  const azure = '/pipelines/v1.0/subscriptions/s/resourceGroups/g/providers/p/workspaces/w/PipelineRuns';

  it("are started by Azure's call, whatever path is in between", async () => {
    const id = await publish();
    const body = {
      ExperimentName: 'pipeline-rest-endpoint',
      DisplayName: 'nightly',
      Description: 'by curl',
      Tags: { who: 'me' },
      RunSource: 'SDK',
      ParameterAssignments: { rate: 0.5 },
      ContinueOnStepFailure: true,
      SomethingNew: [1],
    };
    const { status, body: answer } = await call('POST', `${azure}/PipelineSubmit/${id}`, body);
    expect(status).toBe(200);
    expect(answer).toMatchObject({ Id: expect.any(String), ExperimentName: 'pipeline-rest-endpoint' });
    expect(pipelines.requests.at(-1)).toEqual({
      experimentName: 'pipeline-rest-endpoint',
      displayName: 'nightly',
      description: 'by curl',
      tags: { who: 'me', runSource: 'SDK' },
      parameters: { rate: 0.5 },
      continueOnStepFailure: true,
    });
    const run = await call('GET', `${azure}/${answer['Id']}`);
    expect(run.body).toMatchObject({ Id: String(answer['Id']), Status: 'NotStarted' });
    for (const empty of [{}, undefined]) {
      expect((await call('POST', `/pipelines/v1.0/PipelineRuns/PipelineSubmit/${id}`, empty)).status).toBe(
        200,
      );
    }
  });

  it('are started by the short form', async () => {
    const id = await publish();
    const { status, body, headers } = await call('POST', `/api/v1/pipelines/${id}/submit`, {
      experimentName: 'short',
      parameters: { rate: 1 },
    });
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(String(body['url']));
    expect((await call('GET', String(body['url']))).body).toMatchObject({ experimentName: 'short' });
    const none = await call('POST', `/api/v1/pipelines/${id}/submit`);
    expect(none.status).toBe(202);
  });

  it('refuse unknown pipelines and parameters, wrong types and parents that are not there', async () => {
    const id = await publish();
    const before = pipelines.requests.length;
    const submit = (body: unknown) => call('POST', `${azure}/PipelineSubmit/${id}`, body);
    const misspelt = await submit({ ParameterAssignments: { rat: 1 } });
    expect(misspelt.status).toBe(400);
    expect(misspelt.body).toMatchObject({
      message:
        'ParameterAssignments: must be parameters of the pipeline, but got "rat". Did you mean "rate"?',
      error: { field: 'ParameterAssignments.rat' },
    });
    for (const [field, value] of [
      ['ExperimentName', 5],
      ['ParameterAssignments', []],
      ['Tags', { a: 1 }],
      ['ContinueOnStepFailure', 'yes'],
    ] as const) {
      const { status, body } = await submit({ [field]: value });
      expect([status, String(body['error']?.['field']).split('.')[0]]).toEqual([400, field]);
      expect(String(body['message'])).toContain(field);
    }
    expect((await submit([])).status).toBe(400);
    expect((await submit({ ParentRunId: 'nobody' })).status).toBe(404);
    expect((await call('POST', `${azure}/PipelineSubmit/nobody`, {})).status).toBe(404);
    expect((await call('GET', `${azure}/nobody`)).status).toBe(404);
    expect((await call('POST', '/pipelines/v1.0/elsewhere', {})).status).toBe(404);
    expect((await call('POST', '/api/v1/pipelines/nobody/submit', {})).status).toBe(404);
    const short = await call('POST', `/api/v1/pipelines/${id}/submit`, { parameters: { rat: 1 } });
    expect(short.body).toMatchObject({ error: { field: 'parameters.rat' } });
    expect(pipelines.requests).toHaveLength(before);
  });

  it('are disabled and enabled, by an administrator', async () => {
    const id = await publish();
    const submitter = await token(['submit']);
    expect(
      (await call('POST', `/api/v1/pipelines/${id}/disable`, undefined, { token: submitter })).status,
    ).toBe(403);
    expect((await call('POST', `/api/v1/pipelines/${id}/disable`)).body).toMatchObject({
      status: 'Disabled',
    });
    expect((await call('POST', `/api/v1/pipelines/${id}/submit`, {}, { token: submitter })).status).toBe(409);
    expect((await call('POST', `/api/v1/pipelines/${id}/enable`)).body).toMatchObject({ status: 'Active' });
    expect((await call('GET', `/api/v1/pipelines/${id}`)).body).toMatchObject({
      definition: { parameters: [{ name: 'rate' }] },
    });
    const list = await call('GET', '/api/v1/pipelines?limit=1');
    expect(list.body).toMatchObject({ items: [{ id, endpoint: `/api/v1/pipelines/${id}/submit` }] });
    expect(list.text).not.toContain('definition');
  });

  it('are published from a pipeline run that has completed, and from no other', async () => {
    const run = async (kind: 'pipeline' | 'run', state: 'Completed' | 'Failed') => {
      const { id } = await store.createRun({ experimentName: 'published', kind, state: 'Running' });
      await store.transition(id, state);
      return id;
    };
    const post = (runId: string) => call('POST', '/api/v1/pipelines', { runId, name: 'p <b>' });
    const done = await run('pipeline', 'Completed');
    expect((await post(done)).body).toMatchObject({
      name: 'p <b>',
      runId: done,
      status: 'Active',
      version: '1.0',
    });
    expect((await post(await run('pipeline', 'Failed'))).status).toBe(409);
    expect((await post(await run('run', 'Completed'))).body).toMatchObject({ error: { field: 'runId' } });
    expect((await post('nobody')).status).toBe(404);
  });

  it('answer 501 where the server runs none', async () => {
    const other = await startTestServer();
    const record = { name: 'x', description: '', version: '1', definition: {}, runId: null };
    const { id } = await other.store.publishPipeline(record);
    expect((await other.call('POST', `/api/v1/pipelines/${id}/submit`, {})).status).toBe(501);
  });
});
