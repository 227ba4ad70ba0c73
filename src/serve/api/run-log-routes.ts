import { Type } from 'typebox';
import type { ApiApp, ApiContext } from './api-app.ts';
import { present } from './page-schemas.ts';
import {
  encodeMetric,
  encodeMetrics,
  eventSchema,
  jsonObjectSchema,
  jsonSchema,
  metricValueSchema,
  metricValuesSchema,
  runKindSchema,
  runSchema,
  runStateSchema,
  tagsSchema,
} from './record-schemas.ts';
import { findRun, runParams } from './run-routes.ts';

const submit = { scope: 'submit' } as const;
const read = { scope: 'read' } as const;
const tags = ['runs'];
const closed = { additionalProperties: false };
const done = { 204: Type.Null() };
const DEFAULT_MAX_POINTS = 1000;

const newRunSchema = Type.Object(
  {
    id: Type.Optional(Type.String({ description: 'Letters, digits, `_`, `-` and `.`; made when absent.' })),
    experimentName: Type.String(),
    parentId: Type.Optional(Type.String()),
    kind: Type.Optional(runKindSchema),
    name: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
    state: Type.Optional(runStateSchema),
    tags: Type.Optional(tagsSchema),
    params: Type.Optional(jsonObjectSchema),
    properties: Type.Optional(jsonObjectSchema),
  },
  closed,
);

const pointSchema = Type.Object(
  { key: Type.String(), value: metricValueSchema, step: Type.Optional(Type.Integer({ minimum: 0 })) },
  closed,
);

/** Writing runs over HTTP, for programs that are not of this library. */
export function runLogRoutes(app: ApiApp, context: ApiContext): void {
  createRoutes(app, context);
  labelRoutes(app, context);
  metricRoutes(app, context);
  logRoutes(app, context);
}

function createRoutes(app: ApiApp, { store }: ApiContext): void {
  app.post(
    '/runs',
    { config: submit, schema: { tags, body: newRunSchema, response: { 201: runSchema } } },
    async ({ body }, reply) => {
      if (body.parentId !== undefined) await findRun(store, body.parentId);
      const run = await store.createRun({ ...present(body), experimentName: body.experimentName });
      return reply.code(201).header('location', `/api/v1/runs/${run.id}`).send(run);
    },
  );

  app.post(
    '/runs/:id/state',
    {
      config: submit,
      schema: {
        tags,
        summary: 'Moves a run to another state',
        params: runParams,
        body: Type.Object(
          { state: runStateSchema, error: Type.Optional(Type.Union([Type.String(), Type.Null()])) },
          closed,
        ),
        response: { 200: runSchema },
      },
    },
    async ({ params, body: { state, error } }, reply) => {
      await findRun(store, params.id);
      await store.transition(params.id, state, present({ error }));
      return reply.send(await findRun(store, params.id));
    },
  );
}

function labelRoutes(app: ApiApp, { store }: ApiContext): void {
  app.patch(
    '/runs/:id/tags',
    {
      config: submit,
      schema: {
        tags,
        summary: 'Adds or replaces tags; null removes one',
        params: runParams,
        body: Type.Unsafe<Record<string, string | null>>({
          type: 'object',
          additionalProperties: { anyOf: [{ type: 'string' }, { type: 'null' }] },
        }),
        response: done,
      },
    },
    async ({ params, body }, reply) => {
      await findRun(store, params.id);
      await store.setTags(params.id, body);
      return reply.code(204).send(null);
    },
  );

  app.patch(
    '/runs/:id/params',
    {
      config: submit,
      schema: {
        tags,
        summary: 'Adds parameters; another value amends the first and leaves an event',
        params: runParams,
        body: jsonObjectSchema,
        response: done,
      },
    },
    async ({ params, body }, reply) => {
      await findRun(store, params.id);
      await store.setParams(params.id, body);
      return reply.code(204).send(null);
    },
  );
}

