import { Type } from 'typebox';
import type { ApiApp, ApiContext } from './api-app.ts';
import { pageOf, pageQuery, pageSchema, present } from './page-schemas.ts';
import { acceptFiles, incomingFile } from './receive-file.ts';
import { artifactSchema } from './record-schemas.ts';
import { notFound } from './request-error.ts';
import { findRun, runParams } from './run-routes.ts';
import { sendFile } from './send-file.ts';

const fileParams = Type.Object({ id: Type.String(), '*': Type.String() });
const tags = ['artifacts'];

/** `/runs/{id}/artifacts` */
export async function artifactRoutes(app: ApiApp, context: ApiContext): Promise<void> {
  const { store, maxUploadBytes } = context;
  acceptFiles(app);
  const find = async (id: string, path: string) => {
    await findRun(store, id);
    return (
      (await store.findArtifact(id, path)) ??
      notFound(
        `artifact: must be one of run ${id}, but got ${JSON.stringify(path)}. GET /api/v1/runs/${id}/artifacts lists them.`,
      )
    );
  };

  app.get(
    '/runs/:id/artifacts',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        params: runParams,
        querystring: Type.Object(
          { ...pageQuery, prefix: Type.Optional(Type.String()) },
          { additionalProperties: false },
        ),
        response: { 200: pageSchema(artifactSchema) },
      },
    },
    async ({ params, query }, reply) => {
      await findRun(store, params.id);
      const { prefix } = query;
      return reply.send(await store.listArtifacts(params.id, { ...pageOf(query), ...present({ prefix }) }));
    },
  );

  app.route({
    method: ['GET', 'HEAD'],
    url: '/runs/:id/artifacts/*',
    config: { scope: 'read' },
    schema: { tags, summary: 'The file, or a range of it', params: fileParams },
    handler: async (request, reply) => {
      const { id, '*': path } = request.params;
      const { size, sha256 } = await find(id, path);
      const open = async (range?: { start: number; end: number }) =>
        (await store.openArtifact(id, path, range)).content;
      return sendFile(request, reply, { name: path, size, sha256, open });
    },
  });

  app.put(
    '/runs/:id/artifacts/*',
    {
      config: { scope: 'submit', isUpload: true },
      schema: {
        tags,
        summary: 'Keeps the body as a file of the run; it replaces another of that name once it is whole',
        params: fileParams,
        response: { 201: artifactSchema },
      },
    },
    async (request, reply) => {
      const { id, '*': path } = request.params;
      await findRun(store, id);
      const { content, ...expected } = incomingFile(request, maxUploadBytes);
      return reply.code(201).send(await store.putArtifact(id, path, content, expected));
    },
  );

  app.delete(
    '/runs/:id/artifacts/*',
    { config: { scope: 'submit' }, schema: { tags, params: fileParams, response: { 204: Type.Null() } } },
    async (request, reply) => {
      const { id, '*': path } = request.params;
      await find(id, path);
      await store.deleteArtifact(id, path);
      return reply.code(204).send(null);
    },
  );
}
