import { afterAll, beforeAll, expect, test } from 'vitest';
import { Deadline, silentLogger } from '#core';
import { numberColumn, stringColumn, Table } from '#data';
import { fitPipeline, inferPurposes, TabularModel } from '#tabular';
import { createScoringServer, type ScoringServer } from './create-scoring-server.ts';

/** A tree that knows the upper half of x from the lower. */
async function modelBytes(): Promise<Uint8Array> {
  const features = new Table([
    numberColumn('x', [1.5, 2, 3, 4, 5, 6, 7, 8]),
    stringColumn('job', ['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b']),
  ]);
  const pipeline = await fitPipeline(
    features,
    { y: Float64Array.of(0, 0, 0, 0, 1, 1, 1, 1), classes: 2 },
    { encoding: 'ordinal', scaler: null, learner: 'DecisionTree', params: { minSamplesLeaf: 1 } },
    {
      purposes: inferPurposes(features, { overrides: { x: 'Numeric', job: 'Categorical' } }),
      featurization: 'auto',
    },
    { seed: 1, threads: 1, deadline: Deadline.none, logger: silentLogger },
  );
  const model = new TabularModel({
    task: 'classification',
    labels: { type: 'string', values: ['low', 'high'] },
    members: [{ iteration: 0, weight: 1, pipeline }],
    combination: 'vote',
    meta: null,
    decision: { kind: 'argmax' },
  });
  return model.toOnnx({
    labelColumn: 'y',
    algorithm: 'DecisionTree',
    primaryMetric: 'accuracy',
    metrics: {},
    fingerprint: 'f',
  });
}

let server: ScoringServer;
let model: Uint8Array;
beforeAll(async () => {
  model = await modelBytes();
  server = await createScoringServer({ model, port: 0, maxBodyBytes: 10_000 });
});
afterAll(() => server.close());

async function score(body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.url}/score`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const json = async (response: Response) =>
  (await response.json()) as Record<string, Record<string, { example: object }>>;

const low = { x: 2, job: 'a' };
const high = { x: 7, job: 'b' };

test('rows are scored in every form', async () => {
  expect((await score({ Inputs: { data: [low, high] } })).body).toEqual({ Results: ['low', 'high'] });
  const body = { Inputs: { data: [low] }, GlobalParameters: { method: 'predict_proba' } };
  expect((await score(body)).body).toEqual({ Results: [[1, 0]] });
  expect((await score({ data: [high] })).body).toEqual({ result: ['high'] });
  expect((await score([low, high])).body).toEqual(['low', 'high']);
  expect((await score(high)).body).toEqual(['high']);
});

test('a missing or wrongly typed column is named with its row', async () => {
  expect(await score([low, { x: 1 }])).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(/row 2 lacks "job"/) },
  });
  expect(await score([low, { ...low, x: 'many' }])).toMatchObject({
    status: 400,
    body: { message: expect.stringMatching(/column "x" must hold a number, but row 2 holds "many"/) },
  });
});

test('wrong methods, types, sizes and headers have their own status', async () => {
  expect((await fetch(`${server.url}/score`)).status).toBe(405);
  expect((await score('x', { 'content-type': 'text/csv' })).status).toBe(415);
  expect((await score({ ...low, job: 'a'.repeat(11_000) })).status).toBe(413);
  expect((await score(low, { 'x-request-id': 'a'.repeat(101) })).status).toBe(431);
  expect((await score(low, { 'x-request-id': 'mine' })).headers.get('x-request-id')).toBe('mine');
  expect(await (await fetch(server.url)).text()).toBe('Healthy');
});

test('no request of 200 concurrent callers fails while the model is swapped', async () => {
  let swapped = false;
  const versions = new Set<string | null>();
  const caller = async () => {
    for (let i = 0; i < 5 || !swapped; i++) {
      const { status, body, headers } = await score(high);
      expect([status, body]).toEqual([200, ['high']]);
      versions.add(headers.get('azureml-model-deployment'));
    }
    await score(high).then(({ headers }) => versions.add(headers.get('azureml-model-deployment')));
  };
  const callers = Array.from({ length: 200 }, caller);
  // The old model must be in use when it goes.
  await expect.poll(() => versions.has('1')).toBe(true);
  await server.swap(model, '2');
  swapped = true;
  await Promise.all(callers);
  expect([...versions].sort()).toEqual(['1', '2']);
});

test('the model describes itself as Swagger 2.0 and OpenAPI 3, with an example that can be sent', async () => {
  const swagger = await json(await fetch(`${server.url}/swagger.json`));
  expect(swagger).toMatchObject({
    swagger: '2.0',
    paths: { '/score': { post: { operationId: 'RunMLService' } }, '/': { get: {} } },
    definitions: {
      Row: {
        properties: { x: { type: 'number' }, job: { type: 'string' } },
        required: ['x', 'job'],
      },
      ServiceOutput: { properties: { Results: { items: { enum: ['low', 'high'] } } } },
    },
  });
  const answer = await score(swagger['definitions']['ServiceInput'].example);
  expect(answer.status).toBe(200);
  const openApi = await json(await fetch(`${server.url}/swagger.json?version=3`));
  expect(openApi['openapi']).toMatch(/^3\./);
  expect(JSON.stringify(openApi)).not.toContain('#/definitions/');
  const unknown = await fetch(`${server.url}/swagger.json?version=4`);
  expect([unknown.status, (await json(unknown))['message']]).toEqual([404, expect.stringMatching(/2 or 3/)]);
});

test('metrics count requests by status, batches and the queue', async () => {
  await score(low);
  await score({ nothing: 1 });
  const text = await (await fetch(`${server.url}/metrics`)).text();
  expect(text).toMatch(/^trainyard_score_requests_total\{status="200"\} [1-9]/m);
  expect(text).toMatch(/^trainyard_score_requests_total\{status="400"\} [1-9]/m);
  expect(text).toMatch(/^trainyard_score_seconds_bucket\{le="\+Inf"\} [1-9]/m);
  expect(text).toMatch(/^trainyard_score_batch_rows_count [1-9]/m);
  expect(text).toMatch(/^trainyard_score_queue_rows 0$/m);
  expect(text).toMatch(/^trainyard_model_info\{model="[^"]+"\} 1$/m);
});

test('more rows than may wait are refused, and a port that is taken is named', async () => {
  const small = await createScoringServer({ model, port: 0, maxQueueRows: 2 });
  const response = await fetch(`${small.url}/score`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([low, low, low]),
  });
  expect([response.status, (await json(response))['message']]).toEqual([
    413,
    expect.stringMatching(/at most 2 rows/),
  ]);
  await expect(createScoringServer({ model, port: small.port })).rejects.toThrow(/must be free/);
  await small.close();
});
