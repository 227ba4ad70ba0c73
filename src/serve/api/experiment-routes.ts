import { Type } from 'typebox';
import type { ApiApp, ApiContext } from './api-app.ts';
import { pageOf, pageQuerySchema, pageSchema, present } from './page-schemas.ts';
import { experimentSchema, tagsSchema } from './record-schemas.ts';
import { notFound } from './request-error.ts';

const nameParams = Type.Object({ name: Type.String() });
const tags = ['experiments'];

/** `/experiments` */
export function experimentRoutes(app: ApiApp, { store }: ApiContext): void {
  const find = async (name: string) => {
    const found = await store.findExperiment(name);
    return (
      found ??
      notFound(`experiment: must exist, but got ${JSON.stringify(name)}. GET /api/v1/experiments lists them.`)
    );
  };

  app.get(
    '/experiments',
    {
      config: { scope: 'read' },
      schema: { tags, querystring: pageQuerySchema, response: { 200: pageSchema(experimentSchema) } },
    },
    async (request, reply) => reply.send(await store.listExperiments(pageOf(request.query))),
  );

  app.post(
    '/experiments',
    {
      config: { scope: 'submit' },
      schema: {
        tags,
        summary: 'The experiment of that name, made when it does not exist',
        body: Type.Object(
          {
            name: Type.String(),
            description: Type.Optional(Type.String()),
            tags: Type.Optional(tagsSchema),
          },
          { additionalProperties: false },
        ),
        response: { 200: experimentSchema },
      },
    },
    async ({ body: { name, description, tags } }, reply) =>
      reply.send(await store.ensureExperiment(name, present({ description, tags }))),
  );

  app.get(
    '/experiments/:name',
    { config: { scope: 'read' }, schema: { tags, params: nameParams, response: { 200: experimentSchema } } },
    async (request, reply) => reply.send(await find(request.params.name)),
  );

  app.get(
    '/experiments/:name/metric-keys',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Names of all metrics of its runs',
        params: nameParams,
        response: { 200: pageSchema(Type.String()) },
      },
    },
    async (request, reply) => {
      await find(request.params.name);
      return reply.send({ items: await store.listMetricKeys(request.params.name) });
    },
  );

  app.delete(
    '/experiments/:name',
    {
      config: { scope: 'admin' },
      schema: { tags, summary: 'With all its runs', params: nameParams, response: { 204: Type.Null() } },
    },
    async (request, reply) => {
      await find(request.params.name);
      await store.deleteExperiment(request.params.name);
      return reply.code(204).send(null);
    },
  );
}
