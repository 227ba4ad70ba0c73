import { Type } from 'typebox';
import type { ApiApp, ApiContext } from './api-app.ts';
import { pageOf, pageQuerySchema, pageSchema } from './page-schemas.ts';
import { datasetSchema } from './record-schemas.ts';
import { notFound } from './request-error.ts';

const nameParams = Type.Object({ name: Type.String() });
const versionQuery = Type.Object(
  { version: Type.Optional(Type.Integer({ minimum: 1 })) },
  { additionalProperties: false },
);
const tags = ['datasets'];

/**
 * `/datasets`. They are registered by programs of this machine only: a path from outside would have the server read its
 * files for others.
 */
export function datasetRoutes(app: ApiApp, { store }: ApiContext): void {
  const read = { scope: 'read' } as const;
  const find = async (name: string, version?: number) =>
    (await store.findDataset(name, version)) ??
    notFound(
      `dataset: must be registered, but got ${JSON.stringify(name)}${version === undefined ? '' : ` version ${version}`}. GET /api/v1/datasets lists them.`,
    );

  app.get(
    '/datasets',
    {
      config: read,
      schema: {
        tags,
        summary: 'The newest version of every name',
        querystring: pageQuerySchema,
        response: { 200: pageSchema(datasetSchema) },
      },
    },
    async (request, reply) => reply.send(await store.listDatasets(pageOf(request.query))),
  );

  app.get(
    '/datasets/:name',
    {
      config: read,
      schema: { tags, params: nameParams, querystring: versionQuery, response: { 200: datasetSchema } },
    },
    async ({ params, query }, reply) => reply.send(await find(params.name, query.version)),
  );

  app.get(
    '/datasets/:name/versions',
    {
      config: read,
      schema: {
        tags,
        params: nameParams,
        querystring: pageQuerySchema,
        response: { 200: pageSchema(datasetSchema) },
      },
    },
    async ({ params, query }, reply) => {
      await find(params.name);
      return reply.send(await store.listDatasetVersions(params.name, pageOf(query)));
    },
  );

  app.delete(
    '/datasets/:name',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Forgets a version, or all; the data stays where it is',
        params: nameParams,
        querystring: versionQuery,
        response: { 204: Type.Null() },
      },
    },
    async ({ params, query }, reply) => {
      await find(params.name, query.version);
      await store.deleteDataset(params.name, query.version);
      return reply.code(204).send(null);
    },
  );
}
