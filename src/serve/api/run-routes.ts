import { Type } from 'typebox';
import { isFinal, type RunRecord, type Store } from '#tracking';
import { Run } from '#workspace';
import type { ApiApp, ApiContext } from './api-app.ts';
import { pageOf, pageQuery, pageQuerySchema, pageSchema, present } from './page-schemas.ts';
import {
  encodeMetrics,
  metricValuesSchema,
  runKindSchema,
  runSchema,
  runStateSchema,
} from './record-schemas.ts';
import { notFound, RequestError } from './request-error.ts';

export const runParams = Type.Object({ id: Type.String() });
const tags = ['runs'];

const runListQuery = Type.Object(
  {
    ...pageQuery,
    experimentName: Type.Optional(Type.String()),
    parentId: Type.Optional(
      Type.String({ description: 'Children of a run; `none`: runs without a parent.' }),
    ),
    state: Type.Optional(Type.Array(runStateSchema)),
    kind: Type.Optional(Type.Array(runKindSchema)),
    tag: Type.Optional(
      Type.Array(Type.String(), { description: '`name=value`; a run must carry all of them.' }),
    ),
    withMetrics: Type.Optional(Type.Boolean({ description: 'Latest values come with every run.' })),
    order: Type.Optional(Type.Enum(['newest', 'oldest'])),
  },
  { additionalProperties: false },
);

const runSummarySchema = Type.Object({
  ...runSchema.properties,
  metrics: Type.Optional(metricValuesSchema),
});

/** The run, or 404. */
export async function findRun(store: Store, id: string): Promise<RunRecord> {
  return (
    (await store.findRun(id)) ??
    notFound(`run: must exist, but got ${JSON.stringify(id)}. GET /api/v1/runs lists them.`)
  );
}

/** Reading, cancelling and deleting runs. */
export function runRoutes(app: ApiApp, { store }: ApiContext): void {
  const read = { scope: 'read' } as const;

  app.get(
    '/runs',
    {
      config: read,
      schema: { tags, querystring: runListQuery, response: { 200: pageSchema(runSummarySchema) } },
    },
    async ({ query }, reply) => {
      const { parentId, state, kind, tag, experimentName, withMetrics, order } = query;
      const page = await store.listRuns({
        ...pageOf(query),
        ...present({ experimentName, withMetrics, order, states: state, kinds: kind }),
        ...(parentId === undefined ? {} : { parentId: parentId === 'none' ? null : parentId }),
        ...(tag === undefined ? {} : { tags: parseTags(tag) }),
      });
      return reply.send(encodePage(page));
    },
  );

  app.get(
    '/runs/:id',
    { config: read, schema: { tags, params: runParams, response: { 200: runSchema } } },
    async (request, reply) => reply.send(await findRun(store, request.params.id)),
  );

  app.get(
    '/runs/:id/children',
    {
      config: read,
      schema: {
        tags,
        params: runParams,
        querystring: pageQuerySchema,
        response: { 200: pageSchema(runSummarySchema) },
      },
    },
    async ({ params, query }, reply) => {
      await findRun(store, params.id);
      const page = await store.listRuns({
        ...pageOf(query),
        parentId: params.id,
        withMetrics: true,
        order: 'oldest',
      });
      return reply.send(encodePage(page));
    },
  );

  app.post(
    '/runs/:id/cancel',
    {
      config: { scope: 'submit' },
      schema: {
        tags,
        summary: 'Asks whoever drives the run to end it; a run that nobody drives is Canceled at once',
        params: runParams,
        response: { 202: runSchema },
      },
    },
    async (request, reply) => reply.code(202).send(await cancelRun(store, request.params.id)),
  );

  app.delete(
    '/runs/:id',
    {
      config: { scope: 'admin' },
      schema: { tags, summary: 'With its descendants', params: runParams, response: { 204: Type.Null() } },
    },
    async (request, reply) => {
      await findRun(store, request.params.id);
      await store.deleteRun(request.params.id);
      return reply.code(204).send(null);
    },
  );
}

/**
 * @throws RequestError 404 for an unknown run, 409 for one that has ended
 */
async function cancelRun(store: Store, id: string): Promise<RunRecord> {
  const run = await findRun(store, id);
  if (isFinal(run.state)) {
    throw new RequestError(409, `run ${id}: must not have ended to be cancelled, but is ${run.state}.`);
  }
  await Run.of(store, run).cancel('It was cancelled through the API.');
  return findRun(store, id);
}

function encodePage<T extends { readonly metrics?: Readonly<Record<string, number>> }>(page: {
  readonly items: readonly T[];
  readonly next?: string;
}) {
  const items = page.items.map(({ metrics, ...run }) => ({
    ...run,
    ...(metrics === undefined ? {} : { metrics: encodeMetrics(metrics) }),
  }));
  return { items, ...(page.next === undefined ? {} : { next: page.next }) };
}

function parseTags(tags: readonly string[]): Record<string, string> {
  const entries = tags.map((tag): [string, string] => {
    const at = tag.indexOf('=');
    if (at <= 0) {
      throw new RequestError(
        400,
        `query: tag must be name=value, but got ${JSON.stringify(tag)}. Correct it.`,
        'tag',
      );
    }
    return [tag.slice(0, at), tag.slice(at + 1)];
  });
  return Object.fromEntries(entries);
}
