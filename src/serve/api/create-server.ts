import { type AddressInfo, isIPv6 } from 'node:net';
import fastify from 'fastify';
import { ConfigError, RuntimeFailure, version } from '#core';
import type { Store } from '#tracking';
import type { ApiApp, ApiContext } from './api-app.ts';
import { artifactRoutes } from './artifact-routes.ts';
import { azureRoutes } from './azure-routes.ts';
import { datasetRoutes } from './dataset-routes.ts';
import { describeApi } from './describe-api.ts';
import { eventRoutes } from './event-routes.ts';
import { experimentRoutes } from './experiment-routes.ts';
import { limitBodyTime } from './limit-body-time.ts';
import { modelRoutes } from './model-routes.ts';
import { pipelineRoutes } from './pipeline-routes.ts';
import type { PipelineService } from './pipeline-service.ts';
import { answerError, errorBody } from './request-error.ts';
import { refusePublicHost, requireToken } from './require-token.ts';
import { runLogRoutes } from './run-log-routes.ts';
import { runRoutes } from './run-routes.ts';
import { superviseRuns } from './supervise-runs.ts';
import { validateRequest } from './validate-request.ts';

const DEFAULT_PORT = 8000;
/** JSON bodies; files are streamed and have a limit of their own. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
const DEFAULT_MAX_UPLOAD_BYTES = 64 * 1024 ** 3;

export interface ServerOptions {
  /** What is served. Belongs to the caller, who closes it after the server. */
  readonly store: Store;
  /** Publishes and runs pipelines; without it those routes answer 501. */
  readonly pipelines?: PipelineService;
  /** Default `127.0.0.1`, which only this machine can reach. */
  readonly host?: string;
  /** 0 to 65535, 0 for any free one; default 8000. */
  readonly port?: number;
  /** Largest file that may be uploaded; default 64 GiB. */
  readonly maxUploadBytes?: number;
  /** Seconds without a byte after which a connection is closed; default 30. */
  readonly idleSeconds?: number;
  /** Seconds within which a body that is no file must be whole; default 20. */
  readonly bodySeconds?: number;
  /** Requests that one address may make in a minute, from 1; default 60,000. */
  readonly requestsPerMinute?: number;
  /** Seconds between two looks for runs whose process is gone; default 10. */
  readonly superviseSeconds?: number;
}

/** A server that listens. */
export interface Server {
  /** `http://host:port` */
  readonly url: string;
  readonly port: number;
  /** Lets running requests end, closes streams and connections. */
  close(): Promise<void>;
}

/**
 * Serves a workspace over HTTP: experiments, runs, artefacts, datasets, models and published pipelines under
 * `/api/v1`, submission in Azure ML's form under `/pipelines/v1.0`, the OpenAPI document at `/openapi.json`.
 *
 * @throws ConfigError for a port that is none, and for an address that others can reach while there is no token
 * @throws RuntimeFailure when the address is in use or not of this machine
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { host = '127.0.0.1', port = DEFAULT_PORT, superviseSeconds = 10 } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ConfigError(
      `createServer: port must be a whole number from 0 to 65535, but got ${port}. Use 8000.`,
    );
  }
  await refusePublicHost(options.store, host);
  const closing = new AbortController();
  const app = await createApp(options, closing.signal);
  app.addHook('preClose', async () => closing.abort());
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    throw new RuntimeFailure(
      `createServer: ${host} port ${port} must be free and of this machine, but got ${reason}. Choose another with --port.`,
      { host, port },
      { cause: error },
    );
  }
  const supervision = superviseRuns(options.store, superviseSeconds);
  const address = app.server.address() as AddressInfo;
  return {
    port: address.port,
    url: `http://${isIPv6(address.address) ? `[${address.address}]` : address.address}:${address.port}`,
    close: async () => {
      await supervision.stop();
      await app.close();
      await options.pipelines?.close();
    },
  };
}

async function createApp(options: ServerOptions, closing: AbortSignal): Promise<ApiApp> {
  const { store, pipelines, maxUploadBytes = DEFAULT_MAX_UPLOAD_BYTES, idleSeconds = 30 } = options;
  const app: ApiApp = fastify({
    logger: { level: 'error', stream: process.stderr },
    bodyLimit: MAX_BODY_BYTES,
    // An upload may take long as long as bytes come: idle connections are closed, not slow ones.
    requestTimeout: 0,
    connectionTimeout: idleSeconds * 1000,
    // Idle connections that are kept open would hold up the end.
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    // Files answer HEAD themselves, without being opened.
    exposeHeadRoutes: false,
    // Names of 500 characters are up to 6000 when they are escaped.
    routerOptions: { maxParamLength: 8000, ignoreTrailingSlash: true },
    // `__proto__` is a name like others: nothing here copies keys by assignment.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
  });
  app.setValidatorCompiler(validateRequest);
  // Schemas of answers are for the document; what is sent comes from the store and is of its types.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => {
    const message = `${request.method} ${request.url.split('?')[0]}: is no route of this server. See /docs.`;
    const body = errorBody(404, message);
    return reply.code(404).send(request.url.startsWith('/pipelines/') ? { ...body, message } : body);
  });
  const context: ApiContext = { store, pipelines, closing, maxUploadBytes };
  limitBodyTime(app, options.bodySeconds ?? 20);
  await requireToken(app, store, { requestsPerMinute: options.requestsPerMinute ?? 60_000 });
  await describeApi(app);
  app.get('/', { schema: { hide: true } }, async () => ({ name: 'trainyard', version, docs: '/docs' }));
  await app.register(
    async (api: ApiApp) => {
      experimentRoutes(api, context);
      runRoutes(api, context);
      runLogRoutes(api, context);
      eventRoutes(api, context);
      datasetRoutes(api, context);
      modelRoutes(api, context);
      pipelineRoutes(api, context);
      await api.register(async (files: ApiApp) => artifactRoutes(files, context));
    },
    { prefix: '/api/v1' },
  );
  azureRoutes(app, context);
  return app;
}
