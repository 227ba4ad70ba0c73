import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ConfigError, DataError, RuntimeFailure, timestamp, version } from '#core';
import type { TokenStore } from '#tracking';
import { checkToken } from '../auth/token.ts';
import { openApiDocument, swaggerDocument } from './describe-scoring.ts';
import { defaultLimits, kindOfModel, loadService } from './load-service.ts';
import { ScoringMetrics } from './scoring-metrics.ts';
import type { ScoringService } from './scoring-service.ts';

export interface ScoringServerOptions {
  /** Path or bytes of a model written by `trainyard automl` or `trainyard classify train`. */
  readonly model: string | Uint8Array;
  /** Shown in the header `azureml-model-deployment`; default `1`. */
  readonly modelVersion?: string;
  /** Default `127.0.0.1`. Another one needs `tokens`. */
  readonly host?: string;
  /** 0 for any free one; default 5001, as Azure ML's server. */
  readonly port?: number;
  /** Where tokens with scope `score` are kept; without it nobody has to show one. */
  readonly tokens?: TokenStore;
  /** Rows that may wait before callers get 429; default 4096, or 64 pictures. */
  readonly maxQueueRows?: number;
  /** Rows of one call of the model; default 256, or 32 pictures. */
  readonly maxBatchRows?: number;
  /** Largest body; default 8 MiB, or 32 MiB where the first model takes pictures. */
  readonly maxBodyBytes?: number;
  /** Seconds in which a request must have come whole; default 20. */
  readonly requestSeconds?: number;
}

export interface ScoringServer {
  readonly url: string;
  readonly port: number;
  /** Loads another model and scores new requests with it; accepted ones are finished by the one before. */
  swap(model: string | Uint8Array, modelVersion: string): Promise<void>;
  /** Finishes what it has accepted. */
  close(): Promise<void>;
}

/** Files and fields of a form; fields are passed over. */
const FORM_LIMITS = { parts: 1000, fields: 100, fieldSize: 1024 };

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/** Whether a token is kept that is neither revoked nor expired. */
async function hasUsableToken(tokens: TokenStore | undefined): Promise<boolean> {
  const all = (await tokens?.listTokens()) ?? [];
  return all.some(
    ({ revokedAt, expiresAt }) =>
      revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > Date.parse(timestamp())),
  );
}

/**
 * Serves a model over HTTP in the form of Azure ML's online endpoints: `POST /score`, `GET /` for health. A model of
 * tables takes rows as JSON; one of pictures takes forms with files, a file as the body, or base64 in JSON.
 *
 * @throws ConfigError for a public host without tokens
 * @throws DataError when there is no such model
 */
export async function createScoringServer(options: ScoringServerOptions): Promise<ScoringServer> {
  const { host = '127.0.0.1', port = 5001, tokens, maxQueueRows, maxBatchRows } = options;
  if (!loopback.has(host) && !(await hasUsableToken(tokens))) {
    throw new ConfigError(
      `createScoringServer: a host that others can reach needs a token, but got ${host} and none. Make one with \`trainyard token create --scope score\`, or listen at 127.0.0.1.`,
      { host },
    );
  }
  const metrics = new ScoringMetrics();
  const maxBodyBytes = options.maxBodyBytes ?? defaultLimits[await kindOfModel(options.model)].maxBodyBytes;
  const load = (model: string | Uint8Array, name: string) =>
    loadService(model, name, {
      maxBodyBytes,
      ...(maxQueueRows === undefined ? {} : { maxQueueRows }),
      ...(maxBatchRows === undefined ? {} : { maxBatchRows }),
      onBatch: (rows) => metrics.countBatch(rows),
    });
  let current = await load(options.model, options.modelVersion ?? '1');
  const app = createApp({ ...options, maxBodyBytes }, metrics, () => current);
  try {
    await app.listen({ host, port });
  } catch (error) {
    await current.close();
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    throw new RuntimeFailure(
      `createScoringServer: ${host} port ${port} must be free and of this machine, but got ${reason}. Choose another with --port.`,
      { host, port },
      { cause: error },
    );
  }
  const address = app.server.address() as AddressInfo;
  return {
    port: address.port,
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    swap: async (model, modelVersion) => {
      const before = current;
      current = await load(model, modelVersion);
      await before.close();
    },
    close: async () => {
      await app.close();
      await current.close();
    },
  };
}