function metricRoutes(app: ApiApp, { store }: ApiContext): void {
  app.post(
    '/runs/:id/metrics',
    {
      config: submit,
      schema: {
        tags,
        summary: 'Logs points: all of them or none',
        params: runParams,
        body: Type.Object({ points: Type.Array(pointSchema, { maxItems: 100_000 }) }, closed),
        response: done,
      },
    },
    async ({ params, body: { points } }, reply) => {
      await findRun(store, params.id);
      await store.logMetrics(
        params.id,
        points.map(({ key, value, step }) => ({ key, value: Number(value), ...present({ step }) })),
      );
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/runs/:id/metrics',
    {
      config: read,
      schema: {
        tags,
        summary: 'The value of the highest step of every metric',
        params: runParams,
        response: { 200: Type.Object({ metrics: metricValuesSchema }) },
      },
    },
    async ({ params }, reply) => {
      await findRun(store, params.id);
      return reply.send({ metrics: encodeMetrics(await store.latestMetrics(params.id)) });
    },
  );

  app.get(
    '/runs/:id/metrics/:key',
    {
      config: read,
      schema: {
        tags,
        summary: 'History of a metric, thinned evenly to maxPoints',
        params: Type.Object({ id: Type.String(), key: Type.String() }),
        querystring: Type.Object(
          {
            fromStep: Type.Optional(Type.Integer({ minimum: 0 })),
            toStep: Type.Optional(Type.Integer({ minimum: 0 })),
            maxPoints: Type.Optional(
              Type.Integer({ minimum: 2, maximum: 100_000, description: 'Default 1000.' }),
            ),
          },
          closed,
        ),
        response: {
          200: Type.Object({
            points: Type.Array(
              Type.Object({ step: Type.Integer(), value: metricValueSchema, time: Type.String() }),
            ),
          }),
        },
      },
    },
    async ({ params: { id, key }, query }, reply) => {
      await findRun(store, id);
      const { fromStep, toStep, maxPoints = DEFAULT_MAX_POINTS } = query;
      const points = await store.metricHistory(id, key, { ...present({ fromStep, toStep }), maxPoints });
      return reply.send({ points: points.map((point) => ({ ...point, value: encodeMetric(point.value) })) });
    },
  );
}

function logRoutes(app: ApiApp, { store }: ApiContext): void {
  app.get(
    '/runs/:id/logs',
    {
      config: read,
      schema: {
        tags,
        summary: 'The log from a byte on; `next` is where to go on',
        params: runParams,
        querystring: Type.Object(
          {
            offset: Type.Optional(Type.Integer({ minimum: 0 })),
            maxBytes: Type.Optional(
              Type.Integer({ minimum: 4, maximum: 1_048_576, description: 'Default 65536.' }),
            ),
          },
          closed,
        ),
        response: { 200: Type.Object({ text: Type.String(), next: Type.Integer(), state: runStateSchema }) },
      },
    },
    async ({ params, query: { offset, maxBytes } }, reply) => {
      // The state is read before the text: a final one says that the text is all there is.
      const { state } = await findRun(store, params.id);
      return reply.send({ ...(await store.readLog(params.id, present({ offset, maxBytes }))), state });
    },
  );

  app.post(
    '/runs/:id/logs',
    {
      config: submit,
      schema: {
        tags,
        summary: 'Adds to the end of the log',
        params: runParams,
        body: Type.Object({ text: Type.String() }, closed),
        response: done,
      },
    },
    async ({ params, body }, reply) => {
      await findRun(store, params.id);
      await store.appendLog(params.id, body.text);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/runs/:id/events',
    {
      config: submit,
      schema: {
        tags,
        summary: "Tells those who watch; types are a program's own",
        params: runParams,
        body: Type.Object({ type: Type.String(), data: jsonSchema }, closed),
        response: { 201: eventSchema },
      },
    },
    async ({ params, body }, reply) => {
      await findRun(store, params.id);
      return reply.code(201).send(await store.appendEvent(params.id, body.type, body.data));
    },
  );
}
