import { Type } from 'typebox';
import type { ModelRecord } from '#tracking';
import type { ApiApp, ApiContext } from './api-app.ts';
import { pageOf, pageQuerySchema, pageSchema, present } from './page-schemas.ts';
import { acceptFiles, incomingFile } from './receive-file.ts';
import { encodeMetrics, modelSchema, promotionSchema } from './record-schemas.ts';
import { notFound, RequestError } from './request-error.ts';
import { findRun } from './run-routes.ts';
import { sendFile } from './send-file.ts';

const nameParams = Type.Object({ name: Type.String() });
const versionParams = Type.Object({
  name: Type.String(),
  version: Type.String({ description: 'A version, an alias, or `newest`.' }),
});
const aliasParams = Type.Object({ name: Type.String(), alias: Type.String() });
const tags = ['models'];
const closed = { additionalProperties: false };
const read = { scope: 'read' } as const;
const done = { 204: Type.Null() };

const encodeModel = (model: ModelRecord) => ({
  ...model,
  aliases: [...model.aliases],
  metrics: encodeMetrics(model.metrics),
});

/** `/models` */
export function modelRoutes(app: ApiApp, context: ApiContext): void {
  listRoutes(app, context);
  versionRoutes(app, context);
  aliasRoutes(app, context);
  app.register(async (uploads: ApiApp) => uploadRoutes(uploads, context));
}

/** By version, by alias, or the newest. */
async function findModel({ store }: ApiContext, name: string, version?: string): Promise<ModelRecord> {
  const wanted =
    version === undefined || version === 'newest'
      ? undefined
      : /^\d+$/.test(version)
        ? Number(version)
        : version;
  const model = await store.findModel(name, wanted);
  const which =
    wanted === undefined
      ? ''
      : ` ${typeof wanted === 'number' ? 'version' : 'alias'} ${JSON.stringify(wanted)}`;
  return (
    model ??
    notFound(
      `model: must be registered, but got ${JSON.stringify(name)}${which}. GET /api/v1/models lists them.`,
    )
  );
}

function listRoutes(app: ApiApp, context: ApiContext): void {
  const { store } = context;

  app.get(
    '/models',
    {
      config: read,
      schema: {
        tags,
        summary: 'The newest version of every name',
        querystring: pageQuerySchema,
        response: { 200: pageSchema(modelSchema) },
      },
    },
    async (request, reply) => {
      const { items, ...rest } = await store.listModels(pageOf(request.query));
      return reply.send({ ...rest, items: items.map(encodeModel) });
    },
  );

  app.get(
    '/models/:name',
    {
      config: read,
      schema: { tags, summary: 'Its newest version', params: nameParams, response: { 200: modelSchema } },
    },
    async ({ params }, reply) => reply.send(encodeModel(await findModel(context, params.name))),
  );

  app.get(
    '/models/:name/versions',
    {
      config: read,
      schema: {
        tags,
        params: nameParams,
        querystring: pageQuerySchema,
        response: { 200: pageSchema(modelSchema) },
      },
    },
    async ({ params, query }, reply) => {
      await findModel(context, params.name);
      const { items, ...rest } = await store.listModelVersions(params.name, pageOf(query));
      return reply.send({ ...rest, items: items.map(encodeModel) });
    },
  );
}

function versionRoutes(app: ApiApp, context: ApiContext): void {
  const { store } = context;

  app.get(
    '/models/:name/versions/:version',
    { config: read, schema: { tags, params: versionParams, response: { 200: modelSchema } } },
    async ({ params }, reply) =>
      reply.send(encodeModel(await findModel(context, params.name, params.version))),
  );

  app.route({
    method: ['GET', 'HEAD'],
    url: '/models/:name/versions/:version/content',
    config: read,
    schema: { tags, summary: 'The file, or a range of it', params: versionParams },
    handler: async (request, reply) => {
      const { name, version, size, sha256 } = await findModel(
        context,
        request.params.name,
        request.params.version,
      );
      const open = async (range?: { start: number; end: number }) =>
        (await store.openModel(name, version, range)).content;
      return sendFile(request, reply, { name: `${name}-${version}.onnx`, size, sha256, open });
    },
  });

  app.delete(
    '/models/:name/versions/:version',
    {
      config: { scope: 'admin' },
      schema: { tags, summary: 'A version that no alias points at', params: versionParams, response: done },
    },
    async ({ params }, reply) => {
      const { name, version } = await findModel(context, params.name, params.version);
      await store.deleteModel(name, version);
      return reply.code(204).send(null);
    },
  );
}

function aliasRoutes(app: ApiApp, context: ApiContext): void {
  const { store } = context;
  const note = { by: Type.Optional(Type.String()), reason: Type.Optional(Type.String()) };

  app.put(
    '/models/:name/aliases/:alias',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Points an alias at a version and writes the promotion log',
        params: aliasParams,
        body: Type.Object({ version: Type.Integer({ minimum: 1 }), ...note }, closed),
        response: done,
      },
    },
    async ({ params: { name, alias }, body: { version, by, reason } }, reply) => {
      await findModel(context, name, String(version));
      await store.setModelAlias(name, alias, version, present({ by, reason }));
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/models/:name/aliases/:alias',
    {
      config: { scope: 'admin' },
      schema: { tags, params: aliasParams, querystring: Type.Object(note, closed), response: done },
    },
    async ({ params: { name, alias }, query: { by, reason } }, reply) => {
      await findModel(context, name, alias);
      await store.setModelAlias(name, alias, null, present({ by, reason }));
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/models/:name/promotions',
    {
      config: read,
      schema: {
        tags,
        summary: 'Which version each alias has pointed at, newest first',
        params: nameParams,
        querystring: pageQuerySchema,
        response: { 200: pageSchema(promotionSchema) },
      },
    },
    async ({ params, query }, reply) => {
      await findModel(context, params.name);
      return reply.send(await store.listPromotions(params.name, pageOf(query)));
    },
  );
}

function uploadRoutes(app: ApiApp, context: ApiContext): void {
  const { store, maxUploadBytes } = context;
  acceptFiles(app);

  app.post(
    '/models/:name/versions',
    {
      config: { scope: 'submit', isUpload: true },
      schema: {
        tags,
        summary: 'Keeps the body as the next version of the model',
        params: nameParams,
        querystring: Type.Object(
          { description: Type.Optional(Type.String()), runId: Type.Optional(Type.String()) },
          closed,
        ),
        response: { 201: modelSchema },
      },
    },
    async (request, reply) => {
      const { description, runId } = request.query;
      if (runId !== undefined) await findRun(store, runId);
      const { content, sha256 } = incomingFile(request, maxUploadBytes);
      if (sha256 !== undefined) {
        throw new RequestError(
          400,
          'header: X-Content-SHA256 goes with artefacts, but got a model. Leave it out.',
          'X-Content-SHA256',
        );
      }
      const model = await store.registerModel(
        { name: request.params.name, ...present({ description, runId }) },
        content,
      );
      return reply.code(201).send(encodeModel(model));
    },
  );
}