function createApp(
  options: ScoringServerOptions & { readonly maxBodyBytes: number },
  metrics: ScoringMetrics,
  current: () => ScoringService,
): FastifyInstance {
  const { tokens, maxBodyBytes, requestSeconds = 20 } = options;
  const app = fastify({
    bodyLimit: maxBodyBytes,
    requestTimeout: requestSeconds * 1000,
    forceCloseConnections: 'idle',
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
  });
  addFileParsers(app);
  app.addHook('onRequest', async (request, reply) => {
    const id = String(request.headers['x-request-id'] ?? randomUUID());
    if (id.length > 100)
      return reply.code(431).send({ message: 'x-request-id: must have at most 100 characters.' });
    reply.headers({
      'x-request-id': id,
      'x-ms-request-id': id,
      'x-ms-server-version': `trainyard/${version}`,
    });
    reply.header('azureml-model-deployment', current().version);
    if (request.routeOptions.url !== '/score') return;
    if (tokens !== undefined) {
      const refusal = await checkToken(tokens, request.headers.authorization, 'score');
      if (refusal !== undefined) return reply.code(refusal.statusCode).send({ message: refusal.message });
    }
    const type = (request.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
    if (/^(image|audio)\/|^multipart\//.test(type) && !current().takes(type)) {
      return reply.code(415).send({ message: `score: this model takes no ${type}. See /swagger.json.` });
    }
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error instanceof DataError ? 400 : (error.statusCode ?? 500);
    if (status >= 500) reply.header('x-ms-run-function-failed', 'True');
    if (status === 429) reply.header('retry-after', '1');
    return reply.code(status).send({ message: status < 500 ? error.message : 'score: the model failed.' });
  });
  app.setNotFoundHandler((request, reply) => {
    const isKnown = ['/', '/score', '/swagger.json', '/metrics'].includes(request.url.split('?')[0]);
    const message = `${request.method} ${request.url}: ${isKnown ? 'is no method of this route' : 'is no route of this server'}.`;
    return reply.code(isKnown ? 405 : 404).send({ message });
  });
  addDescriptions(app, metrics, current);
  app.addHook('onResponse', async (request, reply) => {
    if (request.routeOptions.url === '/score')
      metrics.countRequest(reply.statusCode, reply.elapsedTime / 1000);
  });
  // A plugin is ready only later: the route must come after it.
  app.after(() => {
    app.post('/score', async (request: FastifyRequest, reply: FastifyReply) => {
      const { body, seconds } = await current().score(request);
      reply.header('x-ms-run-function-failed', 'False');
      reply.header('x-ms-run-fn-exec-ms', (seconds * 1000).toFixed(3));
      return body;
    });
  });
  return app;
}

/** Forms, and pictures and sounds as whole bodies. Models that take none refuse them before they are read. */
function addFileParsers(app: FastifyInstance): void {
  app.register(import('@fastify/multipart'), { limits: FORM_LIMITS });
  app.addContentTypeParser(/^(image|audio)\//, { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
}

function addDescriptions(app: FastifyInstance, metrics: ScoringMetrics, current: () => ScoringService): void {
  app.get('/', (_request, reply) => reply.type('text/plain').send('Healthy'));
  app.get('/metrics', (_request, reply) => {
    const service = current();
    return reply.type('text/plain; version=0.0.4').send(metrics.toText(service.waiting, service.version));
  });
  app.get('/swagger.json', (request: FastifyRequest<{ Querystring: { version?: string } }>, reply) => {
    const { version: wanted = '2' } = request.query;
    const { description } = current();
    if (wanted === '2') return reply.send(swaggerDocument(description, request.host));
    if (wanted === '3') return reply.send(openApiDocument(description, request.host));
    return reply.code(404).send({
      message: `swagger.json: version must be 2 or 3, but got ${JSON.stringify(wanted)}. Use 3 for OpenAPI.`,
    });
  });
}
