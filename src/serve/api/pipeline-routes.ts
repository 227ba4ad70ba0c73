import { Type } from 'typebox';
import { nearestName } from '#core';
import type { Json, PublishedPipelineRecord } from '#tracking';
import type { ApiApp, ApiContext } from './api-app.ts';
import { pageOf, pageQuerySchema, pageSchema, present } from './page-schemas.ts';
import type { PipelineService, SubmitRequest } from './pipeline-service.ts';
import { jsonObjectSchema, jsonSchema, publishedPipelineSchema, tagsSchema } from './record-schemas.ts';
import { notFound, RequestError } from './request-error.ts';
import { findRun } from './run-routes.ts';

const pipelineParams = Type.Object({ id: Type.String() });
const tags = ['pipelines'];
const closed = { additionalProperties: false };
const read = { scope: 'read' } as const;

const submitSchema = Type.Object(
  {
    experimentName: Type.Optional(Type.String()),
    displayName: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
    tags: Type.Optional(tagsSchema),
    parameters: Type.Optional(jsonObjectSchema),
    parentRunId: Type.Optional(Type.String()),
    continueOnStepFailure: Type.Optional(Type.Boolean()),
  },
  closed,
);

/** The record as answers show it; the graph comes with a single one only. */
function encodePipeline({ definition, ...pipeline }: PublishedPipelineRecord) {
  return { ...pipeline, endpoint: `/api/v1/pipelines/${pipeline.id}/submit` };
}

/** The published pipeline, or 404. */
async function findPipeline({ store }: ApiContext, id: string): Promise<PublishedPipelineRecord> {
  return (
    (await store.findPublishedPipeline(id)) ??
    notFound(`pipeline: must be published, but got ${JSON.stringify(id)}. GET /api/v1/pipelines lists them.`)
  );
}

/**
 * Starts a run of a published pipeline.
 * @param field what parameters are called in the request
 * @throws RequestError 400 that names an unknown parameter, 404 for an unknown pipeline, 409 for a disabled one
 */
export async function submitPipeline(
  context: ApiContext,
  id: string,
  request: SubmitRequest,
  field: string,
): Promise<{ readonly runId: string; readonly pipeline: PublishedPipelineRecord }> {
  const pipeline = await findPipeline(context, id);
  if (pipeline.status !== 'Active') {
    throw new RequestError(
      409,
      `pipeline: must be Active to be run, but ${id} is ${pipeline.status}. Enable it first.`,
    );
  }
  const known = parameterNames(pipeline.definition);
  for (const name of Object.keys(request.parameters ?? {})) {
    if (known === undefined || known.includes(name)) continue;
    const near = nearestName(name, known);
    const wayOut =
      near !== undefined ? `Did you mean "${near}"?` : `There are: ${known.join(', ') || 'none'}.`;
    throw new RequestError(
      400,
      `${field}: must be parameters of the pipeline, but got ${JSON.stringify(name)}. ${wayOut}`,
      `${field}.${name}`,
    );
  }
  if (request.parentRunId !== undefined) await findRun(context.store, request.parentRunId);
  const { runId } = await pipelinesOf(context).submit(pipeline, request);
  return { runId, pipeline };
}

function pipelinesOf({ pipelines }: ApiContext): PipelineService {
  if (pipelines !== undefined) return pipelines;
  throw new RequestError(
    501,
    'pipelines: this server only keeps records, and runs none. Start `trainyard server`.',
  );
}

/** Names of a definition's parameters, or `undefined` when it does not list them. */
function parameterNames(definition: Json): readonly string[] | undefined {
  if (typeof definition !== 'object' || definition === null || !('parameters' in definition))
    return undefined;
  const parameters: unknown = definition.parameters;
  if (Array.isArray(parameters)) {
    return parameters.map((entry: unknown) =>
      typeof entry === 'object' && entry !== null && 'name' in entry ? String(entry.name) : String(entry),
    );
  }
  return typeof parameters === 'object' && parameters !== null ? Object.keys(parameters) : undefined;
}

/** `/pipelines` */
export function pipelineRoutes(app: ApiApp, context: ApiContext): void {
  recordRoutes(app, context);
  runningRoutes(app, context);
}

function recordRoutes(app: ApiApp, context: ApiContext): void {
  const { store } = context;

  app.get(
    '/pipelines',
    {
      config: read,
      schema: { tags, querystring: pageQuerySchema, response: { 200: pageSchema(publishedPipelineSchema) } },
    },
    async (request, reply) => {
      const { items, ...rest } = await store.listPublishedPipelines(pageOf(request.query));
      return reply.send({ ...rest, items: items.map(encodePipeline) });
    },
  );

  app.get(
    '/pipelines/:id',
    {
      config: read,
      schema: {
        tags,
        summary: 'With its graph',
        params: pipelineParams,
        response: { 200: Type.Object({ ...publishedPipelineSchema.properties, definition: jsonSchema }) },
      },
    },
    async ({ params }, reply) => {
      const pipeline = await findPipeline(context, params.id);
      return reply.send({ ...encodePipeline(pipeline), definition: pipeline.definition });
    },
  );

  for (const [verb, status] of [
    ['disable', 'Disabled'],
    ['enable', 'Active'],
  ] as const) {
    app.post(
      `/pipelines/:id/${verb}`,
      {
        config: { scope: 'admin' },
        schema: { tags, params: pipelineParams, response: { 200: publishedPipelineSchema } },
      },
      async ({ params }, reply) => {
        await findPipeline(context, params.id);
        await store.setPublishedStatus(params.id, status);
        return reply.send(encodePipeline(await findPipeline(context, params.id)));
      },
    );
  }
}

function runningRoutes(app: ApiApp, context: ApiContext): void {
  app.post(
    '/pipelines',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Publishes the pipeline of a run that has completed',
        body: Type.Object(
          {
            runId: Type.String(),
            name: Type.String(),
            description: Type.Optional(Type.String()),
            version: Type.Optional(Type.String()),
          },
          closed,
        ),
        response: { 201: publishedPipelineSchema },
      },
    },
    async ({ body: { runId, name, description = '', version = '1.0' } }, reply) => {
      const run = await findRun(context.store, runId);
      if (run.kind !== 'pipeline') {
        throw new RequestError(
          400,
          `body: runId must be a pipeline's run, but ${runId} is of kind ${run.kind}. Name the run above it.`,
          'runId',
        );
      }
      if (run.state !== 'Completed') {
        throw new RequestError(
          409,
          `body: runId must be a run that has completed, but ${runId} is ${run.state}. Publish another.`,
          'runId',
        );
      }
      const published = await pipelinesOf(context).publish(runId, { name, description, version });
      return reply.code(201).send(encodePipeline(published));
    },
  );

  app.post(
    '/pipelines/:id/submit',
    {
      config: { scope: 'submit' },
      schema: {
        tags,
        summary: 'Starts a run',
        params: pipelineParams,
        body: submitSchema,
        response: { 202: Type.Object({ id: Type.String(), url: Type.String() }) },
      },
    },
    async ({ params, body }, reply) => {
      const { runId } = await submitPipeline(context, params.id, present(body), 'parameters');
      const url = `/api/v1/runs/${runId}`;
      return reply.code(202).header('location', url).send({ id: runId, url });
    },
  );
}
